"""Settings of a run: from a TOML file, overruled by the command line."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from livefill.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_TRACKER",
    "MODELS",
    "SCOPES",
    "TRACKERS",
    "Settings",
    "changed",
    "default_file",
    "home",
    "load_settings",
    "parse_size",
    "read_file",
]


MODELS = ("fast", "hq")  # generators that ship: the second is made for GPUs
DEFAULT_MODEL = MODELS[0]
TRACKERS = ("observer", "mediapipe")  # livefill's own networks, and those of the extra `mediapipe`
DEFAULT_TRACKER = "observer"
SCOPES = ("head", "face")


@dataclass(frozen=True, slots=True)
class Settings:
    """What `livefill run` needs to know. The names are those of the options and of the keys in the file."""

    camera: str = "0"  # index, device, or a video that plays like a camera
    profile: str | None = None  # None: `default`, and pass-through with an advice where there is none
    sink: str = "auto"
    size: str = "1280x720"  # asked of the camera, and what the virtual camera gets
    fps: float = 30.0
    backend: str = "auto"
    model: str = DEFAULT_MODEL  # the generator: `hq` sees twice as fine, and is made for GPUs
    tracker: str = DEFAULT_TRACKER  # or `mediapipe`, where that extra is installed
    mask: Path | None = None  # a picture: white is always covered
    scope: str = "head"  # what may be filled: everything that covers the head, or only what covers the `face`
    sensitivity: float = 0.5  # 0..1: how readily a part of the face is called covered
    feather: float = 1.0  # how wide the edge of the fill is, as a multiple of the usual
    badge: bool = False  # say in a corner of the picture when a part of it is synthesised
    hotkey: str | None = None  # passes through from within any application, like "<ctrl>+<alt>+p"; read at the start
    always_on: bool = False  # keep the camera on while nobody watches the virtual one
    loop: bool | None = None  # play a file again at its end; None: unless the sink is a file

    def __post_init__(self) -> None:
        """Check ranges once, here, whoever made the settings."""
        parse_size(self.size)
        if not 1 <= self.fps <= 240:
            raise ConfigError(f"fps is {self.fps:g}: choose between 1 and 240")
        for name, value, low, high in (("sensitivity", self.sensitivity, 0, 1), ("feather", self.feather, 0.25, 4)):
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value:g}: choose between {low:g} and {high:g}")
        words = (("model", self.model, MODELS), ("tracker", self.tracker, TRACKERS), ("scope", self.scope, SCOPES))
        for name, word, known in words:
            if word not in known:
                raise ConfigError(f"{name} is {word!r}: choose one of {', '.join(known)}")


def home() -> Path:
    """Return the folder in which livefill keeps profiles and settings: LIVEFILL_HOME, or the system's place for it."""
    return Path(os.environ.get("LIVEFILL_HOME") or user_data_path("livefill", appauthor=False))


def default_file() -> Path:
    """Return the settings' file that is read where none is named."""
    return home() / "livefill.toml"


def parse_size(text: str) -> tuple[int, int]:
    """Read "1280x720" as (width, height)."""
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text.lower())
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 64 <= min(size) <= max(size) <= 8192:
        raise ConfigError(f"size is {text!r}: write it like 1280x720, from 64 to 8192 pixels a side")
    return size


def load_settings(path: Path | None, **given: object) -> Settings:
    """Read `path`, if there is one, and put over it what was `given` and is not None.

    Raises `ConfigError` for a file that is missing or broken, an unknown key or a value of the wrong type.
    """
    base = Settings() if path is None else _told_where(path)
    return changed(base, {key: value for key, value in given.items() if value is not None}, where="the command line")


def _told_where(path: Path) -> Settings:
    try:
        return changed(Settings(), read_file(path), where=str(path))
    except ConfigError as error:
        raise error if str(path) in str(error) else ConfigError(f"{path}: {error}") from error


def read_file(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds, unchecked; raises `ConfigError`."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path} is not valid TOML: {error}. Words need quotes, as in: sink = "none"') from error


def changed(base: Settings, given: Mapping[str, Any], *, where: str) -> Settings:
    """Return the settings with what was `given`; raises `ConfigError`, which names `where` that came from."""
    values = dict(given)
    known = {field.name: str(field.type) for field in fields(Settings)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown setting {key!r}; there are {', '.join(known)}")
        values[key] = _converted(key, value, known[key], where)
    return replace(base, **values)


def _converted(key: str, value: object, kind: str, where: str) -> object:
    if value is None and "None" in kind:
        return None
    if "Path" in kind and isinstance(value, str | Path):
        return Path(value).expanduser()
    if "float" in kind and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if key == "camera" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if "bool" in kind and isinstance(value, bool):
        return value
    if "str" in kind and isinstance(value, str):
        return value
    raise ConfigError(f"{where}: {key} is {value!r}, which is not a {kind.split(' ')[0].lower()}")
