"""Calibration in mid-run: a stage in the tracker's place, while the picture passes through."""

from __future__ import annotations

from livefill.calibration import Calibrator
from livefill.types import Frame, Track

__all__ = ["CalibratingTracker"]

LONGEST = 20.0  # seconds that a calibration may take in mid-run


class CalibratingTracker:
    """A tracker that looks for references instead of occluders, so nothing is filled."""

    stranger = False

    def __init__(self, tracker: str) -> None:
        self.calibrator = Calibrator(tracker)
        self.hint = "look into the camera"
        self._start: float | None = None
        self._now = 0.0

    @property
    def progress(self) -> float:
        """How much of what is needed was seen, 0..1."""
        return self.calibrator.progress

    @property
    def done(self) -> bool:
        """Whether all was seen, or it took too long."""
        late = self._start is not None and self._now - self._start > LONGEST
        return late or self.progress >= 1

    def track(self, frame: Frame) -> Track | None:
        """Look at one frame; return None."""
        self._start = frame.time if self._start is None else self._start
        self._now = frame.time
        self.hint = self.calibrator.look(frame).hint or "turn your head a little, say a few words"
        return None

    def close(self) -> None:
        """Close the calibrator."""
        self.calibrator.close()
