"""What a video node says of itself: who it is, its modes, its format, and who holds it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livefill.v4l2 import layout
from livefill.v4l2.layout import (
    CAP_CAPTURE,
    CAP_DEVICE_CAPS,
    CAP_OUTPUT,
    CAPTURE,
    DISCRETE,
    ENUM_FMT,
    ENUM_FRAMEINTERVALS,
    ENUM_FRAMESIZES,
    G_FMT,
    OUTPUT,
    QUERYCAP,
    STREAMON,
    Capability,
    Format,
    FormatDescription,
    FrameInterval,
    FrameSize,
    Ioctl,
    fourcc,
    opened,
)

__all__ = ["Device", "Holder", "Mode", "devices", "holders", "modes", "query", "revive_output", "size_of"]

LOOPBACK_DRIVER = "v4l2 loopback"
COMMON_SIZES = ((640, 480), (1280, 720), (1920, 1080))  # asked of a device that takes any size
MOST = 256  # entries of one list: a driver that never says "no more" must not hang us


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


def query(path: Path, *, ioctl: Ioctl = layout.ioctl) -> Device:
    """Ask the node who it is. Raises `OSError` when it is missing, forbidden or no video device."""
    found = Capability()
    with opened(path) as fd:
        ioctl(fd, QUERYCAP, found)
    caps = found.device_caps if found.capabilities & CAP_DEVICE_CAPS else found.capabilities
    name, driver = (text.decode(errors="replace") for text in (found.card, found.driver))
    return Device(path, name, driver, bool(caps & CAP_CAPTURE), bool(caps & CAP_OUTPUT))


def devices(root: Path = Path("/dev"), *, ioctl: Ioctl = layout.ioctl) -> list[Device]:
    """Return every video node that answers, by number."""
    found = []
    for path in sorted(root.glob("video[0-9]*"), key=lambda node: (len(node.name), node.name)):
        try:
            found.append(query(path, ioctl=ioctl))
        except OSError:  # forbidden, or gone since the listing: `doctor` tells why
            continue
    return found


def modes(path: Path, *, ioctl: Ioctl = layout.ioctl) -> list[Mode]:
    """Return what a camera offers, in the driver's order. Raises `OSError` when it cannot be opened."""
    found = []
    with opened(path) as fd:
        for fmt in _each(fd, ENUM_FMT, lambda i: FormatDescription(index=i, type=CAPTURE), ioctl):
            for width, height in _sizes(fd, fmt.pixelformat, ioctl):
                fps = _fastest(fd, fmt.pixelformat, width, height, ioctl)
                found.append(Mode(width, height, fps, fourcc(fmt.pixelformat)))
    return found


def size_of(path: Path, *, ioctl: Ioctl = layout.ioctl) -> tuple[int, int] | None:
    """Return the (width, height) that the device is set to, or None where it does not say."""
    with opened(path) as fd:
        for kind in (CAPTURE, OUTPUT):  # a loopback answers for the side that it is at the moment
            fmt = Format(type=kind)
            try:
                ioctl(fd, G_FMT, fmt)
            except OSError:
                continue
            return fmt.width, fmt.height
    return None


def revive_output(path: Path, *, ioctl: Ioctl = layout.ioctl) -> None:
    """Make a loopback offer its output again.

    v4l2loopback 0.12 with exclusive_caps=1 offers none after its last writer has left, until somebody tries to start
    the output; the attempt itself is refused (EINVAL), and that refusal is the expected outcome.
    """
    with opened(path) as fd:
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
    for size in _each(fd, ENUM_FRAMESIZES, lambda i: FrameSize(index=i, pixel_format=pixel_format), ioctl):
        if size.type == DISCRETE:
            yield size.sizes[0], size.sizes[1]
            continue
        low_w, high_w, _, low_h, high_h, _ = size.sizes
        yield from ((w, h) for w, h in COMMON_SIZES if low_w <= w <= high_w and low_h <= h <= high_h)
        return  # a range is one entry, always the only one


def _fastest(fd: int, pixel_format: int, width: int, height: int, ioctl: Ioctl) -> float:
    def make(index: int) -> FrameInterval:
        return FrameInterval(index=index, pixel_format=pixel_format, width=width, height=height)

    best = 0.0
    for interval in _each(fd, ENUM_FRAMEINTERVALS, make, ioctl):
        seconds, per = interval.intervals[0], interval.intervals[1]  # discrete, or the shortest of a range
        best = max(best, per / seconds if seconds else 0.0)
        if interval.type != DISCRETE:
            break
    return best
