"""What the page may ask for, as it comes through the WebSocket; what fits no message is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from livefill.errors import ConfigError

__all__ = ["Accept", "Calibrate", "Change", "Discard", "Message", "Pause", "Ready", "Record", "SetMask", "read_message"]

# All settings but the mask, which comes as a picture: a page has no business with paths.
Key: TypeAlias = Literal[
    "camera", "profile", "sink", "size", "fps", "backend", "model", "tracker", "scope", "sensitivity", "feather",
    "badge", "always_on",
]  # fmt: skip


class _Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    pass


class Ready(_Base, frozen=True, tag="ready"):
    """The next picture may come, with or without landmarks and mask drawn into it."""

    overlay: bool = False


class Pause(_Base, frozen=True, tag="pause"):
    """Pass through, or fill."""

    on: bool


class Calibrate(_Base, frozen=True, tag="calibrate"):
    """Make the profile anew."""


class Accept(_Base, frozen=True, tag="accept"):
    """Keep the calibration that waits."""


class Discard(_Base, frozen=True, tag="discard"):
    """Throw it away."""


class Record(_Base, frozen=True, tag="record"):
    """Begin a clip, or finish it."""

    on: bool


class Change(_Base, frozen=True, tag="set"):
    """Change a setting."""

    key: Key
    value: str | float | bool | None


class SetMask(msgspec.Struct, frozen=True):
    """Take up a mask that was kept, or none. The page sends the picture, not this."""

    path: Path | None


Message: TypeAlias = Ready | Pause | Calibrate | Accept | Discard | Record | Change
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def read_message(text: str | bytes) -> Message:
    """Return the message; raises `ConfigError` that says what is wrong with it."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise ConfigError(f"the page asked for something unknown: {error}") from error
