"""Calibrating in mid-run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import synthetic
from stand import FakeCalibrator, Stand, later, setting

from livefill import making, staging
from livefill.calibrating import LONGEST
from livefill.errors import (
    CalibrationError,
    ProfileError,
)
from livefill.live import Live
from livefill.profile import Profile, load_profile, save_profile
from livefill.staging import RETRY


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


@pytest.fixture
def slow(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Profiles are made in a thread, as they really are, and not before this is set."""
    ready = threading.Event()
    made = FakeCalibrator.profile

    def profile(self: FakeCalibrator, name: str) -> Profile:
        assert ready.wait(10)
        return made(self, name)

    monkeypatch.setattr(making, "ThreadPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(FakeCalibrator, "profile", profile)
    return ready


def made_by_now(one: Live) -> None:
    """Wait until what was begun is done; the run takes it up after this frame."""
    one._staging._maker._beside.submit(lambda: None).result(10)


def test_frames_go_on_while_a_profile_is_made(ada: Stand, slow: threading.Event) -> None:
    def ready(one: Live) -> None:
        assert one.state.startswith("calibrating")
        assert one.calibrating == 1
        assert len(ada.people) == 1
        slow.set()
        made_by_now(one)

    ada.run(frames=20, at={2: Live.recalibrate, 12: ready})
    assert len(ada.sink.shown) == 20
    assert all(ada.sink.filled[6:])  # as the profile that there was has it
    assert len(ada.people) == 2
    assert len(load_profile().references) == 2


def test_what_is_saved_is_taken_up_though_a_review_was_begun_and_given_up(ada: Stand, slow: threading.Event) -> None:
    def change_of_mind(one: Live) -> None:
        one.recalibrate(review=True)
        one.discard()
        slow.set()
        made_by_now(one)

    ada.run(frames=12, at={2: Live.recalibrate, 8: change_of_mind})
    assert len(load_profile().references) == 2
    assert len(ada.people) == 2
    assert any("was made anew" in said for said in ada.said)


def test_stages_are_closed_whatever_becomes_of_a_profile(ada: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "ThreadPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(FakeCalibrator, "profile", lambda self, name: time.sleep(0.5) or 1 // 0)
    with pytest.raises(ZeroDivisionError):
        ada.run(frames=6, at={2: Live.recalibrate})
    assert all(one.closed for one in ada.people)


def test_a_run_that_ends_while_a_profile_is_made_keeps_it(ada: Stand, slow: threading.Event) -> None:
    threading.Timer(0.1, slow.set).start()
    ada.run(at={2: Live.recalibrate})
    assert len(load_profile().references) == 2
    assert any("was made anew" in said for said in ada.said)


@pytest.mark.parametrize("act", [Live.discard, lambda one: one.recalibrate(review=True)])
def test_what_is_made_for_a_review_can_be_given_up(
    ada: Stand, slow: threading.Event, act: Callable[[Live], None]
) -> None:
    def give_up(one: Live) -> None:
        act(one)
        slow.set()
        made_by_now(one)

    def none_waits(one: Live) -> None:
        assert one.pending is None

    ada.run(frames=12, at={2: lambda one: one.recalibrate(review=True), 8: give_up, 9: none_waits})
    assert len(load_profile().references) == 1
    assert not any("was made anew" in said for said in ada.said)


def test_a_setting_that_changes_in_mid_calibration_does_not_end_it(ada: Stand) -> None:
    ada.run(frames=14, at={2: Live.recalibrate, 4: setting(feather=2.0)})
    assert len(load_profile().references) == 2
    assert len(FakeCalibrator.made) == 1
    assert FakeCalibrator.made[0].closed
    assert ada.sink.filled[-1]
