"""Every error that livefill raises on purpose. The message says what happened and what to do.

LivefillError
├── ConfigError          a setting that is unknown or out of range
├── SourceError          a camera or file that cannot be read
│   ├── CameraAway       a camera that gives nothing at the moment, and may come back
│   │   └── Unwatched    one that is off because nobody watches
│   └── EndOfStream      no more frames: the normal end of a file
├── ProfileError         a profile that is missing, unreadable or of another version
├── CalibrationError     no frame good enough to serve as a reference
├── TrackerError         the face tracker cannot run here
├── BackendError         a backend asked for by name cannot run here
│   └── NotInstalledError    its library is not there
└── SinkError            a virtual camera or file that cannot be written
"""

from __future__ import annotations

__all__ = [
    "BackendError",
    "CalibrationError",
    "CameraAway",
    "ConfigError",
    "EndOfStream",
    "LivefillError",
    "NotInstalledError",
    "ProfileError",
    "SinkError",
    "SourceError",
    "TrackerError",
    "Unwatched",
]


class LivefillError(Exception):
    """Root of the tree: the command line prints its text and exits with 1."""


class ConfigError(LivefillError):
    """A setting is unknown, of the wrong type or out of range."""


class SourceError(LivefillError):
    """A camera, file or image cannot be opened or read."""


class CameraAway(SourceError):
    """The camera gives no frames at the moment. Keep showing what there is and read again: it may come back."""


class Unwatched(CameraAway):
    """The camera is off because nobody watches. Read again: it comes back when somebody does."""


class EndOfStream(SourceError):
    """The source has given its last frame."""


class ProfileError(LivefillError):
    """A profile is missing, unreadable, or of another format version."""


class CalibrationError(LivefillError):
    """No frame was good enough to serve as a reference."""


class TrackerError(LivefillError):
    """The face tracker cannot be loaded or run."""


class BackendError(LivefillError):
    """The backend asked for cannot run on this machine."""


class NotInstalledError(BackendError):
    """The library that a backend needs is not installed."""


class SinkError(LivefillError):
    """A virtual camera, window or file cannot be opened or written."""
