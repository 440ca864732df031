"""Keeps a virtual camera going at a steady rate, whatever the pipeline behind it does."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np

from livefill.errors import EndOfStream
from livefill.latest import Latest
from livefill.sinks.base import BaseSink
from livefill.stats import Stats
from livefill.types import RGB, Frame

EARLY = 0.25  # of a period: a frame this much ahead of its time is written at once, for the sake of its age
LATE = 0.25  # of a period: so long a frame may be late before the last one is repeated
IDLE = 0.25  # seconds between two frames while nobody watches
SLIDE = 0.02  # of a period: how fast the beat moves towards the moment at which the frames come
JOIN = 2.0


class PacedSink(BaseSink):
    """Writes the newest frame to `inner` at `fps` from a thread of its own, and repeats the last when none is new.

    It starts at once with a placeholder of `size` (width, height), since an application lists a virtual camera only
    while somebody feeds it, and at a slow beat while nobody watches. An error of `inner` surfaces in the next `write`.
    """

    def __init__(
        self,
        inner: BaseSink,
        fps: float,
        *,
        size: tuple[int, int],
        text: str = "livefill: starting",
        stats: Stats | None = None,  # told of every new frame that was written, and of the repeated ones
    ) -> None:
        self.duplicated = 0  # how often a frame was shown again
        self._overtaken = 0  # frames that were held back for their beat when a newer one came
        self._inner = inner
        self.label = inner.label
        self.size = size
        self._stats = stats
        self._watched: bool | None = None
        self._arrived: float | None = None  # when the frame of this beat came
        self._latest: Latest[Frame] = Latest()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        first = Frame(-1, time.monotonic(), placeholder(size, text))
        self._thread = threading.Thread(target=self._run, args=(first, 1 / fps), name="livefill-sink", daemon=True)
        self._thread.start()

    @property
    def watched(self) -> bool | None:
        """Whether anybody looked at the last beat; None where that cannot be told."""
        return self._watched

    def watchers(self) -> list[str]:
        """Return who looks at the inner sink, as far as that can be told."""
        return self._inner.watchers()

    @property
    def dropped(self) -> int:
        """Frames that were replaced by a newer one before their turn."""
        return self._latest.dropped + self._overtaken

    def write(self, frame: Frame) -> None:
        """Offer a frame; returns at once. Raises what the inner sink raised."""
        if self._error is not None:
            raise self._error
        self._latest.put(frame)

    def close(self) -> None:
        """Stop the thread, then close the inner sink."""
        if self._stopped():
            self._inner.close()

    def abort(self) -> None:
        """Stop the thread, then abort the inner sink."""
        if self._stopped():
            self._inner.abort()

    def _stopped(self) -> bool:
        self._stop.set()
        self._latest.close()
        self._thread.join(JOIN)
        return not self._thread.is_alive()  # a device that hangs in a write must not be closed under it

    def _run(self, frame: Frame, period: float) -> None:
        try:
            self._keep_the_beat(frame, period)
        except EndOfStream:
            return  # closed
        except Exception as error:  # whatever it is, it has to surface in the thread that writes
            self._error = error

    def _keep_the_beat(self, frame: Frame, period: float) -> None:
        due = time.monotonic()
        self._inner.write(frame)
        beat = period
        while True:
            self._watched = self._inner.watched
            period = max(beat, IDLE) if self._watched is False else beat
            due = next_due(due, period, arrived=self._arrived, now=time.monotonic())
            fresh = self._take(due, period)
            if self._stop.is_set():
                return
            frame = fresh or frame
            self._inner.write(frame)
            self._count(fresh)

    def _take(self, due: float, period: float) -> Frame | None:
        """Wait for this beat and return its frame, or None when the last one has to serve again."""
        self._arrived = None
        try:
            frame = self._latest.get(max(0.0, due + LATE * period - time.monotonic()))
        except TimeoutError:
            return None
        arrived = time.monotonic()
        self._stop.wait(max(0.0, due - EARLY * period - arrived))
        try:
            newer = self._latest.get(0)
        except TimeoutError:
            self._arrived = arrived
            return frame
        self._overtaken += 1
        return newer

    def _count(self, fresh: Frame | None) -> None:
        if fresh is None:
            self.duplicated += 1
        if self._stats is None:
            return
        if fresh is not None:
            self._stats.tick(fresh.time)
        self._stats.duplicated = self.duplicated


def next_due(due: float, period: float, *, arrived: float | None, now: float) -> float:
    """Return when the beat after `due` is; `arrived` is when the frame of this one came, in seconds of one clock.

    The beat moves a little towards the moment at which frames come: with camera and sink at the same rate, every frame
    is then written as it arrives, and none is lost because both happen to tick at the same instant. A beat that was
    missed is not made up for, so there is never a burst.
    """
    slide = 0.0 if arrived is None else SLIDE * period * (1 if arrived > due else -1)
    return max(due + period + slide, now)


def placeholder(size: tuple[int, int], text: str) -> RGB:
    """Return a dark picture of `size` (width, height) with one line of text in its middle."""
    width, height = size
    image = np.full((height, width, 3), 28, np.uint8)
    scale = width / 900
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    corner = ((width - wide) // 2, (height + high) // 2)
    cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, (200, 200, 200), 1, cv2.LINE_AA)
    return image
