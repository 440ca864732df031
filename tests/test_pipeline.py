"""The loop, with every stage replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from livefill.capture import PatternSource
from livefill.errors import CameraAway, EndOfStream, SinkError, SourceError
from livefill.pipeline import Shown, Stages, run
from livefill.sinks.null import NullSink
from livefill.stats import Stats
from livefill.types import Frame, Patch, Track

SIZE = (32, 24)
AT_ORIGIN = np.eye(2, 3, dtype=np.float32)
RED = Patch(np.full((4, 4, 3), (255, 0, 0), np.uint8), np.ones((4, 4), np.float32), AT_ORIGIN)
SEEN = Track(np.zeros((468, 2), np.float32), np.ones((24, 32), np.float32), 1.0)


class Script:
    """A source that plays what it is given: frames, or errors to raise."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.seq = 0

    def read(self) -> Frame:
        if not self.outcomes:
            raise EndOfStream("over")
        outcome = self.outcomes.pop(0)
        if outcome is not None:
            raise outcome
        self.seq += 1
        return Frame(self.seq - 1, self.seq / 30, np.full((24, 32, 3), 100, np.uint8))

    def close(self) -> None:
        """Nothing is held."""


class Stage:
    """A tracker and filler in one: notes what it is asked, and fails at the frames it is told to."""

    def __init__(self, *, fails: Iterable[int] = (), log: list[str] | None = None) -> None:
        self.fails = set(fails)
        self.log = [] if log is None else log

    def track(self, frame: Frame) -> Track | None:
        self.log.append(f"track {frame.seq}")
        if frame.seq in self.fails:
            raise ZeroDivisionError(f"frame {frame.seq}")
        return SEEN

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        self.log.append(f"fill {frame.seq}")
        assert track is SEEN
        return RED

    def close(self) -> None:
        """Nothing is held."""


class Kept(NullSink):
    """Keeps every frame, or fails at the frames it is told to."""

    def __init__(self, *, fails: Iterable[int] = (), log: list[str] | None = None) -> None:
        super().__init__()
        self.kept: list[Frame] = []
        self.fails = set(fails)
        self.log = [] if log is None else log

    def write(self, frame: Frame) -> None:
        self.log.append(f"write {frame.seq}")
        if frame.seq in self.fails:
            raise SinkError("the disk is full")
        self.kept.append(frame)


def within_a_second(action: Callable[[], None]) -> Exception | None:
    """Do it in another thread, which has to end at once; return what it raised."""
    raised: list[Exception] = []

    def guarded() -> None:
        try:
            action()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(1.0)
    assert not thread.is_alive()
    return raised[0] if raised else None


def is_filled(frame: Frame) -> bool:
    return bool((frame.image[:4, :4] == (255, 0, 0)).all())


# --- the good case ----------------------------------------------------------------------------------------------------


def test_every_frame_goes_through_the_stages_in_order() -> None:
    log: list[str] = []
    stage, sink = Stage(log=log), Kept(log=log)
    run(Script(None, None), Stages(stage, stage), sink)
    assert log == ["track 0", "fill 0", "write 0", "track 1", "fill 1", "write 1"]
    assert all(is_filled(frame) for frame in sink.kept)
    assert [(frame.seq, frame.time) for frame in sink.kept] == [(0, 1 / 30), (1, 2 / 30)]


def test_stages_are_timed_in_order() -> None:
    stats, stage = Stats(), Stage()
    run(Script(None, None), Stages(stage, stage), Kept(), stats=stats)
    assert list(stats.summary().stages) == ["capture", "observe", "fill", "paste", "sink"]


def test_between_sees_every_frame_and_may_stop() -> None:
    seen: list[Shown | None] = []

    def between(shown: Shown | None) -> bool:
        seen.append(shown)
        return len(seen) < 4

    sink, stage = Kept(), Stage()
    run(PatternSource(SIZE), Stages(stage, stage), sink, between=between)  # the pattern never ends
    assert seen[0] is None
    assert [shown and shown.before.seq for shown in seen] == [None, 0, 1, 2]
    assert [shown.after for shown in seen if shown is not None] == sink.kept


def test_stop_before_the_first_frame_reads_nothing() -> None:
    source, stage = Script(None), Stage()
    run(source, Stages(stage, stage), Kept(), between=lambda shown: False)
    assert source.seq == 0


def test_stages_may_be_exchanged_between_frames() -> None:
    first, second = Stage(), Stage()
    stages = Stages(first, first)

    def between(shown: Shown | None) -> bool:
        if shown is not None and shown.before.seq == 1:
            stages.tracker = stages.filler = second
        return True

    run(Script(None, None, None), stages, Kept(), between=between)
    assert first.log == ["track 0", "fill 0", "track 1", "fill 1"]
    assert second.log == ["track 2", "fill 2"]


def test_a_camera_that_is_away_is_waited_for() -> None:
    sink, stage = Kept(), Stage()
    asked, told = list[Shown | None](), list[CameraAway]()

    def between(shown: Shown | None) -> bool:
        asked.append(shown)
        return True

    away = CameraAway("unplugged")
    run(Script(away, None, away, away, None), Stages(stage, stage), sink, between=between, away=told.append)
    assert [frame.seq for frame in sink.kept] == [0, 1]
    assert told == [away] * 3
    assert len(asked) == 6  # it can be stopped meanwhile
    assert [shown.after for shown in asked if shown is not None] == sink.kept  # and no frame is counted twice


def test_waiting_for_a_camera_can_be_stopped() -> None:
    turns = iter([True, True, False])
    stage, source = Stage(), Script(*[CameraAway("unplugged")] * 100)
    run(source, Stages(stage, stage), Kept(), between=lambda shown: next(turns))
    assert len(source.outcomes) == 98


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_error_of_the_source_ends_the_loop_with_itself() -> None:
    error, sink, stage = SourceError("cut off"), Kept(), Stage()
    told: list[Exception] = []
    raised = within_a_second(lambda: run(Script(None, error, None), Stages(stage, stage), sink, forgive=told.append))
    assert raised is error
    assert not told  # it is not the loop's to forgive
    assert len(sink.kept) == 1


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("?")])
def test_even_an_unexpected_one(error: Exception) -> None:
    stage = Stage()
    assert within_a_second(lambda: run(Script(error), Stages(stage, stage), Kept())) is error


def test_an_error_of_the_sink_ends_the_loop_with_itself() -> None:
    stage, told = Stage(), list[Exception]()
    endless = PatternSource(SIZE)
    raised = within_a_second(lambda: run(endless, Stages(stage, stage), Kept(fails=[2]), forgive=told.append))
    assert isinstance(raised, SinkError)
    assert str(raised) == "the disk is full"
    assert not told


class Broken(Stage):
    """A filler that fails."""

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        raise RuntimeError("no memory")


class Misplaced(Stage):
    """A filler whose patch cannot be pasted."""

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        return Patch(RED.image, np.ones((4, 4), np.complex64), AT_ORIGIN)  # type: ignore[arg-type]


@pytest.mark.parametrize("stages", [Stages(Stage(fails=[0]), Stage()), Stages(Stage(), Broken())])
def test_without_forgiveness_a_stage_ends_the_loop(stages: Stages) -> None:
    raised = within_a_second(lambda: run(PatternSource(SIZE), stages, Kept()))
    assert isinstance(raised, ZeroDivisionError | RuntimeError)


@pytest.mark.parametrize(
    "stages", [Stages(Stage(fails=[1]), Stage()), Stages(Stage(), Broken()), Stages(Stage(), Misplaced())]
)
def test_with_forgiveness_the_frame_passes_unchanged_and_the_loop_goes_on(stages: Stages) -> None:
    told: list[Exception] = []
    sink = Kept()
    run(Script(None, None, None), stages, sink, forgive=told.append)
    assert [frame.seq for frame in sink.kept] == [0, 1, 2]
    assert (sink.kept[1].image == 100).all()
    assert told


def test_only_the_frame_that_failed_passes() -> None:
    sink = Kept()
    run(Script(None, None, None), Stages(Stage(fails=[1]), Stage()), sink, forgive=lambda error: None)
    assert [is_filled(frame) for frame in sink.kept] == [True, False, True]


def test_both_stages_are_closed_even_if_one_cannot_be() -> None:
    closed: list[str] = []

    class Closing(Stage):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def close(self) -> None:
            closed.append(self.name)
            raise OSError(f"the {self.name} is stuck")

    with pytest.raises(OSError, match="is stuck"):
        Stages(Closing("tracker"), Closing("filler")).close()
    assert closed == ["tracker", "filler"]


def test_an_interrupt_is_not_forgiven() -> None:
    class Interrupted(Stage):
        def track(self, frame: Frame) -> Track | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Script(None), Stages(Interrupted(), Stage()), Kept(), forgive=lambda error: None)
