"""What is changed in mid-run."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import synthetic
from stand import GREY, Stand, setting

from livefill import live
from livefill.capture import BaseSource, ondemand
from livefill.config import Settings
from livefill.errors import (
    BackendError,
    ConfigError,
    ProfileError,
    SinkError,
    SourceError,
)
from livefill.live import Live
from livefill.profile import save_profile
from livefill.sinks import BaseSink


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
    # The camera's pace is kept by another thread, which needs a moment to show a frame.
    ada.run(sink="auto", always_on=True, at={4: act, 8: lambda one: time.sleep(0.2)})
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
