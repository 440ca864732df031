"""livefill's own writer for v4l2loopback, against a driver that keeps what it is given; tests/camera has a real one."""

from __future__ import annotations

import ctypes
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from livefill import v4l2
from livefill.errors import SinkError
from livefill.sinks import returning
from livefill.sinks import v4l2 as sink_module
from livefill.sinks.v4l2 import LoopbackSink
from livefill.sinks.yuv import encode
from livefill.types import Frame
from livefill.v4l2 import output
from livefill.v4l2.layout import DQEVENT, G_FMT, S_FMT, S_PARM, SUBSCRIBE_EVENT, code_of
from livefill.v4l2.output import USAGE, Loopback

SIZE = (64, 48)
BACK = {"YU12": cv2.COLOR_YUV2RGB_I420, "NV12": cv2.COLOR_YUV2RGB_NV12, "YUYV": cv2.COLOR_YUV2RGB_YUY2}


def bars() -> np.ndarray:
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for i, colour in enumerate([(200, 30, 40), (30, 190, 60), (40, 50, 210), (220, 220, 220)]):
        image[:, 16 * i : 16 * (i + 1)] = colour
    return image


@pytest.mark.parametrize("letters", v4l2.FORMATS)
def test_every_format_shows_the_same_picture(letters: str) -> None:
    data = encode(bars(), letters)
    shape = (SIZE[1], SIZE[0], 2) if letters == "YUYV" else (SIZE[1] * 3 // 2, SIZE[0])
    shown = cv2.cvtColor(data.reshape(shape), BACK[letters])
    assert np.abs(shown.astype(int) - bars()).max() <= 6


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="MJPG is not one of"):
        encode(bars(), "MJPG")


class Driver:
    """What a loopback answers; `held` is the format that an application that reads keeps it at."""

    def __init__(self, *, held: tuple[int, int, str] | None = None, events: bool = True) -> None:
        self.held, self.events = held, events
        self.format = held or (640, 480, "YUYV")
        self.rate = (0, 0)
        self.watchers: list[int] = [0]
        self.refuses: set[int] = set()

    def __call__(self, fd: int, request: int, argument: Any) -> None:
        if request in self.refuses:
            raise OSError(errno.EBUSY, "busy")
        if request == S_FMT and self.held is None:
            letters = argument.pixelformat.to_bytes(4, "little").decode()
            self.format = argument.width, argument.height, letters
        elif request == G_FMT:
            argument.width, argument.height, argument.pixelformat = *self.format[:2], code_of(self.format[2])
        elif request == S_PARM:
            self.rate = argument.numerator, argument.denominator
        elif request == SUBSCRIBE_EVENT and not self.events:
            raise OSError(errno.EINVAL, "no such event")
        elif request == DQEVENT:
            argument.type, argument.count = USAGE, self.watchers.pop(0)


class Poller:
    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def register(self, fd: int, flags: int) -> None:
        assert flags == output.select.POLLPRI

    def poll(self, timeout: int) -> list[tuple[int, int]]:
        return [(0, output.select.POLLPRI)] if self.driver.watchers else []


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()
    monkeypatch.setattr(output.select, "poll", lambda: Poller(made))
    return made


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "video10"
    path.touch()
    return path


def opened(node: Path, driver: Driver, size: tuple[int, int] = SIZE, fps: float = 30) -> Loopback:
    return Loopback(node, size, fps, ioctl=driver)


def test_what_was_asked_for_is_set_and_the_rate_is_told(node: Path, driver: Driver) -> None:
    with opened(node, driver, fps=29.97) as loopback:
        assert (loopback.size, loopback.format) == (SIZE, "YU12")
        assert loopback.bytes == SIZE[0] * SIZE[1] * 3 // 2
    assert driver.rate[1] / driver.rate[0] == pytest.approx(29.97, abs=0.01)


@pytest.mark.parametrize("letters", v4l2.FORMATS)
def test_what_an_application_reads_already_is_taken_over(node: Path, driver: Driver, letters: str) -> None:
    driver.held = driver.format = (320, 240, letters)
    with opened(node, driver) as loopback:
        assert (loopback.size, loopback.format) == ((320, 240), letters)
        assert loopback.bytes == len(encode(np.zeros((240, 320, 3), np.uint8), letters))


@pytest.mark.parametrize("held", [(320, 240, "MJPG"), (321, 240, "YUYV"), (0, 0, "YU12")])
def test_a_format_that_cannot_be_written_is_named(node: Path, driver: Driver, held: tuple[int, int, str]) -> None:
    driver.held = driver.format = held
    with pytest.raises(ValueError, match=f"held at {held[0]}x{held[1]} {held[2]}"):
        opened(node, driver)


def test_frames_are_written_whole_or_refused(node: Path, driver: Driver) -> None:
    with opened(node, driver) as loopback:
        loopback.write(encode(bars(), "YU12"))
        assert node.stat().st_size == loopback.bytes
        with pytest.raises(ValueError, match="a frame has 7 bytes"):
            loopback.write(bytes(7))


def test_who_watches_is_known_by_events(node: Path, driver: Driver) -> None:
    with opened(node, driver) as loopback:
        assert loopback.watched is False  # the initial event says nobody
        driver.watchers = [1]
        assert loopback.watched is True
        assert loopback.watched is True  # no news
        driver.watchers = [1, 0, 1, 0]
        assert loopback.watched is False


def test_an_old_driver_cannot_tell(node: Path, driver: Driver) -> None:
    driver.events = False
    driver.refuses = {S_PARM}
    with opened(node, driver) as loopback:
        assert loopback.watched is None


def test_layouts_are_those_of_the_kernel() -> None:
    sizes = {"Format": 208, "OutputParameters": 204, "Subscription": 32, "Event": 136}
    for name, size in sizes.items():
        assert ctypes.sizeof(getattr(v4l2.layout, name)) == size


# --- the sink ---------------------------------------------------------------------------------------------------------


class FakeLoopback:
    """A device: what was written, and what goes wrong."""

    def __init__(self) -> None:
        self.size, self.format = SIZE, "YU12"
        self.written: list[np.ndarray] = []
        self.error: int | None = None
        self.refusal: Exception | None = None
        self.opened = self.closed = 0
        self.watched: bool | None = False

    def __call__(self, path: Path, size: tuple[int, int], fps: float) -> FakeLoopback:
        if self.refusal is not None:
            raise self.refusal
        self.opened += 1
        return self

    def write(self, data: np.ndarray) -> None:
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        self.written.append(data)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, node: Path) -> Iterator[FakeLoopback]:
    made = FakeLoopback()
    monkeypatch.setattr(sink_module.v4l2, "Loopback", made)
    monkeypatch.setattr(sink_module, "choose", lambda asked: asked)
    monkeypatch.setattr(sink_module, "is_loopback", lambda path: True)
    monkeypatch.setattr(sink_module, "holders", lambda path: "zoom (pid 7)")
    monkeypatch.setattr(returning, "AGAIN", 0.0)
    yield made
    assert made.opened == made.closed


def frame(image: np.ndarray | None = None) -> Frame:
    return Frame(0, 0.0, bars() if image is None else image)


def test_pictures_reach_the_device_and_a_repeated_one_is_encoded_once(device: FakeLoopback, node: Path) -> None:
    with LoopbackSink(SIZE, 30, device=str(node)) as sink:
        assert sink.size == SIZE
        assert sink.watched is False
        same = frame()
        sink.write(same)
        sink.write(same)
        sink.write(frame(np.zeros((90, 160, 3), np.uint8)))  # another size is fitted in
    assert device.written[0] is device.written[1]
    assert [len(data) for data in device.written] == [SIZE[0] * SIZE[1] * 3 // 2] * 3
    with pytest.raises(SinkError, match="was closed"):
        sink.write(frame())


def test_the_size_that_is_read_already_is_said_and_kept(
    device: FakeLoopback, node: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device.size = (32, 24)
    with LoopbackSink(SIZE, 30, device=str(node)) as sink:
        sink.write(frame())
        assert sink.size == (32, 24)
    assert len(device.written[0]) == 32 * 24 * 3 // 2
    assert any("held at 32x24 by zoom" in message for message in caplog.messages)


def test_a_device_that_goes_away_and_comes_back(
    device: FakeLoopback, node: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), LoopbackSink(SIZE, 30, device=str(node)) as sink:
        sink.write(frame())
        device.error = errno.ENODEV
        sink.write(frame())
        assert sink.watched is None
        device.refusal = OSError(errno.ENODEV, "gone")
        sink.write(frame())
        assert sink.lost == 2
        device.error = device.refusal = None
        sink.write(frame())
        assert len(device.written) == 2
    assert [("went away" in m, "is back" in m) for m in caplog.messages] == [(True, False), (False, True)]


def test_back_with_another_size_is_an_error(device: FakeLoopback, node: Path) -> None:
    with LoopbackSink(SIZE, 30, device=str(node)) as sink:
        device.error = errno.ENODEV
        sink.write(frame())
        device.error, device.size = None, (32, 24)
        with pytest.raises(SinkError, match=r"came back at 32x24, but 64x48"):
            sink.write(frame())


def test_a_frame_that_is_refused_is_an_error(device: FakeLoopback, node: Path) -> None:
    with LoopbackSink(SIZE, 30, device=str(node)) as sink:
        device.error = errno.EINVAL
        with pytest.raises(SinkError, match="takes no frames any more"):
            sink.write(frame())


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (OSError(errno.EACCES, "denied"), r"may not write to .*usermod -aG video"),
        (OSError(errno.EBUSY, "busy"), r"is fed by zoom \(pid 7\) already"),
        (ValueError("it is held at 1x1 MJPG"), r"held at 1x1 MJPG.*Close what reads it: zoom \(pid 7\)"),
        (OSError(errno.EMFILE, "too many files"), "cannot be opened"),
    ],
)
def test_each_refusal_says_what_to_do(device: FakeLoopback, node: Path, refusal: Exception, message: str) -> None:
    device.refusal = refusal
    with pytest.raises(SinkError, match=message):
        LoopbackSink(SIZE, 30, device=str(node))


def test_what_is_no_loopback_or_not_there_is_said(
    device: FakeLoopback, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SinkError, match="There is no device /dev/nothing"):
        LoopbackSink(SIZE, 30, device="/dev/nothing")
    with pytest.raises(SinkError, match=r"no virtual camera on this machine\..*Without one, `--sink window` shows"):
        LoopbackSink(SIZE, 30)
    monkeypatch.setattr(sink_module, "is_loopback", lambda path: False)
    with pytest.raises(SinkError, match="is not a virtual camera"):
        LoopbackSink(SIZE, 30, device=str(node))
