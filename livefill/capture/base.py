"""What every source has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType

from livefill.errors import EndOfStream
from livefill.types import Frame


class BaseSource(ABC):
    """A source to read from, to iterate over, and to leave with `with`."""

    size: tuple[int, int]  # width, height of the frames in pixels
    rate: Fraction  # nominal frames per second
    frames: int = 0  # how many there will be; 0 where that is unknown or endless
    live: bool = False  # whether frames that nobody reads in time are lost

    @property
    def dropped(self) -> int:
        """Frames that were captured and never read."""
        return 0

    @abstractmethod
    def read(self) -> Frame:
        """Return the next frame; raise `EndOfStream` after the last, `SourceError` when it cannot go on."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held. Safe to call twice."""

    def __iter__(self) -> Iterator[Frame]:
        while True:
            try:
                frame = self.read()
            except EndOfStream:
                return
            yield frame

    def __enter__(self) -> BaseSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
