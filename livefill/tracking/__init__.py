"""Observe: where the face is in each frame, and what covers it."""

from __future__ import annotations

from functools import partial

from livefill.config import TRACKERS
from livefill.errors import TrackerError
from livefill.evidence import LEAN, Evidence
from livefill.matte import reconcile
from livefill.observer import Observer
from livefill.profile import Profile
from livefill.tracking.mesh import MeshTracker, ReferenceTracker
from livefill.tracking.observing import ObserverTracker
from livefill.types import Frame, Mask, Track, Tracker

__all__ = ["MeshTracker", "NoTracker", "ObserverTracker", "ReferenceTracker", "open_tracker"]

RANGE = 4.0  # log-odds from the least sensitivity to the most


class NoTracker:
    """Sees nothing, so nothing is filled."""

    stranger = False

    def track(self, frame: Frame) -> Track | None:
        """Return None."""
        return None

    def close(self) -> None:
        """Nothing is held."""


def open_tracker(
    name: str,
    profile: Profile | None,
    *,
    static: Mask | None = None,
    runtime: str = "auto",
    sensitivity: float = 0.5,
) -> Tracker:
    """Return the tracker of this name for the person of `profile`, or for anybody; `static` is always covered.

    `runtime` executes livefill's own networks; "auto" takes the quickest. `sensitivity`, 0..1, is how readily the
    observer calls a part of the face covered.
    """
    if name == "observer":
        observer, evidence = Observer.open(runtime=runtime), Evidence.open(runtime=runtime)
        judge = partial(reconcile, lean=LEAN + RANGE * (sensitivity - 0.5))
        return ObserverTracker(profile, static=static, observer=observer, evidence=evidence, judge=judge)
    if name == "mediapipe":
        return MeshTracker() if profile is None else ReferenceTracker(profile, static=static)
    raise TrackerError(f"unknown tracker {name!r}: choose one of {', '.join(TRACKERS)}")
