"""Encodes a frame while the next one is being worked on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from livefill.sinks.base import BaseSink
from livefill.types import Frame


class BehindSink(BaseSink):
    """Hands every frame to `inner`, in order, in a thread of its own, one at a time.

    An error of `inner` surfaces in the next `write`, or in `close`.
    """

    def __init__(self, inner: BaseSink) -> None:
        self._inner = inner
        self.label = inner.label
        self._thread = ThreadPoolExecutor(1, "livefill-write")
        self._last: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a frame is still being written."""
        return self._last is not None and not self._last.done()

    def write(self, frame: Frame) -> None:
        """Wait until the frame before is written, and let this one be."""
        self._settle()
        self._last = self._thread.submit(self._inner.write, frame)

    def close(self) -> None:
        """Wait for the last frame, then close the inner sink."""
        try:
            self._settle()
        except BaseException:
            self.abort()
            raise
        self._thread.shutdown(wait=True)
        self._inner.close()

    def abort(self) -> None:
        """Wait for the frame in hand, then abort the inner sink."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._inner.abort()

    def _settle(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()
