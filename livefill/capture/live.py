"""Plays a source in real time, as if it were a camera: what is not read in time is lost, the newest frame wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from livefill.capture.base import BaseSource
from livefill.errors import CameraAway, EndOfStream, SourceError
from livefill.latest import Latest
from livefill.types import Frame

PATIENCE = 5.0  # seconds: a picture a day is no stream
JOIN = 2.0


class LiveSource(BaseSource):
    """Plays what `open_inner` opens at the pace of its own timestamps; with `loop` it opens it again at the end.

    It begins to play when it is first read: what is loaded before then costs a recording nothing.
    """

    live = True

    def __init__(self, open_inner: Callable[[], BaseSource], *, loop: bool = False) -> None:
        self._open, self._loop = open_inner, loop
        self._latest: Latest[Frame] = Latest()
        self._stop = threading.Event()
        first = open_inner()
        self.size, self.rate = first.size, first.rate
        self.frames = 0 if loop else first.frames
        self._thread = threading.Thread(target=self._run, args=(first,), name="livefill-play", daemon=True)
        self._first = first
        self._due = 0.0  # when the next frame is

    @property
    def dropped(self) -> int:
        """Frames that were played and never read."""
        return self._latest.dropped

    def read(self) -> Frame:
        """Wait for a frame newer than the last; `Frame.time` is the monotonic clock when it was due.

        Raises `CameraAway` while the next is not due yet: a recording of a screen may show one picture for minutes.
        """
        if self._thread.ident is None:
            self._thread.start()
        try:
            return self._latest.get(PATIENCE)
        except TimeoutError:
            if (left := self._due - time.monotonic()) > 0:
                raise CameraAway(f"The video shows nothing new for another {left:.0f} s.") from None
            raise SourceError(f"No frame came within {PATIENCE:.0f} s; the source has stalled.") from None

    def close(self) -> None:
        """Stop playing."""
        self._stop.set()
        self._latest.close()
        if self._thread.ident is None:
            self._first.close()
        else:
            self._thread.join(JOIN)

    def _run(self, inner: BaseSource) -> None:
        try:
            self._play_all(inner)
        except Exception as error:  # whatever it is, it has to surface in the thread that reads
            self._latest.close(error)

    def _play_all(self, inner: BaseSource) -> None:
        seq = 0
        while not self._stop.is_set():
            with inner:
                seq = self._play(inner, seq)
            if not self._loop:
                raise EndOfStream("the source has given its last frame")
            inner = self._open()

    def _play(self, inner: BaseSource, seq: int) -> int:
        """Play to the end, numbering from `seq`; return the next number."""
        origin = None
        for frame in inner:
            now = time.monotonic()
            if origin is None or now - (origin + frame.time) > 1.0:  # a second late (suspended?): do not race after it
                origin = now - frame.time
            self._due = due = origin + frame.time
            if self._stop.wait(max(0.0, due - now)):
                break
            self._latest.put(Frame(seq, time.monotonic(), frame.image))
            seq += 1
        self._stop.wait(float(1 / inner.rate))  # the last frame is seen for as long as the others
        return seq
