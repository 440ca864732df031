"""What `livefill doctor` finds, and what of it lies in the user's own files: settings and profile."""

from __future__ import annotations

from dataclasses import dataclass

from livefill.checking import check_settings
from livefill.config import Settings, default_file, load_settings
from livefill.errors import LivefillError, ProfileError
from livefill.profile import list_profiles, load_profile, profile_path

__all__ = ["Finding", "own_files"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    ok: bool
    subject: str
    detail: str  # what was found
    remedy: str = ""  # what to do; with `ok`, an advice that may be ignored


def own_files() -> list[Finding]:
    """Look at the settings that `livefill run` would read and at the profile that it would take."""
    path = default_file()
    try:
        settings = load_settings(path if path.exists() else None)
        check_settings(settings, {"sink", "camera", "mask", "backend", "model"})
    except LivefillError as error:
        remedy = f"Correct {path}: `livefill run` does not start with it."
        return [Finding(False, "settings", str(error), remedy), _profile(Settings())]
    shown = str(path) if path.exists() else f"the usual ones; there is no {path}"
    return [Finding(True, "settings", shown), _profile(settings)]


def _profile(settings: Settings) -> Finding:
    name = settings.profile or "default"
    try:
        if settings.profile is None and not profile_path(name).exists():
            others = list_profiles()
            found = f"there is none called {name}, but: {', '.join(others)}" if others else "there is none yet"
            named = f" Or name one: `livefill run --profile {others[0]}`." if others else ""
            again = f"Run `livefill calibrate`: until then the picture passes through as it is.{named}"
            return Finding(True, "profile", found, again)
        made = load_profile(name)
    except ProfileError as error:
        return Finding(False, "profile", *_parted(str(error)))
    return Finding(True, "profile", f"{name}, of {made.created[:10]}")


def _parted(text: str) -> tuple[str, str]:
    """Return what happened and what to do of an error, where it says both in a sentence each."""
    happened, _, remedy = text.partition(". ")
    return happened, remedy
