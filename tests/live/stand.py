"""A run whose camera, sink, tracker and calibrator are replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
import synthetic

from livefill import calibrating, live, making, staging
from livefill.calibration import Judgement
from livefill.capture import BaseSource
from livefill.config import Settings
from livefill.errors import (
    CalibrationError,
    EndOfStream,
)
from livefill.live import Live
from livefill.pipeline import Stages
from livefill.profile import Profile
from livefill.sinks import BaseSink
from livefill.types import Frame, ModelSpec, Patch, Track

GREY, BLUE = 100, (0, 0, 255)
SIZE = (96, 64)


class Feed(BaseSource):
    """A camera that plays frames, and errors where the script says so; endless where there is no script."""

    live = True

    def __init__(self, script: Iterable[Exception | None] | None = None) -> None:
        self.size, self.rate = SIZE, Fraction(30)
        self.script = None if script is None else list(script)
        self.seq = self.closed = 0
        self.given: list[Frame] = []

    def read(self) -> Frame:
        if self.script is not None:
            if not self.script:
                raise EndOfStream("over")
            if (error := self.script.pop(0)) is not None:
                raise error
        self.given.append(Frame(self.seq, self.seq / 30, np.full((SIZE[1], SIZE[0], 3), GREY, np.uint8)))
        self.seq += 1
        return self.given[-1]

    def close(self) -> None:
        self.closed += 1


class Recorder(BaseSink):
    """Keeps what it is shown."""

    label = "a recorder"

    def __init__(self) -> None:
        self.shown: list[Frame] = []
        self.ended = ""

    def write(self, frame: Frame) -> None:
        self.shown.append(frame)

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    @property
    def filled(self) -> list[bool]:
        """Of every frame, whether it was filled; one that was not is the camera's own."""
        return [bool((frame.image[0, 0] == BLUE).all()) for frame in self.shown]


class Fake:
    """Tracker and filler of one person: paints a blue corner; fails at the frames it is told to."""

    stranger = False

    def __init__(self, profile: Profile | None) -> None:
        self.profile = profile
        self.fails: set[int] = set()
        self.asked: list[int] = []
        self.closed = 0

    def track(self, frame: Frame) -> Track | None:
        self.asked.append(frame.seq)
        if frame.seq in self.fails:
            raise RuntimeError("the tracker tripped")
        return Track(np.zeros((468, 2), np.float32), np.ones(SIZE[::-1], np.float32), 1.0)

    def fill(self, frame: Frame, track: Track | None) -> Patch | None:
        corner = np.full((4, 4, 3), BLUE, np.uint8)
        return Patch(corner, np.ones((4, 4), np.float32), np.eye(2, 3, dtype=np.float32))

    def close(self) -> None:
        self.closed += 1


class FakeCalibrator:
    """Finds every frame good once `good` is set; ready after three of them."""

    made: ClassVar[list[FakeCalibrator]] = []
    good = True
    fails = False

    def __init__(self, tracker: str) -> None:
        self.looks = self.closed = 0
        self.made.append(self)

    @property
    def progress(self) -> float:
        return min(1.0, self.looks / 3) if self.good else 0.0

    def look(self, frame: Frame) -> Judgement:
        if self.fails:
            raise RuntimeError("the calibrator tripped")
        self.looks += 1
        return Judgement("" if self.good else "too dark", 0.5, frame.seq)

    def profile(self, name: str) -> Profile:
        if not self.good:
            raise CalibrationError("No frame can serve as a reference. Most often: too dark.")
        return synthetic.person(name, mouths=(0.0, 0.1))

    def close(self) -> None:
        self.closed += 1


class AtOnce:
    """In a thread's place: what is handed to it is done before the next frame."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def submit(self, act: Callable[..., object], *args: object, **how: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(act(*args, **how))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self) -> None:
        pass


class Stand:
    """What is around a run, all of it fake."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.feed, self.sink = Feed(), Recorder()
        self.people: list[Fake] = []  # one for each time that stages were made
        self.how: list[dict[str, object]] = []  # and how
        self.said: list[str] = []
        self.states: list[str] = []
        self.opened: list[str] = []
        self.now = 1000.0
        real = staging.stages_for

        def stages_for(profile: Profile | None, **how: object) -> tuple[Stages, ModelSpec]:
            stages, spec = real(None, backend=str(how["backend"]), model=str(how["model"]))
            if profile is None:
                return stages, spec
            self.people.append(Fake(profile))
            self.how.append(how)
            return Stages(self.people[-1], self.people[-1]), spec

        monkeypatch.setattr(staging, "stages_for", stages_for)
        monkeypatch.setattr(live, "open_source", lambda spec, **how: self._open("source", self.feed))
        monkeypatch.setattr(live, "open_sink", lambda spec, **how: self._open("sink", self.sink))
        monkeypatch.setattr(calibrating, "Calibrator", FakeCalibrator)
        monkeypatch.setattr(making, "ThreadPoolExecutor", AtOnce)
        monkeypatch.setattr(live, "monotonic", lambda: self.now)
        monkeypatch.setattr(staging, "monotonic", lambda: self.now)
        monkeypatch.setattr(FakeCalibrator, "made", [])
        monkeypatch.setattr(FakeCalibrator, "good", True)
        monkeypatch.setattr(FakeCalibrator, "fails", False)

    def _open(self, what: str, thing: object) -> object:
        self.opened.append(what)
        return thing

    def run(self, *, frames: int = 10, at: dict[int, Callable[[Live], None]] | None = None, **settings: object) -> Live:
        """Run for so many frames; `at` says what to do just before which one."""
        made = Live(Settings(**{"sink": "none", "backend": "onnx", **settings}), self.said.append)  # type: ignore[arg-type]

        failed: list[Exception] = []  # a run goes on whatever fails between two frames

        def each_frame(one: Live) -> None:
            self.states.append(one.state)
            try:
                if at and self.feed.seq in at:
                    at.pop(self.feed.seq)(one)
            except Exception as error:
                failed.append(error)
            if self.feed.seq >= frames:
                one.stop()

        made.run(each_frame)
        if failed:
            raise failed[0]
        return made


def failing_at(stand: Stand, *frames: int) -> Callable[[Live], None]:
    return lambda one: stand.people[-1].fails.update(frames)


def later(stand: Stand, seconds: float) -> Callable[[Live], None]:
    def act(one: Live) -> None:
        stand.now += seconds

    return act


def setting(**values: object) -> Callable[[Live], None]:
    return lambda one: one.change(**values)
