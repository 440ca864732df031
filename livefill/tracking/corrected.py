"""Landmarks as a better witness would have them, for those who want landmarks and not a fill."""

from __future__ import annotations

from dataclasses import replace

from livefill.bias import Bias
from livefill.tracking.around import AroundTracker
from livefill.types import Frame, Track, Tracker

__all__ = ["CorrectedTracker"]


class CorrectedTracker(AroundTracker):
    """A tracker whose landmarks are rid of their bias."""

    def __init__(self, inner: Tracker, bias: Bias) -> None:
        super().__init__(inner)
        self._bias = bias

    def track(self, frame: Frame) -> Track | None:
        """Return what the tracker inside does, its landmarks corrected."""
        track = self._inner.track(frame)
        return None if track is None else replace(track, landmarks=self._bias.correct(track.landmarks))
