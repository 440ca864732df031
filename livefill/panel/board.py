"""Where the running camera and the page meet: both leave things here, and neither waits for the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic

from livefill.config import Settings
from livefill.panel.messages import Message, SetMask
from livefill.pipeline import Shown
from livefill.profile import Profile

__all__ = ["Board", "Listener"]

RATE = 15.0  # pictures a second, at most

Listener = Callable[[str], None]  # is given what to send, in the server's loop


class Board:
    """Statuses and pictures for the page, commands for the camera. Cheap while no page is open."""

    def __init__(self) -> None:
        self.settings = Settings()  # of the run, for the server to read
        self.pending: Profile | None = None
        self.commands: SimpleQueue[Message | SetMask] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[Listener] = set()
        self._waiting: set[asyncio.Future[Shown]] = set()
        self._next = 0.0

    @property
    def watched(self) -> bool:
        """Whether a page is open."""
        return bool(self._listeners)

    @property
    def previewed(self) -> bool:
        """Whether a page waits for a picture."""
        return bool(self._waiting)

    # --- for the camera's thread

    def take(self) -> list[Message | SetMask]:
        """Return what was asked for since the last time, in order."""
        taken = []
        while True:
            try:
                taken.append(self.commands.get_nowait())
            except Empty:
                return taken

    def offer(self, shown: Shown) -> None:
        """Let pages have a picture, where one waits and the last was long enough ago."""
        if not self._waiting or (now := monotonic()) < self._next:
            return
        self._next = now + 1 / RATE
        self._call(lambda: self._deliver(shown))

    def tell(self, text: str) -> None:
        """Send a message to all pages."""
        if self._listeners:
            self._call(lambda: [listener(text) for listener in list(self._listeners)])

    # --- for the server's loop

    def set_mask(self, path: Path | None) -> None:
        """Have the run take up a mask."""
        self.commands.put(SetMask(path))

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say in which loop the pages live."""
        self._loop = loop

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told what pages are told; returns what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def picture(self) -> Shown:
        """Wait for the next picture."""
        future: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)

    def _deliver(self, shown: Shown) -> None:
        for future in list(self._waiting):
            if not future.done():
                future.set_result(shown)

    def _call(self, what: Callable[[], object]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            with suppress(RuntimeError):  # it is closed this very moment
                self._loop.call_soon_threadsafe(what)
