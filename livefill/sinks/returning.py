"""What sinks have in common whose device may go away in mid-run, and comes back."""

from __future__ import annotations

import logging
from abc import abstractmethod
from time import monotonic
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from livefill.errors import SinkError
from livefill.sinks.base import BaseSink
from livefill.sinks.fit import fit
from livefill.sinks.yuv import encode
from livefill.types import RGB, Frame

__all__ = ["Feed", "Gone", "ReturningSink"]

AGAIN = 0.5  # seconds from one attempt to reopen to the next
log = logging.getLogger(__name__)


class Gone(Exception):
    """The device is not there any more; it may come back."""


class Feed(Protocol):
    """An open device."""

    @property
    def watched(self) -> bool | None:
        """Whether anybody reads; None where that cannot be told."""

    def close(self) -> None:
        """Give it back. Safe to call twice."""


F = TypeVar("F", bound=Feed)


class ReturningSink(BaseSink, Generic[F]):
    """Feeds a device at one size in a planar or packed YUV format; while it is away, frames are counted as lost."""

    label: str
    size: tuple[int, int]  # (width, height), never changed

    def __init__(self, feed: F) -> None:
        self.lost = 0  # frames that came while the device was away
        self._feed: F | None = feed
        self._closed, self._next_try = False, 0.0
        self._last: tuple[RGB, str, NDArray[np.uint8]] | None = None

    @abstractmethod
    def _opened(self) -> F:
        """Open the device; raise `SinkError` with what to do."""

    @abstractmethod
    def _put(self, feed: F, frame: Frame) -> None:
        """Write one frame; raise `Gone` where the device went away, `SinkError` where it cannot be mended."""

    def _check(self, feed: F) -> None:
        """Raise `SinkError` where a device that came back cannot go on with what was written before."""

    @property
    def watched(self) -> bool | None:
        """Whether an application reads; None where that cannot be told."""
        try:
            return None if self._feed is None else self._feed.watched
        except OSError:
            return None

    def write(self, frame: Frame) -> None:
        """Show one frame to whoever watches; while the device is away, nothing is shown and `lost` counts."""
        if self._closed:
            raise SinkError(f"The {self.label} was closed.")
        if self._feed is None and not self._back():
            self.lost += 1
            return
        assert self._feed is not None
        try:
            self._put(self._feed, frame)
        except Gone as error:
            self._drop()
            log.warning("The %s went away (%s). Waiting for it to come back.", self.label, error)
            self.lost += 1
        except SinkError:
            self._drop()
            raise

    def close(self) -> None:
        """Give the device back."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def _back(self) -> bool:
        """Try now and then to open the device again."""
        now = monotonic()
        if now < self._next_try:
            return False
        self._next_try = now + AGAIN
        try:
            found = self._opened()
        except SinkError:
            return False
        try:
            self._check(found)
        except SinkError:
            found.close()
            raise
        self._feed = found
        log.warning("The %s is back.", self.label)
        return True

    def _encoded(self, image: RGB, letters: str) -> NDArray[np.uint8]:
        """Return a picture's bytes in a format of `v4l2.FORMATS`; the last picture, often shown again, is kept."""
        if self._last is None or self._last[0] is not image or self._last[1] != letters:
            self._last = image, letters, encode(fit(image, self.size), letters)
        return self._last[2]
