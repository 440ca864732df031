"""One run of the program, with camera, sink, tracker and calibrator replaced."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest
import synthetic

from livefill import calibrating, live, recording, staging
from livefill.calibrating import LONGEST
from livefill.calibration import Judgement
from livefill.capture import BaseSource, ondemand
from livefill.config import Settings
from livefill.errors import (
    BackendError,
    CalibrationError,
    CameraAway,
    ConfigError,
    EndOfStream,
    ProfileError,
    SinkError,
    SourceError,
)
from livefill.live import Live
from livefill.pipeline import Stages
from livefill.profile import Profile, load_profile, profile_path, save_profile
from livefill.sinks import BaseSink
from livefill.staging import RETRY
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


@pytest.fixture
def stand(home: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(monkeypatch)


@pytest.fixture
def ada(stand: Stand) -> Stand:
    """With a profile."""
    save_profile(synthetic.person())
    return stand


# --- profiles ---------------------------------------------------------------------------------------------------------


def test_without_a_profile_the_way_to_one_is_said_once_and_frames_pass(stand: Stand) -> None:
    stand.run()
    assert len(stand.said) == 1
    assert "livefill calibrate" in stand.said[0]
    assert len(stand.sink.shown) == 10
    assert all(shown is given for shown, given in zip(stand.sink.shown, stand.feed.given, strict=True))
    assert "no profile" in stand.states[-1]


def test_damaged_default_profile_is_told_and_frames_pass(stand: Stand) -> None:
    save_profile(synthetic.person()).write_bytes(b"garbage")
    stand.run()
    assert "cannot be read" in stand.said[0]
    assert not any(stand.sink.filled)


def test_profile_asked_for_by_name_has_to_be_there(stand: Stand) -> None:
    with pytest.raises(ProfileError, match="no profile 'ada'"):
        stand.run(profile="ada")
    assert stand.opened == []


def test_damaged_profile_that_is_asked_for_by_name_ends_the_run_and_closes_everything(stand: Stand) -> None:
    damaged = profile_path("ada")
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"junk")
    with pytest.raises(ProfileError, match="damaged"):
        stand.run(profile="ada")
    assert stand.feed.closed
    assert stand.sink.ended == "aborted"


def test_profile_asked_for_by_name_is_the_one_that_is_used(ada: Stand) -> None:
    save_profile(synthetic.person("grace"))
    ada.run(profile="grace")
    assert [one.profile.name for one in ada.people if one.profile] == ["grace"]
    assert all(ada.sink.filled)


def test_with_a_profile_frames_are_filled_and_it_is_said_what_fills(ada: Stand) -> None:
    run = ada.run()
    assert ada.sink.filled == [True] * 10
    assert ada.said == []
    assert ada.states[-1] == "filling"
    assert "fast" in run.device
    assert run.sink_label == "a recorder"


def test_what_auto_has_chosen_is_said_with_the_reason(ada: Stand) -> None:
    run = ada.run(backend="auto")
    assert len(ada.said) == 1
    assert re.search(r"Filling with (onnx|openvino), the quickest here: .* ms", ada.said[0])
    assert run.device.startswith("fast (")


def test_unknown_backend_is_an_error_before_anything_is_filled(ada: Stand) -> None:
    with pytest.raises(BackendError, match="quantum"):
        ada.run(backend="quantum")
    assert ada.opened == []


def test_video_as_a_mask_is_refused_at_once(stand: Stand) -> None:
    with pytest.raises(ConfigError, match="must be a picture"):
        stand.run(mask=Path("masks.mp4"))
    assert stand.opened == []


# --- pause ------------------------------------------------------------------------------------------------------------


def test_pause_passes_through_at_once_and_again_goes_on(ada: Stand) -> None:
    ada.run(at={3: Live.pause, 6: Live.pause})
    assert ada.sink.filled == [True] * 3 + [False] * 3 + [True] * 4
    assert "paused" in ada.states[5]
    assert ada.people[0].asked == [0, 1, 2, 6, 7, 8, 9]  # while paused nothing is computed
    assert all(ada.sink.shown[i] is ada.feed.given[i] for i in (3, 4, 5))


# --- stages that fail -------------------------------------------------------------------------------------------------


def failing_at(stand: Stand, *frames: int) -> Callable[[Live], None]:
    return lambda one: stand.people[-1].fails.update(frames)


def later(stand: Stand, seconds: float) -> Callable[[Live], None]:
    def act(one: Live) -> None:
        stand.now += seconds

    return act


def test_stage_that_fails_is_left_alone_for_a_while(ada: Stand) -> None:
    ada.run(at={0: failing_at(ada, 2), 5: later(ada, RETRY - 1), 7: later(ada, 2)})
    assert ada.sink.filled == [True, True] + [False] * 6 + [True] * 2
    assert ada.people[0].asked == [0, 1, 2, 8, 9]
    assert len(ada.said) == 1
    assert "the tracker tripped" in ada.said[0]
    assert "failed" in ada.states[4]
    assert ada.sink.ended == "closed"


def test_stage_that_fails_again_is_told_again_but_not_at_every_frame(ada: Stand) -> None:
    ada.run(frames=14, at={0: failing_at(ada, *range(2, 20)), 6: later(ada, 2 * RETRY)})
    assert not any(ada.sink.filled[2:])
    assert len(ada.said) == 2
    assert len(ada.sink.shown) == 14  # the camera never stops


def test_pause_while_a_stage_has_failed_stays(ada: Stand) -> None:
    ada.run(at={0: failing_at(ada, 2), 4: Live.pause, 6: later(ada, 2 * RETRY)})
    assert not any(ada.sink.filled[2:])


# --- calibrating in mid-run -------------------------------------------------------------------------------------------


def test_profile_is_made_anew(ada: Stand) -> None:
    ada.run(at={2: Live.recalibrate})
    assert len(load_profile().references) == 2
    assert len(ada.people) == 2
    assert ada.people[0].closed
    assert ada.people[1].profile is not None
    assert len(ada.people[1].profile.references) == 2
    (calibrator,) = FakeCalibrator.made
    assert calibrator.closed
    assert not any(ada.sink.filled[3:6])  # meanwhile the picture passes
    assert all(ada.sink.filled[6:])
    assert any("made anew" in said for said in ada.said)
    assert any(state.startswith("calibrating") for state in ada.states)


def test_a_profile_that_was_just_made_is_not_read_again(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(staging, "load_profile", lambda name: read.append(name) or load_profile(name))
    ada.run(at={2: Live.recalibrate})
    assert len(ada.people) == 2
    assert read == ["default"]  # at the start


def test_first_profile_can_be_made_in_mid_run(stand: Stand) -> None:
    stand.run(at={2: Live.recalibrate})
    assert len(load_profile().references) == 2
    assert all(stand.sink.filled[6:])


def test_profile_stays_when_nothing_good_was_seen(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeCalibrator, "good", False)
    enough = int(LONGEST * 30) + 40
    ada.run(frames=enough, at={2: Live.recalibrate})
    assert len(load_profile().references) == 1
    assert len(ada.people) == 1
    assert any("stays as it was" in said and "too dark" in said for said in ada.said)
    assert ada.sink.filled[-1]
    assert all(one.closed for one in FakeCalibrator.made)


@pytest.mark.parametrize(("act", "filled"), [(Live.pause, False), (Live.recalibrate, True)])
def test_a_key_in_mid_calibration_does_not_lose_it(ada: Stand, act: Callable[[Live], None], filled: bool) -> None:
    ada.run(frames=14, at={2: Live.recalibrate, 4: act})
    assert all(one.closed for one in FakeCalibrator.made)
    assert len(load_profile().references) == 2
    assert ada.sink.filled[-1] is filled


def test_calibrator_that_fails_is_closed_and_the_run_goes_on(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeCalibrator, "fails", True)
    ada.run(frames=14, at={2: Live.recalibrate, 8: later(ada, 2 * RETRY)})
    assert len(load_profile().references) == 1
    assert all(one.closed for one in FakeCalibrator.made)
    assert len(ada.sink.shown) == 14
    assert ada.sink.filled[-1]


def test_stop_in_mid_calibration_closes_it(ada: Stand) -> None:
    ada.run(at={2: Live.recalibrate, 4: Live.stop})
    assert FakeCalibrator.made[0].closed


# --- the end ----------------------------------------------------------------------------------------------------------


def test_stop_ends_after_the_frame_in_hand_and_closes_everything(ada: Stand) -> None:
    ada.run(frames=10**6, at={4: Live.stop})
    assert len(ada.sink.shown) == 4
    assert ada.feed.closed
    assert ada.sink.ended == "closed"
    assert ada.people[0].closed


def test_end_of_the_video_is_a_normal_end(ada: Stand) -> None:
    ada.feed.script = [None] * 3
    ada.run()
    assert len(ada.sink.shown) == 3
    assert ada.sink.ended == "closed"


@pytest.mark.parametrize("error", [SourceError("the cable is cut"), OSError("oh")])
def test_error_of_the_camera_ends_the_run_with_itself_and_closes_everything(ada: Stand, error: Exception) -> None:
    ada.feed.script = [None, error]
    with pytest.raises(type(error)) as raised:
        ada.run()
    assert raised.value is error
    assert ada.sink.ended == "aborted"
    assert ada.people[0].closed


def test_error_of_the_sink_ends_the_run_with_itself(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    error = SinkError("the virtual camera has gone")

    def write(frame: Frame) -> None:
        raise error

    monkeypatch.setattr(ada.sink, "write", write)
    with pytest.raises(SinkError) as raised:
        ada.run()
    assert raised.value is error
    assert ada.feed.closed
    assert ada.people[0].closed


def test_camera_that_comes_back_is_told_once_each_way(ada: Stand) -> None:
    away = CameraAway("The camera was unplugged.")
    ada.feed.script = [None, away, away, away, None, None]
    ada.run()
    assert len(ada.sink.shown) == 3
    assert [("unplugged" in said, "back" in said) for said in ada.said] == [(True, True), (False, True)]
    assert "away" in ada.states[3]
    assert "away" not in ada.states[-1]


# --- what is opened first ---------------------------------------------------------------------------------------------


def test_virtual_camera_is_there_before_the_camera_and_shows_something_at_once(ada: Stand) -> None:
    ada.run(sink="auto", size=f"{SIZE[0]}x{SIZE[1]}")
    assert ada.opened == ["sink", "source"]
    assert ada.sink.shown[0].seq == -1  # the placeholder
    assert ada.sink.shown[0].image.shape == (SIZE[1], SIZE[0], 3)
    assert ada.sink.ended == "closed"


def test_virtual_camera_is_released_when_there_is_no_camera(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(spec: str, **how: object) -> BaseSource:
        raise SourceError("no camera at /dev/video0")

    monkeypatch.setattr(live, "open_source", none)
    with pytest.raises(SourceError, match="no camera"):
        ada.run(sink="virtualcam")
    assert ada.sink.ended == "aborted"


@pytest.mark.parametrize(
    ("settings", "loops"),
    [
        ({}, True),
        ({"sink": "file:out.mp4"}, False),
        ({"loop": False}, False),
        ({"sink": "file:a.mp4", "loop": True}, True),
    ],
)
def test_video_loops_unless_it_goes_into_a_file(
    ada: Stand, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], loops: bool
) -> None:
    asked: dict[str, object] = {}

    def open_source(spec: str, **how: object) -> BaseSource:
        asked.update(how)
        return ada.feed

    monkeypatch.setattr(live, "open_source", open_source)
    ada.run(**settings)
    assert asked["loop"] is loops
    assert asked["live"] is True


# --- what is changed in mid-run ---------------------------------------------------------------------------------------


def setting(**values: object) -> Callable[[Live], None]:
    return lambda one: one.change(**values)


def test_another_profile_is_taken_up_between_two_frames(ada: Stand) -> None:
    save_profile(synthetic.person("grace"))
    ada.run(at={4: setting(profile="grace")})
    assert [one.profile.name for one in ada.people if one.profile] == ["default", "grace"]
    assert ada.people[0].asked == [0, 1, 2, 3]
    assert ada.people[1].asked == [4, 5, 6, 7, 8, 9]
    assert all(ada.sink.filled)
    assert ada.people[0].closed


def test_every_setting_is_taken_up_in_some_way() -> None:
    others = {"camera", "badge", "always_on", "hotkey"}  # by the loop itself; the last one at the start
    assert {field.name for field in fields(Settings)} == live.ANEW | live.STAGED | others


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"profile": "nobody"}, ProfileError),
        ({"backend": "quantum"}, BackendError),
        ({"model": "huge"}, ConfigError),
        ({"model": "hq", "backend": "reference"}, BackendError),
        ({"feather": 77.0}, ConfigError),
        ({"mask": Path("masks.mp4")}, ConfigError),
    ],
)
def test_what_will_not_do_leaves_everything_as_it_was(
    ada: Stand, values: dict[str, object], error: type[Exception]
) -> None:
    def act(one: Live) -> None:
        before = one.settings
        with pytest.raises(error):
            one.change(**values)
        assert one.settings is before

    ada.run(at={4: act})
    assert all(ada.sink.filled)
    assert len(ada.people) == 1


@pytest.mark.parametrize(("sink", "told"), [("file:{}/out.mp4", True), ("none", False)])
def test_a_file_that_is_played_into_a_file_is_said_to_lose_frames(
    ada: Stand, tmp_path: Path, sink: str, told: bool
) -> None:
    clip = tmp_path / "in.mp4"
    clip.touch()
    ada.run(camera=str(clip), sink=sink.format(tmp_path))
    assert sum("`livefill file IN -o OUT` fills all of them" in said for said in ada.said) == told


def test_a_badge_says_that_a_picture_is_filled(ada: Stand) -> None:
    ada.run(at={4: setting(badge=True), 6: Live.pause})
    plain, badged, paused = (ada.sink.shown[i].image for i in (3, 4, 6))
    assert not np.array_equal(plain[-12:], badged[-12:])
    assert np.array_equal(plain[:20], badged[:20])
    assert paused is ada.feed.given[6].image  # nothing is synthesised there


def test_another_sink_is_opened_and_the_stages_stay(ada: Stand) -> None:
    ada.run(at={4: setting(size="128x96")})
    assert ada.opened == ["source", "sink", "source", "sink"]
    assert len(ada.sink.shown) == 10
    assert len(ada.people) == 1


def without_pipewire(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_sink(spec: str, **how: object) -> BaseSink:
        if spec == "pipewire":
            raise SinkError("PipeWire does not run")
        return stand.sink

    monkeypatch.setattr(live, "open_sink", open_sink)


def test_a_sink_that_cannot_be_opened_is_told_and_the_old_one_goes_on(
    ada: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pipewire(ada, monkeypatch)
    run = ada.run(at={4: setting(sink="pipewire")})
    assert run.settings.sink == "none"
    assert any("stay as they were: PipeWire does not run" in said for said in ada.said)
    assert len(ada.sink.shown) == 10


def test_what_changed_since_stays_where_a_sink_cannot_be_opened(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pipewire(ada, monkeypatch)
    run = ada.run(sink="auto", always_on=True, at={3: setting(camera="1", feather=2.0), 5: setting(sink="pipewire")})
    assert (run.settings.sink, run.settings.camera, run.settings.feather) == ("auto", "1", 2.0)


def test_another_camera_is_taken_without_the_virtual_one_going_away(
    ada: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def open_source(spec: str, **how: object) -> BaseSource:
        asked.append(spec)
        if spec == "7":
            raise SourceError("no camera at /dev/video7")
        return ada.feed

    def act(one: Live) -> None:
        one.change(camera="1")
        with pytest.raises(SourceError, match="video7"):
            one.change(camera="7")
        assert one.settings.camera == "1"

    monkeypatch.setattr(live, "open_source", open_source)
    ada.run(sink="auto", always_on=True, at={4: act})
    assert asked == ["0", "1", "7", "1"]  # and the last again, which had been closed for the attempt
    assert ada.opened == ["sink"]


def test_what_changes_together_with_a_camera_that_will_not_do_stays_as_well(
    ada: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_source(spec: str, **how: object) -> BaseSource:
        if spec == "7":
            raise SourceError("no camera at /dev/video7")
        return ada.feed

    def act(one: Live) -> None:
        before = one.settings
        with pytest.raises(SourceError, match="video7"):
            one.change(camera="7", sensitivity=0.9, badge=True)
        assert one.settings == before

    monkeypatch.setattr(live, "open_source", open_source)
    ada.run(sink="auto", always_on=True, at={4: act})
    assert [one["sensitivity"] for one in ada.how] == [0.5, 0.9, 0.5]
    assert {tuple(frame.image[-1, -1]) for frame in ada.sink.shown if frame.seq >= 0} == {(GREY,) * 3}  # no badge


def test_a_camera_that_somebody_else_took_does_not_close_the_virtual_one(
    ada: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ondemand, "PATIENCE", 0.0)
    tries: list[str] = []

    def open_source(spec: str, **how: object) -> BaseSource:
        tries.append(spec)
        if 1 < len(tries) < 5:
            raise SourceError("zoom has the camera")
        return ada.feed

    monkeypatch.setattr(live, "open_source", open_source)
    run = ada.run(sink="auto", always_on=True, at={4: setting(fps=15.0)})
    assert run.settings.fps == 30
    assert any("stay as they were: zoom has the camera" in said for said in ada.said)
    assert ada.said[-1] == "The camera is back."
    assert ada.feed.seq == 10


def test_what_fails_between_two_frames_is_told_once_and_does_not_end_the_run(stand: Stand) -> None:
    made = Live(Settings(sink="none", backend="onnx"), stand.said.append)

    def each_frame(one: Live) -> None:
        if stand.feed.seq >= 10:
            one.stop()
        raise OSError("the disk is full")

    made.run(each_frame)
    assert len(stand.sink.shown) == 10
    assert [said for said in stand.said if "the disk is full" in said] == [
        "That did not work, and all goes on as before: OSError: the disk is full"
    ]


def test_a_calibration_is_kept_for_whom_it_was_begun(ada: Stand) -> None:
    save_profile(synthetic.person("bob"))

    def accept(one: Live) -> None:
        one.change(profile="bob")
        one.accept()

    ada.run(frames=12, at={2: lambda one: one.recalibrate(review=True), 8: accept})
    assert len(load_profile("bob").references) == 1
    assert len(load_profile("default").references) == 2
    assert [one.profile.name for one in ada.people if one.profile] == ["default", "bob"]


def test_a_calibration_that_cannot_be_saved_can_be_accepted_again(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(profile: Profile) -> None:
        raise ProfileError("the disk is full")

    def accept(one: Live) -> None:
        monkeypatch.setattr(staging, "save_profile", full)
        with pytest.raises(ProfileError):
            one.accept()
        monkeypatch.setattr(staging, "save_profile", save_profile)
        one.accept()

    ada.run(frames=12, at={2: lambda one: one.recalibrate(review=True), 8: accept})
    assert len(load_profile().references) == 2


def test_a_calibration_can_be_looked_at_before_it_is_kept(ada: Stand) -> None:
    waiting: list[int] = []

    def review(one: Live) -> None:
        one.recalibrate(review=True)

    def look(one: Live) -> None:
        assert one.pending is not None
        waiting.append(len(one.pending.references))
        assert len(load_profile().references) == 1
        one.accept()
        assert one.pending is None

    ada.run(frames=12, at={2: review, 8: look})
    assert waiting == [2]
    assert len(load_profile().references) == 2
    assert len(ada.people) == 2


def test_a_calibration_that_kept_a_single_frame_counts_it_as_one(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeCalibrator, "profile", lambda self, name: synthetic.person(name, mouths=(0.0,)))
    ada.run(at={2: lambda one: one.recalibrate(review=True), 6: Live.accept})
    assert "1 frame was kept: look at it, then accept or calibrate again." in ada.said
    assert any("was made anew from 1 frame: " in said for said in ada.said)


def test_a_calibration_that_is_discarded_changes_nothing(ada: Stand) -> None:
    def accept(one: Live) -> None:
        with pytest.raises(CalibrationError, match="no calibration waits"):
            one.accept()

    ada.run(frames=12, at={2: lambda one: one.recalibrate(review=True), 8: Live.discard, 9: accept})
    assert len(load_profile().references) == 1
    assert all(one.closed for one in FakeCalibrator.made)
    assert ada.sink.filled[-1]


def test_a_setting_that_changes_in_mid_calibration_does_not_end_it(ada: Stand) -> None:
    ada.run(frames=14, at={2: Live.recalibrate, 4: setting(feather=2.0)})
    assert len(load_profile().references) == 2
    assert len(FakeCalibrator.made) == 1
    assert FakeCalibrator.made[0].closed
    assert ada.sink.filled[-1]


def test_a_clip_is_recorded_with_the_frames_own_times(
    ada: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recording, "user_videos_path", lambda: tmp_path / "Videos")
    slowly = dict.fromkeys(range(3, 8), lambda one: time.sleep(0.1))  # a frame is left out while another is written
    ada.run(at={2: lambda one: one.record(True), **slowly, 8: lambda one: one.record(False)})
    (clip,) = (tmp_path / "Videos").iterdir()
    assert any(str(clip) in said for said in ada.said)
    with av.open(str(clip)) as made:
        times = [float(frame.time) for frame in made.decode(video=0)]
    assert times[0] == 0.0
    assert 2 <= len(times) <= 6
    steps = np.diff(times) * 30
    assert np.allclose(steps, np.rint(steps), atol=0.05)


def test_a_recording_that_is_not_finished_is_finished_with_the_run(
    ada: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recording, "user_videos_path", lambda: tmp_path)
    ada.run(at={2: lambda one: one.record(True)})
    (clip,) = tmp_path.glob("*.mp4")
    assert clip.stat().st_size > 500


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_clip_is_only_for_its_owner_to_read_while_it_is_recorded_and_after(
    ada: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recording, "user_videos_path", lambda: tmp_path / "Videos")
    seen: list[int] = []

    def look(one: Live) -> None:
        seen.extend(stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "Videos").iterdir())

    ada.run(at={2: lambda one: one.record(True), 3: look, 8: lambda one: one.record(False), 9: look})
    assert seen == [0o600, 0o600]
