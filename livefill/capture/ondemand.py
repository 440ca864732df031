"""A camera that is open only while somebody wants its pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

from livefill.capture.base import BaseSource
from livefill.errors import CameraAway, SourceError, Unwatched
from livefill.types import Frame

__all__ = ["OnDemandSource"]

LINGER = 3.0  # seconds that the camera stays open once nobody wants it: applications look in and out
GLANCE = 0.05  # seconds between two looks at whether somebody wants it
PATIENCE = 1.0  # seconds after which `read` says that nobody does


class OnDemandSource(BaseSource):
    """Opens what `open_inner` opens at first, to see that it works, and again whenever it is `wanted`.

    `read` raises `Unwatched` about once a second while nobody wants it, and `CameraAway` while it cannot be opened
    again. The first opening raises what `open_inner` raises; if `patient`, a camera that is not there is waited for,
    and `size` is (0, 0) until it is.
    """

    live = True

    def __init__(
        self,
        open_inner: Callable[[], BaseSource],
        wanted: Callable[[], bool],
        *,
        linger: float = LINGER,
        patient: bool = False,
    ) -> None:
        self._open, self._wanted, self._linger = open_inner, wanted, linger
        self._inner: BaseSource | None = None
        self.size, self.rate = (0, 0), Fraction(0)
        try:
            self._take(open_inner())
        except SourceError:
            if not patient:
                raise
        self._lost = 0  # by cameras that were closed since
        self._last = time.monotonic()  # when it was wanted
        self._seq = -1
        self._closed = False

    @property
    def dropped(self) -> int:
        """Frames that were captured and never read."""
        return self._lost + (self._inner.dropped if self._inner is not None else 0)

    @property
    def open(self) -> bool:
        """Whether the camera is open: its light is on."""
        return self._inner is not None

    def read(self) -> Frame:
        """Return the newest frame, counted on over all openings."""
        if self._wanted():
            self._last = time.monotonic()
        elif time.monotonic() - self._last > self._linger:
            self._release()
        if self._inner is None:
            self._wait()
            self._reopen()
        assert self._inner is not None
        frame = self._inner.read()
        self._seq += 1
        return Frame(self._seq, frame.time, frame.image)

    def change(self, open_inner: Callable[[], BaseSource]) -> None:
        """Take another camera from now on; raises what `open_inner` raises, and then the one before goes on."""
        self._release()
        self._take(open_inner())
        self._open, self._last = open_inner, time.monotonic()

    def close(self) -> None:
        """Close the camera."""
        self._closed = True
        self._release()

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self._wanted():
            if self._closed or time.monotonic() > end:
                raise Unwatched("Nobody watches: the camera is off.")
            time.sleep(GLANCE)
        self._last = time.monotonic()

    def _reopen(self) -> None:
        try:
            self._take(self._open())
        except SourceError as error:
            time.sleep(PATIENCE)
            raise CameraAway(str(error)) from error

    def _take(self, inner: BaseSource) -> None:
        self._inner, self.size, self.rate = inner, inner.size, inner.rate

    def _release(self) -> None:
        if self._inner is not None:
            self._lost += self._inner.dropped
            self._inner.close()
            self._inner = None
