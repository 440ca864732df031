"""Numbers and layouts of <linux/videodev2.h> on 64-bit Linux, as far as livefill uses them."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if sys.platform == "linux":
    import fcntl

CAPTURE, OUTPUT = 1, 2  # V4L2_BUF_TYPE_VIDEO_*
CAP_CAPTURE, CAP_OUTPUT, CAP_DEVICE_CAPS = 0x1, 0x2, 0x80000000
DISCRETE = 1  # V4L2_FRMSIZE_TYPE_ and V4L2_FRMIVAL_TYPE_DISCRETE

Ioctl = Callable[[int, int, Any], Any]


def request_number(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


class Capability(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("device_caps", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


class FormatDescription(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", ctypes.c_uint32),
        ("mbus_code", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


class FrameSize(ctypes.Structure):
    # `sizes` is a union: width, height when discrete; else min, max, step of the width and then of the height.
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("pixel_format", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("sizes", ctypes.c_uint32 * 6),
        ("reserved", ctypes.c_uint32 * 2),
    )


class FrameInterval(ctypes.Structure):
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


class Format(ctypes.Structure):
    # The union that starts with v4l2_pix_format holds pointers, so it is aligned to 8 and 200 bytes long.
    _fields_ = (
        ("type", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("pixelformat", ctypes.c_uint32),
        ("field", ctypes.c_uint32),
        ("bytesperline", ctypes.c_uint32),
        ("sizeimage", ctypes.c_uint32),
        ("colorspace", ctypes.c_uint32),
        ("priv", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("ycbcr_enc", ctypes.c_uint32),
        ("quantization", ctypes.c_uint32),
        ("xfer_func", ctypes.c_uint32),
        ("rest", ctypes.c_uint8 * 152),
    )


class OutputParameters(ctypes.Structure):
    # v4l2_streamparm, whose union of 200 bytes begins with v4l2_outputparm here.
    _fields_ = (
        ("type", ctypes.c_uint32),
        ("capability", ctypes.c_uint32),
        ("outputmode", ctypes.c_uint32),
        ("numerator", ctypes.c_uint32),  # seconds per frame
        ("denominator", ctypes.c_uint32),
        ("rest", ctypes.c_uint8 * 184),
    )


class Subscription(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 5),
    )


class Event(ctypes.Structure):
    # The union holds 64-bit numbers: it is aligned to 8, and 64 bytes long. v4l2loopback puts a count at its beginning.
    _fields_ = (
        ("type", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("union", ctypes.c_uint8 * 60),
        ("pending", ctypes.c_uint32),
        ("sequence", ctypes.c_uint32),
        ("timestamp", ctypes.c_int64 * 2),
        ("id", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 8),
        ("end", ctypes.c_uint32),
    )


QUERYCAP = request_number(2, 0, ctypes.sizeof(Capability))
ENUM_FMT = request_number(3, 2, ctypes.sizeof(FormatDescription))
S_FMT = request_number(3, 5, ctypes.sizeof(Format))
S_PARM = request_number(3, 22, ctypes.sizeof(OutputParameters))
DQEVENT = request_number(2, 89, ctypes.sizeof(Event))
SUBSCRIBE_EVENT = request_number(1, 90, ctypes.sizeof(Subscription))
G_FMT = request_number(3, 4, ctypes.sizeof(Format))
STREAMON = request_number(1, 18, ctypes.sizeof(ctypes.c_int))
ENUM_FRAMESIZES = request_number(3, 74, ctypes.sizeof(FrameSize))
ENUM_FRAMEINTERVALS = request_number(3, 75, ctypes.sizeof(FrameInterval))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a node without waiting, and close it again."""
    fd = os.open(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
    try:
        yield fd
    finally:
        os.close(fd)


def ioctl(fd: int, request: int, argument: Any) -> Any:
    """Ask the driver; raises `OSError` when it refuses."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "V4L2 exists on Linux only")
    return fcntl.ioctl(fd, request, argument)


def fourcc(code: int) -> str:
    """Return the four letters of a pixel format."""
    return code.to_bytes(4, "little").decode("ascii", "replace").strip()


def code_of(letters: str) -> int:
    """Return the number of a pixel format by its four letters."""
    return int.from_bytes(letters.encode("ascii"), "little")
