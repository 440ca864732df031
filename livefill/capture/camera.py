"""A webcam with a thread of its own: the newest frame is always at hand, and an unplugged camera may return."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

from livefill.capture.base import BaseSource
from livefill.capture.device import Opened, grab, open_device
from livefill.errors import CameraAway, SourceError
from livefill.latest import Latest
from livefill.types import RGB, Frame

BACK_OFF = (0.5, 1.0, 2.0, 4.0, 5.0)  # seconds between the attempts to reopen; the last repeats
JOIN = 2.0

Opener: TypeAlias = Callable[[str, tuple[int, int] | None, float | None], Opened]


class CameraSource(BaseSource):
    """Gives the newest frame of a camera; `Frame.time` is the monotonic clock at capture, `Frame.seq` counts captures.

    Raises `SourceError`, with what mends it, when the camera cannot be opened at first. When it goes away later,
    `read` raises `CameraAway` about once a second while the thread tries to reopen it.
    """

    live = True

    def __init__(
        self,
        device: str,
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        patience: float = 1.0,
        back_off: tuple[float, ...] = BACK_OFF,
        opener: Opener = open_device,
    ) -> None:
        self.device = device
        self._wish = (size, fps)
        self._patience, self._back_off, self._opener = patience, back_off, opener
        self._latest: Latest[Frame] = Latest()
        self._stop = threading.Event()
        self._reason = ""  # why the camera is away; empty while frames flow
        self._times: deque[float] = deque(maxlen=60)
        self._seq = 0
        opened = opener(device, size, fps)
        self.size = opened.first.shape[1], opened.first.shape[0]
        self.rate = Fraction(opened.fps).limit_denominator(1001)
        # A daemon, because OpenCV may sit in select() for ten seconds when a camera falls silent, and nothing can wake
        # it: leaving must not wait for that. The thread releases the device itself, as soon as OpenCV returns.
        self._thread = threading.Thread(target=self._run, args=(opened,), name="livefill-camera", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that were captured and never read."""
        return self._latest.dropped

    @property
    def fps(self) -> float:
        """Frames per second as measured over the last two seconds or so, whatever the driver claims."""
        times = list(self._times)
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0

    def read(self) -> Frame:
        """Wait at most a second for a frame newer than the last."""
        try:
            return self._latest.get(self._patience)
        except TimeoutError:
            reason = self._reason or f"The camera {self.device} has given no frame for {self._patience:g} s."
            raise CameraAway(reason) from None

    def close(self) -> None:
        """Stop the thread, which releases the camera."""
        self._stop.set()
        self._latest.close()
        self._thread.join(JOIN)

    def _run(self, opened: Opened | None) -> None:
        try:
            while opened is not None:
                self._read_all(opened)
                opened = self._reopen()
        except Exception as error:  # whatever it is, it has to surface in the thread that reads
            self._latest.close(error)

    def _read_all(self, opened: Opened) -> None:
        """Read until the camera fails or the source is closed."""
        image: RGB | None = opened.first
        try:
            while image is not None and not self._stop.is_set():
                now = time.monotonic()
                self._times.append(now)
                self._reason = ""
                self._latest.put(Frame(self._seq, now, image))
                self._seq += 1
                image = grab(opened.capture)
        finally:
            opened.capture.release()
        self._times.clear()

    def _reopen(self) -> Opened | None:
        """Try until the camera is back; None when the source is closed meanwhile."""
        self._reason = f"The camera {self.device} stopped giving frames: was it unplugged?"
        attempt = 0
        while not self._stop.wait(self._back_off[min(attempt, len(self._back_off) - 1)]):
            attempt += 1
            try:
                return self._opener(self.device, *self._wish)
            except (SourceError, OSError) as error:  # a device file may vanish while it is looked at
                self._reason = str(error)
        return None
