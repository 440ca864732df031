"""The panel of a run: between two frames it tells pages how things are, and does what they asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any

from typing_extensions import Self

from livefill.capture import is_camera
from livefill.errors import ConfigError, LivefillError
from livefill.live import STAYED, Live
from livefill.panel.board import Board
from livefill.panel.messages import Accept, Calibrate, Change, Discard, Message, Pause, Record, SetMask
from livefill.panel.server import Server
from livefill.panel.status import encode_error, encode_status
from livefill.settings_file import SettingsFile
from livefill.sinks import is_virtual_camera
from livefill.sinks.remedy import WITHOUT

__all__ = ["Panel"]

STATUS = 0.25  # seconds between two statuses
WATCHERS = 2.0  # and between two looks at who watches: all processes are gone through


class Panel:
    """Serves a page about `live` while it is entered; `url` opens it."""

    def __init__(self, live: Live, file: SettingsFile, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Start serving; changes are written into `file`. Raises `ConfigError` where nothing can be served."""
        self._live, self._file = live, file
        self._board = Board()
        self._board.settings = live.settings
        live.also_wanted = lambda: self._board.previewed  # who looks at the page wants to see something
        self._server = Server(self._board, host=host, port=port)
        self._next_status = self._next_watchers = 0.0
        self._watchers: list[str] = []
        self._unwritten: dict[str, Any] = {}  # settings that wait for camera and sink to be opened with them

    @property
    def url(self) -> str:
        """The address of the page. It holds the token: whoever knows it may steer livefill."""
        return self._server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving. Safe to call twice."""
        self._server.close()

    def update(self, live: Live) -> None:
        """Do what was asked for, and tell how things are. Called between two frames; costs nothing without a page."""
        if self._unwritten and not live.reopening:
            self._attempt(lambda: self._settle(live))
        for command in self._board.take():
            self._attempt(partial(self._do, live, command))
        self._board.settings, self._board.pending = live.settings, live.pending
        if live.shown is not None:
            self._board.offer(live.shown)
        now = monotonic()
        if self._board.watched and now >= self._next_status:
            self._next_status = now + STATUS
            self._board.tell(encode_status(live, watchers=self._who(live, now), config=self._file.path))

    def _attempt(self, act: Callable[[], None]) -> None:
        """Do something, or tell pages why not."""
        try:
            act()
        except LivefillError as error:
            self._board.tell(encode_error(str(error)))
        self._next_status = 0.0

    def _do(self, live: Live, command: Message | SetMask) -> None:
        if isinstance(command, Pause):
            live.pause(command.on)
        elif isinstance(command, Calibrate):
            live.recalibrate(review=True)
        elif isinstance(command, Accept):
            live.accept()
        elif isinstance(command, Discard):
            live.discard()
        elif isinstance(command, Record):
            live.record(command.on)
        elif isinstance(command, Change):
            self._change(live, command.key, command.value)
        elif isinstance(command, SetMask):
            if command.path == live.settings.mask:
                live.reload()  # another picture in the same file
            live.change(mask=command.path)
            self._write(live, "mask", command.path)

    def _change(self, live: Live, key: str, value: object) -> None:
        if key == "camera" and value != live.settings.camera and not is_camera(str(value)):
            raise ConfigError("the panel chooses among cameras; a video is given with `--camera` or in the file")
        if key == "sink" and value not in (live.settings.sink, "none") and not is_virtual_camera(str(value)):
            raise ConfigError("the panel chooses among virtual cameras; other sinks are given with `--sink`")
        live.change(**{key: value})
        self._write(live, key, value)

    def _write(self, live: Live, key: str, value: object) -> None:
        """Write a setting down; while camera and sink are being opened anew only once the run has kept it."""
        if live.reopening:
            self._unwritten[key] = getattr(live.settings, key)
        else:
            self._file.write(**{key: value})

    def _settle(self, live: Live) -> None:
        """Write down what the run has kept of the settings that waited; raises `ConfigError` for the others."""
        waited, self._unwritten = self._unwritten, {}
        kept = {key: value for key, value in waited.items() if getattr(live.settings, key) == value}
        if kept:
            self._file.write(**kept)
        if refused := [key for key in waited if key not in kept]:
            why = next((said for said in reversed(live.said) if said.startswith(STAYED)), f"{STAYED}.")
            why = why.replace(f" {WITHOUT}", "")  # options of the command line are no help on a page
            raise ConfigError(f"{why.rstrip('.')}. What {self._file.path} says of {' and '.join(refused)} stays.")

    def _who(self, live: Live, now: float) -> list[str]:
        if live.sink is not None and now >= self._next_watchers:
            self._next_watchers = now + WATCHERS
            self._watchers = live.sink.watchers() if live.sink.watched is not False else []
        return self._watchers
