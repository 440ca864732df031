"""The writing side of a v4l2loopback device: its format, its rate, its frames, and whether anybody watches."""

from __future__ import annotations

import os
import select
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

from livefill.v4l2 import layout
from livefill.v4l2.layout import (
    DQEVENT,
    G_FMT,
    OUTPUT,
    S_FMT,
    S_PARM,
    SUBSCRIBE_EVENT,
    Event,
    Format,
    Ioctl,
    OutputParameters,
    Subscription,
    code_of,
    fourcc,
)

__all__ = ["FORMATS", "Loopback"]

FORMATS = ("YU12", "NV12", "YUYV")  # that livefill can write, the cheapest first
NO_FIELD = 1
SRGB, BT601, LIMITED = 8, 1, 2  # how colours are meant: V4L2_COLORSPACE_SRGB, YCBCR_ENC_601, QUANTIZATION_LIM_RANGE
USAGE = 0x08000000 + 0x08E00000 + 1  # the event V4L2_EVENT_PRI_CLIENT_USAGE of v4l2loopback 0.13 and later
SEND_INITIAL = 1
MOST = 64  # events taken at once


class Loopback:
    """A loopback device, open for writing; `size` (width, height) and `format` are what the driver agreed to.

    While an application reads, the driver keeps that application's format: then that is what has to be written.
    Raises `OSError` when the device is missing, forbidden, busy or not there for writing, `ValueError` when it is held
    at a format that livefill cannot write.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float, *, ioctl: Ioctl = layout.ioctl) -> None:
        """Open and negotiate: `size` and the first of `FORMATS` are asked for."""
        self.path, self._ioctl = path, ioctl
        self._fd = os.open(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
        try:
            self.size, self.format, self.bytes = self._negotiate(size)
            self._tell_rate(fps)
            self._events = self._subscribe()
        except BaseException:
            self.close()
            raise
        self._watchers = 0

    def write(self, data: Any) -> None:
        """Give one frame, whole; raises `OSError` when the driver does not take it."""
        view = memoryview(data).cast("B")
        if len(view) != self.bytes:
            raise ValueError(f"a frame has {len(view)} bytes, where {self.path} takes {self.bytes}")
        written = os.write(self._fd, view)
        if written != self.bytes:
            raise OSError(f"{self.path} took {written} of {self.bytes} bytes")

    @property
    def watched(self) -> bool | None:
        """Whether an application reads; None where the driver cannot tell (before 0.13)."""
        if not self._events:
            return None
        poller = select.poll()
        poller.register(self._fd, select.POLLPRI)
        for _ in range(MOST):
            if not any(flags & select.POLLPRI for _, flags in poller.poll(0)):
                break
            event = Event()
            self._ioctl(self._fd, DQEVENT, event)
            if event.type == USAGE:
                self._watchers = event.count
        return self._watchers > 0

    def close(self) -> None:
        """Give the device back. Safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Loopback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _negotiate(self, size: tuple[int, int]) -> tuple[tuple[int, int], str, int]:
        wish = Format(type=OUTPUT)
        self._ioctl(self._fd, G_FMT, wish)
        wish.width, wish.height, wish.pixelformat = *size, code_of(FORMATS[0])
        wish.field, wish.bytesperline, wish.sizeimage = NO_FIELD, 0, 0
        wish.colorspace, wish.ycbcr_enc, wish.quantization = SRGB, BT601, LIMITED
        self._ioctl(self._fd, S_FMT, wish)
        agreed = Format(type=OUTPUT)
        self._ioctl(self._fd, G_FMT, agreed)  # what counts is what it does, not what it answers
        letters, (width, height) = fourcc(agreed.pixelformat), (agreed.width, agreed.height)
        if letters not in FORMATS or width % 2 or height % 2 or not width * height:
            raise ValueError(f"it is held at {width}x{height} {letters}, which livefill cannot write")
        return (width, height), letters, width * height * (4 if letters == "YUYV" else 3) // 2

    def _tell_rate(self, fps: float) -> None:
        """Say how many frames will come in a second: applications ask."""
        per = Fraction(fps).limit_denominator(1001)
        rate = OutputParameters(type=OUTPUT, numerator=per.denominator, denominator=per.numerator)
        try:
            self._ioctl(self._fd, S_PARM, rate)
        except OSError:
            return  # an old driver: it says 30, whatever comes

    def _subscribe(self) -> bool:
        try:
            self._ioctl(self._fd, SUBSCRIBE_EVENT, Subscription(type=USAGE, flags=SEND_INITIAL))
        except OSError:
            return False
        return True
