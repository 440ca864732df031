from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from livefill.errors import SinkError
from livefill.sinks.base import BaseSink
from livefill.sinks.null import NullSink
from livefill.sinks.paced import SLIDE, PacedSink, next_due, placeholder
from livefill.stats import Stats
from livefill.types import Frame

SIZE = (64, 48)
PERIOD = 0.04


class StepSink(BaseSink):
    """Hands every frame to the test; a frame is taken only when the test asks for one."""

    label = "test"

    def __init__(self) -> None:
        self.written: queue.Queue[Frame] = queue.Queue()
        self.ends: list[str] = []

    def write(self, frame: Frame) -> None:
        self.written.put(frame)

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")


class BreakingSink(StepSink):
    def write(self, frame: Frame) -> None:
        raise SinkError("the device is gone")


def frame(seq: int) -> Frame:
    return Frame(seq, time.monotonic(), np.full((SIZE[1], SIZE[0], 3), seq, np.uint8))


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "livefill-sink"]


def test_a_placeholder_is_shown_at_once_and_again_until_frames_come() -> None:
    inner = StepSink()
    with PacedSink(inner, 100, size=SIZE) as sink:
        first, second = inner.written.get(timeout=2), inner.written.get(timeout=2)
        assert first is second
        assert first.image.shape == (48, 64, 3)
        sink.write(frame(7))
        seen = [inner.written.get(timeout=2).seq for _ in range(10)]
    assert seen[-1] == 7
    assert set(seen) <= {-1, 7}
    assert sink.duplicated >= 8
    assert inner.ends == ["closed"]


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    inner = StepSink()
    with PacedSink(inner, 2, size=SIZE) as sink:
        inner.written.get(timeout=2)
        for seq in range(20):
            sink.write(frame(seq))
        shown = inner.written.get(timeout=2)
        assert shown.seq == 19
        assert sink.dropped == 19


def test_writing_never_waits_for_a_slow_sink() -> None:
    release = threading.Event()

    class SlowSink(StepSink):
        def write(self, frame: Frame) -> None:
            release.wait(5)
            super().write(frame)

    with PacedSink(SlowSink(), 100, size=SIZE) as sink:
        start = time.monotonic()
        for seq in range(100):
            sink.write(frame(seq))
        assert time.monotonic() - start < 0.5
        release.set()


def test_an_error_of_the_inner_sink_surfaces_in_the_next_write() -> None:
    inner = BreakingSink()
    with pytest.raises(SinkError, match="the device is gone"):
        write_until_it_fails(inner)
    assert inner.ends == ["aborted"]


def write_until_it_fails(inner: BaseSink) -> None:
    with PacedSink(inner, 100, size=SIZE) as sink:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            sink.write(frame(1))


def test_closing_is_quick_and_may_be_done_twice() -> None:
    inner = StepSink()
    sink = PacedSink(inner, 0.1, size=SIZE)  # a beat of ten seconds: closing must not wait for it
    inner.written.get(timeout=2)
    start = time.monotonic()
    sink.close()
    sink.close()
    assert time.monotonic() - start < 1


def test_new_frames_are_reported_with_their_age() -> None:
    stats, inner = Stats(), StepSink()
    with PacedSink(inner, 100, size=SIZE, stats=stats) as sink:
        sink.write(frame(1))
        while inner.written.get(timeout=2).seq != 1:
            pass
        inner.written.get(timeout=2)  # the beat after: the one before has been counted
    assert 0 < stats.summary().age_p50 < 1000
    assert stats.summary().duplicated == sink.duplicated > 0


# --- the beat, without a clock ----------------------------------------------------------------------------------------


def test_without_new_frames_the_beat_is_steady() -> None:
    assert next_due(10.0, PERIOD, arrived=None, now=10.01) == pytest.approx(10 + PERIOD)


@pytest.mark.parametrize(("arrived", "sign"), [(9.995, -1), (10.005, 1)])
def test_the_beat_slides_towards_the_frames(arrived: float, sign: int) -> None:
    assert next_due(10.0, PERIOD, arrived=arrived, now=10.01) == pytest.approx(10 + PERIOD * (1 + sign * SLIDE))


def test_missed_beats_are_not_made_up_for() -> None:
    assert next_due(10.0, PERIOD, arrived=None, now=17.0) == 17.0


def test_a_source_of_the_same_rate_ends_up_in_step() -> None:
    due, phase = 0.0, 0.4 * PERIOD
    for beat in range(200):
        arrived = beat * PERIOD + phase
        due = next_due(due, PERIOD, arrived=arrived, now=0.0)
    assert abs(due - (200 * PERIOD + phase)) < 2 * SLIDE * PERIOD


def test_the_placeholder_says_what_happens() -> None:
    image = placeholder((320, 180), "livefill: starting")
    assert image.shape == (180, 320, 3)
    assert 28 < image.max() <= 200
    assert placeholder((320, 180), "").max() == 28


def test_the_null_sink_counts() -> None:
    sink = NullSink()
    for seq in range(3):
        sink.write(frame(seq))
    sink.close()
    assert (sink.frames, sink.last is not None and sink.last.seq) == (3, 2)
