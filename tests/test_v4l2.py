"""The V4L2 calls, against a made-up driver that reads and fills the very bytes that the kernel would."""

from __future__ import annotations

import ctypes
import errno
import struct
from pathlib import Path
from typing import Any

import pytest

from livefill import v4l2
from livefill.v4l2 import Holder, Mode

# The kernel's numbers on x86-64: written down and not computed, so that a wrong layout fails.
QUERYCAP, ENUM_FMT, G_FMT, STREAMON = 0x80685600, 0xC0405602, 0xC0D05604, 0x40045612
ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0xC02C564A, 0xC034564B
MJPG, YUYV = (int.from_bytes(code, "little") for code in (b"MJPG", b"YUYV"))

SIZES = {MJPG: [(640, 480), (1920, 1080)], YUYV: [(640, 480)]}
INTERVALS = {(1920, 1080): [(1, 30), (1, 60), (1, 15)], (640, 480): [(1, 30)]}


class Driver:
    """A webcam, seen from below."""

    def __init__(self, *, capabilities: int = 0x84200001, device_caps: int = 0x04200001, driver: bytes = b"uvcvideo"):
        self.capabilities, self.device_caps, self.driver = capabilities, device_caps, driver
        self.stepwise = False
        self.format: dict[int, tuple[int, int]] = {}
        self.started: list[int] = []

    def __call__(self, fd: int, request: int, argument: Any) -> None:
        answer = {
            QUERYCAP: self.query,
            ENUM_FMT: self.enum_format,
            ENUM_FRAMESIZES: self.enum_size,
            ENUM_FRAMEINTERVALS: self.enum_interval,
            G_FMT: self.get_format,
            STREAMON: self.stream_on,
        }[request]
        data = bytearray(argument)
        answer(data)
        ctypes.memmove(ctypes.addressof(argument), bytes(data), len(data))

    def query(self, data: bytearray) -> None:
        struct.pack_into(
            "16s32s32sIII", data, 0, self.driver, b"HD Webcam", b"usb-1", 0x60000, self.capabilities, self.device_caps
        )

    def enum_format(self, data: bytearray) -> None:
        index, kind = struct.unpack_from("II", data)
        assert kind == 1
        struct.pack_into("I", data, 44, pick(list(SIZES), index))

    def enum_size(self, data: bytearray) -> None:
        index, code = struct.unpack_from("II", data)
        if self.stepwise:
            struct.pack_into("7I", data, 8, pick([3], index), 32, 1280, 2, 32, 720, 2)
        else:
            struct.pack_into("3I", data, 8, 1, *pick(SIZES[code], index))

    def enum_interval(self, data: bytearray) -> None:
        index, _, width, height = struct.unpack_from("4I", data)
        if self.stepwise:
            struct.pack_into("7I", data, 16, pick([3], index), 1, 120, 1, 5, 1, 1)
        else:
            struct.pack_into("3I", data, 16, 1, *pick(INTERVALS[width, height], index))

    def get_format(self, data: bytearray) -> None:
        (kind,) = struct.unpack_from("I", data)
        if kind not in self.format:
            raise OSError(errno.EINVAL, "wrong type")
        struct.pack_into("II", data, 8, *self.format[kind])

    def stream_on(self, data: bytearray) -> None:
        self.started.append(struct.unpack("i", data)[0])
        raise OSError(errno.EINVAL, "no buffers")


def pick(options: list[Any], index: int) -> Any:
    if index >= len(options):
        raise OSError(errno.EINVAL, "end of list")
    return options[index]


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "video0"
    path.touch()
    return path


def test_a_webcam_captures(node: Path) -> None:
    device = v4l2.query(node, ioctl=Driver())
    assert (device.name, device.driver, device.captures, device.outputs) == ("HD Webcam", "uvcvideo", True, False)
    assert not device.is_loopback


def test_capabilities_are_those_of_the_node_not_of_the_whole_device(node: Path) -> None:
    metadata = Driver(device_caps=0x04A00000)  # the second node of a webcam gives no pictures
    assert not v4l2.query(node, ioctl=metadata).captures
    old_driver = Driver(capabilities=0x05000002, device_caps=0)  # says nothing of the node
    assert v4l2.query(node, ioctl=old_driver).outputs


def test_a_loopback_is_known_by_its_driver(node: Path) -> None:
    assert v4l2.query(node, ioctl=Driver(driver=b"v4l2 loopback")).is_loopback


def test_modes_are_every_size_with_its_fastest_rate(node: Path) -> None:
    assert v4l2.modes(node, ioctl=Driver()) == [
        Mode(640, 480, 30, "MJPG"),
        Mode(1920, 1080, 60, "MJPG"),
        Mode(640, 480, 30, "YUYV"),
    ]


def test_a_range_of_sizes_becomes_the_common_ones(node: Path) -> None:
    driver = Driver()
    driver.stepwise = True
    assert v4l2.modes(node, ioctl=driver)[:2] == [Mode(640, 480, 120, "MJPG"), Mode(1280, 720, 120, "MJPG")]


def test_a_driver_that_never_ends_its_list_does_not_hang_us(node: Path) -> None:
    def endless(fd: int, request: int, argument: Any) -> None:
        if request == ENUM_FRAMESIZES:
            raise OSError(errno.EINVAL, "none")

    assert v4l2.modes(node, ioctl=endless) == []


@pytest.mark.parametrize("kind", [1, 2])
def test_the_size_is_asked_of_either_side(node: Path, kind: int) -> None:
    driver = Driver()
    assert v4l2.size_of(node, ioctl=driver) is None
    driver.format[kind] = (1280, 720)
    assert v4l2.size_of(node, ioctl=driver) == (1280, 720)


def test_reviving_starts_the_output_and_takes_the_refusal(node: Path) -> None:
    driver = Driver()
    v4l2.revive_output(node, ioctl=driver)
    assert driver.started == [2]


def test_devices_come_by_number_and_broken_ones_are_left_out(tmp_path: Path) -> None:
    for name in ("video10", "video2", "video0", "videoX"):
        (tmp_path / name).touch()
    (tmp_path / "video3").symlink_to(tmp_path / "gone")
    found = v4l2.devices(tmp_path, ioctl=Driver())
    assert [device.path.name for device in found] == ["video0", "video2", "video10"]


def test_no_device_folder_means_no_devices(tmp_path: Path) -> None:
    assert v4l2.devices(tmp_path / "dev", ioctl=Driver()) == []


def test_what_is_no_video_device_is_an_os_error(node: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - which one is the kernel's business
        v4l2.query(node)
    with pytest.raises(FileNotFoundError):
        v4l2.query(node.with_name("video9"))


def process(proc: Path, pid: int, name: str, *targets: str) -> None:
    fds = proc / str(pid) / "fd"
    fds.mkdir(parents=True)
    (proc / str(pid) / "comm").write_text(f"{name}\n")
    for number, target in enumerate(targets):
        (fds / str(number)).symlink_to(target)


def test_holders_are_the_processes_that_have_it_open(tmp_path: Path) -> None:
    process(tmp_path, 100, "zoom", "/dev/null", "/dev/video0")
    process(tmp_path, 20, "obs", "/dev/video0")
    process(tmp_path, 30, "bash", "/dev/video01")
    (tmp_path / "self").mkdir()
    (tmp_path / "40").mkdir()  # ended, or not ours to look at
    assert v4l2.holders(Path("/dev/video0"), proc=tmp_path) == [Holder(20, "obs"), Holder(100, "zoom")]
    assert v4l2.holders(Path("/dev/video5"), proc=tmp_path) == []
    assert v4l2.holders(Path("/dev/video0"), proc=tmp_path / "nowhere") == []
