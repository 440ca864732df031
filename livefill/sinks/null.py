"""A sink that shows nothing, for measuring and for tests."""

from __future__ import annotations

from livefill.sinks.base import BaseSink
from livefill.types import Frame


class NullSink(BaseSink):
    """Counts the frames and keeps the last."""

    label = "nowhere"

    def __init__(self) -> None:
        self.frames = 0
        self.last: Frame | None = None

    def write(self, frame: Frame) -> None:
        """Count."""
        self.frames += 1
        self.last = frame

    def close(self) -> None:
        """Nothing is held."""
