"""livefill: a virtual camera that takes whatever covers your face out of the picture, live.

from livefill import Filler, ObserverTracker, load_profile, open_session, open_sink, open_source, paste

profile = load_profile("default")
tracker, filler = ObserverTracker(profile), Filler(profile, open_session())
with open_source("0", size=(1280, 720), live=True) as source, open_sink("auto", size=source.size, rate=30) as sink:
    for frame in source:
        track = tracker.track(frame)
        patch = filler.fill(frame, track)
        sink.write(paste(frame, patch))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from livefill.discreet import stay_discreet

if TYPE_CHECKING:
    from livefill.app import calibrate
    from livefill.backends import open_session
    from livefill.capture import open_source
    from livefill.composite import paste
    from livefill.errors import LivefillError
    from livefill.filler import Filler
    from livefill.pipeline import run
    from livefill.profile import Profile, Reference, load_profile, save_profile
    from livefill.sinks import open_sink
    from livefill.tracking import ObserverTracker
    from livefill.types import Frame, Patch, Track

__version__ = "0.1.0"

stay_discreet()  # whatever is imported next

__all__ = [
    "Filler",
    "Frame",
    "LivefillError",
    "ObserverTracker",
    "Patch",
    "Profile",
    "Reference",
    "Track",
    "__version__",
    "calibrate",
    "load_profile",
    "open_session",
    "open_sink",
    "open_source",
    "paste",
    "run",
    "save_profile",
]

_HOMES = {
    "Filler": "filler",
    "Frame": "types",
    "LivefillError": "errors",
    "Patch": "types",
    "Profile": "profile",
    "Reference": "profile",
    "ObserverTracker": "tracking",
    "Track": "types",
    "calibrate": "app",
    "load_profile": "profile",
    "open_session": "backends",
    "open_sink": "sinks",
    "open_source": "capture",
    "paste": "composite",
    "run": "pipeline",
    "save_profile": "profile",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `livefill --help` must not load a face tracker."""
    if name not in _HOMES:
        raise AttributeError(f"module 'livefill' has no attribute {name!r}")
    return getattr(import_module(f"livefill.{_HOMES[name]}"), name)
