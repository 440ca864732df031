"""Writing one frame behind changes nothing but the time it takes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from livefill.errors import SinkError
from livefill.sinks.base import BaseSink
from livefill.sinks.behind import BehindSink
from livefill.types import Frame


class Recorder(BaseSink):
    """Remembers what came; fails at one frame."""

    label = "recorder"

    def __init__(self, fails_at: int = -1) -> None:
        self.seen: list[int] = []
        self.closed = self.aborted = False
        self._fails_at = fails_at

    def write(self, frame: Frame) -> None:
        if frame.seq == self._fails_at:
            raise SinkError("the disk is full")
        self.seen.append(frame.seq)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


def frame(seq: int) -> Frame:
    return Frame(seq, seq / 30, np.zeros((4, 4, 3), np.uint8))


def write_all(sink: BehindSink, count: int) -> None:
    with sink:
        for seq in range(count):
            sink.write(frame(seq))


def test_every_frame_is_written_in_order_before_it_closes() -> None:
    inner = Recorder()
    write_all(BehindSink(inner), 30)
    assert inner.seen == list(range(30))
    assert inner.closed
    assert not inner.aborted


def test_an_error_surfaces_in_the_next_write() -> None:
    inner = Recorder(fails_at=3)
    with pytest.raises(SinkError, match="disk is full"):
        write_all(BehindSink(inner), 5)
    assert inner.seen == [0, 1, 2]
    assert inner.aborted
    assert not inner.closed


def test_an_error_of_the_last_frame_surfaces_in_close() -> None:
    inner = Recorder(fails_at=4)
    sink = BehindSink(inner)
    for seq in range(5):
        sink.write(frame(seq))
    with pytest.raises(SinkError, match="disk is full"):
        sink.close()
    assert inner.aborted


def test_no_thread_is_left() -> None:
    for leave in ("close", "abort"):
        sink = BehindSink(Recorder())
        sink.write(frame(0))
        getattr(sink, leave)()
    assert not any(thread.name.startswith("livefill-write") for thread in threading.enumerate())
