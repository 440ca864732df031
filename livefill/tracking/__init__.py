"""Observe: where the face is in each frame, and what covers it."""

from __future__ import annotations

from livefill.config import TRACKERS
from livefill.errors import TrackerError
from livefill.observer import Observer
from livefill.profile import Profile
from livefill.tracking.mesh import MeshTracker, ReferenceTracker
from livefill.tracking.observing import ObserverTracker
from livefill.types import Frame, Mask, Track, Tracker

__all__ = ["MeshTracker", "NoTracker", "ObserverTracker", "ReferenceTracker", "open_tracker"]


class NoTracker:
    """Sees nothing, so nothing is filled."""

    def track(self, frame: Frame) -> Track | None:
        """Return None."""
        return None

    def close(self) -> None:
        """Nothing is held."""


def open_tracker(name: str, profile: Profile | None, *, static: Mask | None = None, runtime: str = "auto") -> Tracker:
    """Return the tracker of this name for the person of `profile`, or for anybody; `static` is always covered.

    `runtime` executes livefill's own networks; "auto" takes the quickest.
    """
    if name == "observer":
        return ObserverTracker(profile, static=static, observer=Observer.open(runtime=runtime))
    if name == "mediapipe":
        return MeshTracker() if profile is None else ReferenceTracker(profile, static=static)
    raise TrackerError(f"unknown tracker {name!r}: choose one of {', '.join(TRACKERS)}")
