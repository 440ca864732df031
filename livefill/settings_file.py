"""The file of settings, while livefill runs: what the panel changes is written back, what an editor does taken up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import tomlkit
from tomlkit.exceptions import TOMLKitError

from livefill.config import Settings, default_file, load_settings, read_file
from livefill.errors import ConfigError, LivefillError
from livefill.private import stamp, write_private

__all__ = ["Changing", "SettingsFile", "default_file"]

EVERY = 1.0  # seconds between two looks at the file
AT_START = {"hotkey"}  # settings that are looked at only when a run starts


class Changing(Protocol):
    """A run whose settings can be changed."""

    @property
    def settings(self) -> Settings:
        """Those in force."""

    @property
    def reopening(self) -> bool:
        """Whether camera and sink are about to be opened anew; where that fails, `settings` go back."""

    def change(self, **values: object) -> None:
        """Change settings; raises a `LivefillError`, and then all stays as it was."""

    def say(self, text: str) -> None:
        """Tell the user."""


class SettingsFile:
    """One TOML file; its comments and order survive."""

    def __init__(self, path: Path, **given: object) -> None:
        """Begin with what the file holds; what was `given` on the command line holds where it says nothing any more."""
        self.path = path
        self._usual = load_settings(None, **given)
        self._stamp = stamp(path)
        self._values = read_file(path) if path.exists() else {}  # what of the file is in force
        self._taken: dict[str, tuple[object, object]] = {}  # what a run took last, before and after
        self._next = 0.0

    def follow(self, run: Changing) -> None:
        """Have a run take up what an editor changed; a value that will not do is told, and the old one stays."""
        self._settle(run)
        if (now := monotonic()) < self._next:
            return
        self._next = now + EVERY
        try:
            values = self._edited()
            if values is not None and (changes := self._changes(values)):
                run.change(**changes)
                self._taken = {key: (self._values.get(key), getattr(run.settings, key)) for key in changes}
                self._values = values  # only now: what was refused is still to be taken up once the file is mended
                self._settle(run)
        except LivefillError as error:
            run.say(f"The settings stay as they were: {error}")

    def _settle(self, run: Changing) -> None:
        """Tell what a run has kept of what it took: with another camera or sink, that is known once they are open."""
        if run.reopening:
            return
        taken, self._taken = self._taken, {}
        kept = [key for key, (_, after) in taken.items() if getattr(run.settings, key) == after]
        _put({key: before for key, (before, _) in taken.items() if key not in kept}, self._values)
        if kept:
            run.say(self._told(kept))

    def _edited(self) -> dict[str, Any] | None:
        """Return what the file holds if somebody else wrote it since the last look.

        Raises `ConfigError`, once, for a file that cannot be read or holds a value that will not do.
        """
        now = stamp(self.path)
        if now == self._stamp:
            return None
        self._stamp = now
        load_settings(self.path if now is not None else None)  # checks all of it
        return read_file(self.path) if now is not None else {}

    def _changes(self, values: Mapping[str, Any]) -> dict[str, object]:
        """Return the settings in which these values differ from those in force; a key that went has its usual value."""
        keys = sorted(values.keys() | self._values.keys())
        return {
            key: values.get(key, getattr(self._usual, key)) for key in keys if values.get(key) != self._values.get(key)
        }

    def write(self, **values: object) -> None:
        """Write settings into the file, which is made where there is none; None takes one out.

        What somebody else changed in it meanwhile stays for `follow` to find.
        """
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in values.items()}
        try:
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
            known = stamp(self.path) == self._stamp
            document = tomlkit.parse(text)
            _put(plain, document)
            data = tomlkit.dumps(document).encode()
            write_private(self.path.resolve(), lambda file: file.write(data))  # a symlink to it stays one
        except (OSError, UnicodeError, TOMLKitError) as error:
            raise ConfigError(f"{self.path} cannot be changed: {error}") from error
        _put(plain, self._values)
        self._taken = {key: taken for key, taken in self._taken.items() if key not in plain}
        if known:
            self._stamp = stamp(self.path)

    def _told(self, changes: Iterable[str]) -> str:
        """Return what the user is told of changes that the run has taken."""
        now = ", ".join(key for key in changes if key not in AT_START)
        later = ", ".join(key for key in changes if key in AT_START)
        told = [f"Taken up from {self.path}: {now}."] if now else []
        told += [f"What {self.path} says of {later} counts from the next start on."] if later else []
        return " ".join(told)


def _put(values: Mapping[str, object], into: MutableMapping[str, Any]) -> None:
    for key, value in values.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value
