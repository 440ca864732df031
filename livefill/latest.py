"""The one-slot mailbox between two threads: the newest item wins, and what it replaced is counted."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from livefill.errors import EndOfStream

__all__ = ["Latest"]

T = TypeVar("T")


class Latest(Generic[T]):
    """Hands the newest item of one producer to one consumer; there is no queue, so nothing can lag behind."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._slot: list[T] = []  # empty, or the one item not seen yet
        self._closed: BaseException | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Items that were replaced before anybody saw them."""
        with self._changed:
            return self._dropped

    def put(self, item: T) -> None:
        """Offer `item` in place of what is still unseen. After `close` it is ignored."""
        with self._changed:
            if self._closed is not None:
                return
            self._dropped += len(self._slot)
            self._slot = [item]
            self._changed.notify()

    def get(self, timeout: float | None = None) -> T:
        """Wait at most `timeout` seconds for an unseen item.

        Raises `TimeoutError` when none came, the producer's error after `close(error)`, `EndOfStream` after `close()`;
        an item that was put before `close` is still given first.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._slot or self._closed, timeout):
                raise TimeoutError(f"nothing new within {timeout} s")
            if self._slot:
                return self._slot.pop()
            assert self._closed is not None
            raise self._closed

    def close(self, error: BaseException | None = None) -> None:
        """Wake the consumer for good; it gets `error`, or the end of the stream. The first close counts."""
        with self._changed:
            if self._closed is None:
                self._closed = error or EndOfStream("the stream has ended")
            self._changed.notify_all()
