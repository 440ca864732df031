"""The little of Linux's V4L2 that livefill asks for: who a device is, its modes, its format, and who holds it.

Constants and layouts are those of <linux/videodev2.h> on 64-bit Linux.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.platform == "linux":
    import fcntl

__all__ = ["Device", "Holder", "Mode", "devices", "holders", "modes", "query", "revive_output", "size_of"]

CAPTURE, OUTPUT = 1, 2  # V4L2_BUF_TYPE_VIDEO_*
CAP_CAPTURE, CAP_OUTPUT, CAP_DEVICE_CAPS = 0x1, 0x2, 0x80000000
DISCRETE = 1  # V4L2_FRMSIZE_TYPE_ and V4L2_FRMIVAL_TYPE_DISCRETE
LOOPBACK_DRIVER = "v4l2 loopback"
COMMON_SIZES = ((640, 480), (1280, 720), (1920, 1080))  # asked of a device that takes any size
MOST = 256  # entries of one list: a driver that never says "no more" must not hang us

Ioctl = Callable[[int, int, Any], Any]


def _number(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


class _Capability(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("device_caps", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


class _FormatDescription(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", ctypes.c_uint32),
        ("mbus_code", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


class _FrameSize(ctypes.Structure):
    # `sizes` is a union: width, height when discrete; else min, max, step of the width and then of the height.
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("pixel_format", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("sizes", ctypes.c_uint32 * 6),
        ("reserved", ctypes.c_uint32 * 2),
    )


class _FrameInterval(ctypes.Structure):
    # `intervals` is a union: one fraction when discrete; else min, max and step, each numerator then denominator.
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("pixel_format", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("intervals", ctypes.c_uint32 * 6),
        ("reserved", ctypes.c_uint32 * 2),
    )


class _Format(ctypes.Structure):
    # The union that starts with v4l2_pix_format holds pointers, so it is aligned to 8 and 200 bytes long.
    _fields_ = (
        ("type", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("rest", ctypes.c_uint8 * 192),
    )


QUERYCAP = _number(2, 0, ctypes.sizeof(_Capability))
ENUM_FMT = _number(3, 2, ctypes.sizeof(_FormatDescription))
G_FMT = _number(3, 4, ctypes.sizeof(_Format))
STREAMON = _number(1, 18, ctypes.sizeof(ctypes.c_int))
ENUM_FRAMESIZES = _number(3, 74, ctypes.sizeof(_FrameSize))
ENUM_FRAMEINTERVALS = _number(3, 75, ctypes.sizeof(_FrameInterval))


@dataclass(frozen=True, slots=True)
class Device:
    """What a video node says of itself."""

    path: Path
    name: str  # shown to the user by every application
    driver: str
    captures: bool  # gives pictures now
    outputs: bool  # takes pictures now

    @property
    def is_loopback(self) -> bool:
        """Whether it is a v4l2loopback device: a virtual camera."""
        return self.driver == LOOPBACK_DRIVER


@dataclass(frozen=True, slots=True)
class Mode:
    """One way a camera can be read."""

    width: int
    height: int
    fps: float  # the fastest at this size; 0 where the driver does not say
    fourcc: str  # "MJPG", "YUYV", …


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a device open."""

    pid: int
    name: str


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
    try:
        yield fd
    finally:
        os.close(fd)


def _ioctl(fd: int, request: int, argument: Any) -> Any:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "V4L2 exists on Linux only")
    return fcntl.ioctl(fd, request, argument)


def query(path: Path, *, ioctl: Ioctl = _ioctl) -> Device:
    """Ask the node who it is. Raises `OSError` when it is missing, forbidden or no video device."""
    found = _Capability()
    with _opened(path) as fd:
        ioctl(fd, QUERYCAP, found)
    caps = found.device_caps if found.capabilities & CAP_DEVICE_CAPS else found.capabilities
    name, driver = (text.decode(errors="replace") for text in (found.card, found.driver))
    return Device(path, name, driver, bool(caps & CAP_CAPTURE), bool(caps & CAP_OUTPUT))


def devices(root: Path = Path("/dev"), *, ioctl: Ioctl = _ioctl) -> list[Device]:
    """Return every video node that answers, by number."""
    found = []
    for path in sorted(root.glob("video[0-9]*"), key=lambda node: (len(node.name), node.name)):
        try:
            found.append(query(path, ioctl=ioctl))
        except OSError:  # forbidden, or gone since the listing: `doctor` tells why
            continue
    return found


def modes(path: Path, *, ioctl: Ioctl = _ioctl) -> list[Mode]:
    """Return what a camera offers, in the driver's order. Raises `OSError` when it cannot be opened."""
    found = []
    with _opened(path) as fd:
        for fmt in _each(fd, ENUM_FMT, lambda i: _FormatDescription(index=i, type=CAPTURE), ioctl):
            for width, height in _sizes(fd, fmt.pixelformat, ioctl):
                fps = _fastest(fd, fmt.pixelformat, width, height, ioctl)
                found.append(Mode(width, height, fps, _fourcc(fmt.pixelformat)))
    return found


def size_of(path: Path, *, ioctl: Ioctl = _ioctl) -> tuple[int, int] | None:
    """Return the (width, height) that the device is set to, or None where it does not say."""
    with _opened(path) as fd:
        for kind in (CAPTURE, OUTPUT):  # a loopback answers for the side that it is at the moment
            fmt = _Format(type=kind)
            try:
                ioctl(fd, G_FMT, fmt)
            except OSError:
                continue
            return fmt.width, fmt.height
    return None


def revive_output(path: Path, *, ioctl: Ioctl = _ioctl) -> None:
    """Make a loopback offer its output again.

    v4l2loopback 0.12 with exclusive_caps=1 offers none after its last writer has left, until somebody tries to start
    the output; the attempt itself is refused (EINVAL), and that refusal is the expected outcome.
    """
    with _opened(path) as fd:
        try:
            ioctl(fd, STREAMON, ctypes.c_int(OUTPUT))
        except OSError:
            return


def holders(path: Path, *, proc: Path = Path("/proc")) -> list[Holder]:
    """Return who has the device open, as far as this user may see."""
    found = []
    for process in sorted((p for p in proc.glob("[0-9]*") if p.name.isdigit()), key=lambda p: int(p.name)):
        try:
            if any(_target(fd) == str(path) for fd in (process / "fd").iterdir()):
                found.append(Holder(int(process.name), (process / "comm").read_text().strip()))
        except OSError:  # another user's process, or one that has ended
            continue
    return found


def _target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except OSError:
        return ""


def _each(fd: int, request: int, make: Callable[[int], Any], ioctl: Ioctl) -> Iterator[Any]:
    for index in range(MOST):
        item = make(index)
        try:
            ioctl(fd, request, item)
        except OSError:  # EINVAL ends every list
            return
        yield item


def _sizes(fd: int, pixel_format: int, ioctl: Ioctl) -> Iterator[tuple[int, int]]:
    for size in _each(fd, ENUM_FRAMESIZES, lambda i: _FrameSize(index=i, pixel_format=pixel_format), ioctl):
        if size.type == DISCRETE:
            yield size.sizes[0], size.sizes[1]
            continue
        low_w, high_w, _, low_h, high_h, _ = size.sizes
        yield from ((w, h) for w, h in COMMON_SIZES if low_w <= w <= high_w and low_h <= h <= high_h)
        return  # a range is one entry, always the only one


def _fastest(fd: int, pixel_format: int, width: int, height: int, ioctl: Ioctl) -> float:
    def make(index: int) -> _FrameInterval:
        return _FrameInterval(index=index, pixel_format=pixel_format, width=width, height=height)

    best = 0.0
    for interval in _each(fd, ENUM_FRAMEINTERVALS, make, ioctl):
        seconds, per = interval.intervals[0], interval.intervals[1]  # discrete, or the shortest of a range
        best = max(best, per / seconds if seconds else 0.0)
        if interval.type != DISCRETE:
            break
    return best


def _fourcc(code: int) -> str:
    return code.to_bytes(4, "little").decode("ascii", "replace").strip()
