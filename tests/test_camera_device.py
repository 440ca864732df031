"""Opening and listing cameras, with OpenCV and the kernel replaced at their edge."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from fake_camera import SHAPE, FakeCapture, picture

from livefill import v4l2
from livefill.capture import device, list_cameras
from livefill.capture.device import open_device
from livefill.errors import SourceError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeCapture]:
    """A Linux machine with one camera; returns a function that says how it behaves."""

    def build(capture: FakeCapture | None = None, *, fourccs: tuple[str, ...] = ("YUYV", "MJPG")) -> FakeCapture:
        capture = capture or FakeCapture(picture(9))
        found = v4l2.Device(Path("/dev/video0"), "Cam", "uvcvideo", captures=True, outputs=False)
        monkeypatch.setattr(platform, "system", lambda: "Linux")
        monkeypatch.setattr(v4l2, "query", lambda path: found)
        monkeypatch.setattr(v4l2, "devices", lambda root=None: [found])
        monkeypatch.setattr(v4l2, "modes", lambda path: [v4l2.Mode(1280, 720, 30, name) for name in fourccs])
        monkeypatch.setattr(v4l2, "holders", lambda path: [])
        monkeypatch.setattr(cv2, "VideoCapture", lambda *arguments: capture)
        return capture

    return build


def keys(capture: FakeCapture) -> list[int]:
    return [key for key, _ in capture.settings]


def test_big_pictures_are_asked_for_compressed_and_before_their_size(machine: Callable[..., FakeCapture]) -> None:
    capture = machine()
    opened = open_device("0", (1280, 720), 30)
    assert opened.first[0, 0].tolist() == [0, 0, 9]
    assert capture.settings[0] == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    assert keys(capture)[1:4] == [cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS]
    assert keys(capture)[-1] == cv2.CAP_PROP_BUFFERSIZE


@pytest.mark.parametrize(("size", "fourccs"), [((640, 480), ("MJPG",)), ((1280, 720), ("YUYV",)), (None, ("MJPG",))])
def test_compression_is_not_asked_for_where_it_is_useless_or_missing(
    machine: Callable[..., FakeCapture], size: tuple[int, int] | None, fourccs: tuple[str, ...]
) -> None:
    capture = machine(fourccs=fourccs)
    open_device("0", size, None)
    assert cv2.CAP_PROP_FOURCC not in keys(capture)


def test_a_node_that_vanishes_while_it_is_looked_at_is_a_camera_that_cannot_be_opened(
    machine: Callable[..., FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path) -> list[v4l2.Mode]:
        raise FileNotFoundError(str(path))

    machine(FakeCapture(opened=False))
    monkeypatch.setattr(v4l2, "modes", gone)
    with pytest.raises(SourceError):
        open_device("0", (1280, 720), 30)


def test_the_rate_is_the_wish_or_what_the_driver_says(machine: Callable[..., FakeCapture]) -> None:
    machine()
    assert open_device("0", None, 15).fps == 15
    machine()
    assert open_device("0", None, None).fps == 25


def test_pictures_that_opencv_leaves_flat_get_their_shape(machine: Callable[..., FakeCapture]) -> None:
    machine(FakeCapture(picture(5).reshape(1, -1)))
    assert open_device("0", None, None).first.shape == SHAPE


@pytest.mark.parametrize(("buffers", "refused"), [("11\n", True), ("10\n", False), ("", False)])
def test_a_loopback_with_more_buffers_than_opencv_holds_is_refused_before_it_crashes(
    machine: Callable[..., FakeCapture], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, buffers: str, refused: bool
) -> None:
    machine()
    found = v4l2.Device(Path("/dev/video4"), "OBS", v4l2.LOOPBACK_DRIVER, captures=True, outputs=False)
    monkeypatch.setattr(v4l2, "query", lambda path: found)
    monkeypatch.setattr(device, "BUFFERS", tmp_path / "max_buffers")
    (tmp_path / "max_buffers").write_text(buffers)
    if refused:
        with pytest.raises(SourceError, match=r"max_buffers=11.*max_buffers=4"):
            open_device("4", None, None)
    else:
        assert open_device("4", None, None).first.shape == SHAPE


@pytest.mark.parametrize("capture", [FakeCapture(opened=False), FakeCapture(None)])
def test_a_camera_that_gives_nothing_is_let_go(machine: Callable[..., FakeCapture], capture: FakeCapture) -> None:
    machine(capture)
    with pytest.raises(SourceError, match=r"/dev/video0 gives no picture.*fuser"):
        open_device("0", None, None)
    assert capture.released.is_set()


def test_a_busy_camera_names_its_user_but_never_us(
    machine: Callable[..., FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(FakeCapture(opened=False))
    monkeypatch.setattr(v4l2, "holders", lambda path: [v4l2.Holder(os.getpid(), "me"), v4l2.Holder(1, "zoom")])
    with pytest.raises(SourceError, match=r"/dev/video0 is in use by zoom \(pid 1\): close it there"):
        open_device("0", None, None)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOENT, r"no camera at /dev/video7.*Cameras here: /dev/video0 \(Cam\)"),
        (errno.EACCES, "usermod -aG video"),
        (errno.ENOTTY, "/dev/video7 is not a camera"),
        (errno.EBUSY, "/dev/video7 gives no picture"),
    ],
)
def test_why_a_camera_cannot_be_opened(
    machine: Callable[..., FakeCapture], monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    machine()

    def refuse(path: Path) -> v4l2.Device:
        raise OSError(code, "refused")

    monkeypatch.setattr(v4l2, "query", refuse)
    with pytest.raises(SourceError, match=message):
        open_device("7", None, None)


@pytest.mark.parametrize(
    ("driver", "message"),
    [(v4l2.LOOPBACK_DRIVER, "virtual camera 'Thing' and nobody feeds it"), ("meta", "no pictures")],
)
def test_a_node_that_gives_no_pictures(
    machine: Callable[..., FakeCapture], monkeypatch: pytest.MonkeyPatch, driver: str, message: str
) -> None:
    machine()
    silent = v4l2.Device(Path("/dev/video7"), "Thing", driver, captures=False, outputs=True)
    monkeypatch.setattr(v4l2, "query", lambda path: silent)
    with pytest.raises(SourceError, match=message):
        open_device("7", None, None)


@pytest.mark.parametrize(("system", "hint"), [("Darwin", "System Settings"), ("Windows", "Privacy & security")])
def test_elsewhere_the_privacy_settings_are_named(
    machine: Callable[..., FakeCapture], monkeypatch: pytest.MonkeyPatch, system: str, hint: str
) -> None:
    machine(FakeCapture(opened=False))
    monkeypatch.setattr(platform, "system", lambda: system)
    with pytest.raises(SourceError, match=hint):
        open_device("0", (1280, 720), 30)


def test_cameras_are_listed_with_their_modes(machine: Callable[..., FakeCapture]) -> None:
    machine()
    (found,) = list_cameras()
    assert (found.spec, found.name, found.is_virtual) == ("/dev/video0", "Cam", False)
    assert [mode.fourcc for mode in found.modes] == ["YUYV", "MJPG"]


def test_where_the_system_has_no_list_cameras_are_tried(
    machine: Callable[..., FakeCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine()
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(cv2, "VideoCapture", lambda index, *rest: FakeCapture(opened=index == 1))
    assert [found.spec for found in list_cameras()] == ["1"]
