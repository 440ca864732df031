"""One run of the program: profiles, pauses, failures, recordings, and its end."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

import av
import numpy as np
import pytest
import synthetic
from stand import SIZE, Stand, failing_at, later

from livefill import live, recording
from livefill.capture import BaseSource
from livefill.errors import (
    BackendError,
    CameraAway,
    ConfigError,
    ProfileError,
    SinkError,
    SourceError,
)
from livefill.live import Live
from livefill.profile import profile_path, save_profile
from livefill.staging import RETRY
from livefill.types import Frame

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
