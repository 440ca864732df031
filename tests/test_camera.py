"""The camera's thread, with the camera replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from fake_camera import SHAPE, FakeCapture, picture

from livefill.capture import CameraAway, CameraSource, camera
from livefill.capture.device import Opened
from livefill.errors import EndOfStream, SourceError


def opener_of(*outcomes: FakeCapture | SourceError | OSError) -> Callable[..., Opened]:
    remaining = list(outcomes)

    def opener(name: str, size: tuple[int, int] | None, fps: float | None) -> Opened:
        outcome = remaining.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Opened(outcome, np.zeros(SHAPE, np.uint8), 30)

    return opener


def source_of(*outcomes: FakeCapture | SourceError | OSError, patience: float = 2.0) -> CameraSource:
    return CameraSource("0", opener=opener_of(*outcomes), patience=patience, back_off=(0.0,))


def unplug(capture: FakeCapture) -> None:
    capture.pictures.put(None)


def test_frames_come_in_rgb_with_numbers_and_times() -> None:
    capture = FakeCapture()
    with source_of(capture) as source:
        first = source.read()
        capture.pictures.put(picture(200))
        second = source.read()
        unplug(capture)
    assert (first.seq, second.seq) == (0, 1)
    assert second.time > first.time
    assert second.image[0, 0].tolist() == [0, 0, 200]
    assert source.size == (64, 48)
    assert capture.released.wait(2)


def test_a_camera_that_comes_back_goes_on() -> None:
    before, after = FakeCapture(), FakeCapture()
    source = source_of(before, SourceError("not there"), FileNotFoundError("gone while looked at"), after)
    with source:
        source.read()
        unplug(before)
        assert source.read().seq == 1  # the first picture of the camera that came back
        assert before.released.is_set()
        after.pictures.put(picture(7))
        assert source.read().image[0, 0, 2] == 7
        unplug(after)


def test_while_the_camera_is_away_every_read_says_why() -> None:
    capture = FakeCapture()
    away = threading.Event()

    def opener(*wish: object) -> Opened:
        if away.is_set():
            raise SourceError("There is no camera at /dev/video0")
        away.set()
        return Opened(capture, np.zeros(SHAPE, np.uint8), 30)  # type: ignore[arg-type]

    with CameraSource("0", opener=opener, patience=0.05, back_off=(0.01,)) as source:
        source.read()
        with pytest.raises(CameraAway, match=r"has given no frame for 0\.05 s"):
            source.read()  # silent, not yet known to be gone
        unplug(capture)
        assert capture.released.wait(2)
        with pytest.raises(CameraAway):
            source.read()
        with pytest.raises(CameraAway, match="There is no camera at /dev/video0"):
            source.read()


def test_the_first_opening_fails_at_once() -> None:
    with pytest.raises(SourceError, match="in use by zoom"):
        source_of(SourceError("in use by zoom"))


def test_an_unexpected_error_in_the_thread_surfaces_in_read() -> None:
    class Breaking(FakeCapture):
        def read(self) -> tuple[bool, np.ndarray | None]:
            raise RuntimeError("driver bug")

    with source_of(Breaking()) as source:
        source.read()
        with pytest.raises(RuntimeError, match="driver bug"):
            source.read()


def test_closing_does_not_wait_for_a_camera_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "JOIN", 0.05)
    capture = FakeCapture()
    source = source_of(capture)
    source.read()
    source.close()  # the thread still sits in capture.read()
    source.close()
    assert not capture.released.is_set()
    with pytest.raises(EndOfStream):
        source.read()
    capture.pictures.put(picture(1))
    assert capture.released.wait(2)  # and lets go by itself


def test_the_newest_frame_wins_and_the_real_rate_is_measured() -> None:
    capture = FakeCapture(*(picture(n) for n in range(1, 31)))
    with source_of(capture) as source:
        unplug(capture)
        assert capture.released.wait(2)
        assert source.dropped >= 29  # the one that came before or during the failure is still there
        assert source.read().seq >= 30


def test_measured_rate() -> None:
    capture = FakeCapture()
    with source_of(capture) as source:
        source._times.clear()
        source._times.extend(np.arange(0, 1.01, 0.1))
        assert source.fps == pytest.approx(10)
        unplug(capture)
