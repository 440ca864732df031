"""Reading one frame ahead changes nothing but the time it takes."""

from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import pytest

from livefill.capture import AheadSource, BaseSource
from livefill.errors import EndOfStream, SourceError
from livefill.types import Frame


class Numbers(BaseSource):
    """Gives numbered frames, then an error."""

    def __init__(self, count: int, last: Exception) -> None:
        self.size, self.rate, self.frames = (8, 6), Fraction(30), count
        self._count, self._last = count, last
        self.given = 0
        self.closed = False

    def read(self) -> Frame:
        if self.given == self._count:
            raise self._last
        self.given += 1
        return Frame(self.given - 1, self.given / 30, np.zeros((6, 8, 3), np.uint8))

    def close(self) -> None:
        self.closed = True


def test_every_frame_comes_in_order() -> None:
    with AheadSource(Numbers(20, EndOfStream("over"))) as source:
        assert [frame.seq for frame in source] == list(range(20))


def test_it_says_what_the_inner_source_says() -> None:
    inner = Numbers(20, EndOfStream("over"))
    with AheadSource(inner) as source:
        assert (source.size, source.rate, source.frames) == (inner.size, inner.rate, inner.frames)


def test_an_error_comes_where_it_happened() -> None:
    with AheadSource(Numbers(3, SourceError("cut off"))) as source:
        for _ in range(3):
            source.read()
        with pytest.raises(SourceError, match="cut off"):
            source.read()


def test_it_reads_no_further_than_one_frame_ahead() -> None:
    inner = Numbers(20, EndOfStream("over"))
    source = AheadSource(inner)
    for _ in range(5):
        source.read()
    source.close()
    assert inner.given <= 6


def test_close_closes_the_inner_source_and_joins_its_thread() -> None:
    inner = Numbers(20, EndOfStream("over"))
    source = AheadSource(inner)
    source.read()
    source.close()
    source.close()
    assert inner.closed
    assert not any(thread.name.startswith("livefill-read") for thread in threading.enumerate())
