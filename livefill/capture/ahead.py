"""Decodes the next frame of a file while this one is being worked on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from livefill.capture.base import BaseSource
from livefill.types import Frame


class AheadSource(BaseSource):
    """Gives every frame of `inner`, in order, reading one ahead in a thread of its own."""

    def __init__(self, inner: BaseSource) -> None:
        self._inner = inner
        self.size, self.rate, self.frames = inner.size, inner.rate, inner.frames
        self._thread = ThreadPoolExecutor(1, "livefill-read")
        self._next: Future[Frame] = self._thread.submit(inner.read)

    def read(self) -> Frame:
        """Return the next frame, or raise what reading it has raised."""
        frame = self._next.result()
        self._next = self._thread.submit(self._inner.read)
        return frame

    def close(self) -> None:
        """Wait for the frame in hand, then close the inner source."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._inner.close()
