"""A key combination that passes the picture through from within any application, where the desktop allows it.

pynput (LGPL, the extra `hotkey`) listens on X11, Windows and macOS; Wayland gives no program the keys of another.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType

from typing_extensions import Self

from livefill.errors import ConfigError

__all__ = ["Hotkey"]

# Anchored at the interpreter: a shell or `timeout` that has the words in its command line would die of the signal.
PROCESS = "^[^ ]*[Pp]ython[^ ]* (-m |[^ ]*/)livefill (run|panel)"
BIND = f"Bind this command to a key in your desktop's settings instead: pkill -USR1 -f '{PROCESS}'"

KEYS = re.compile(r"(<\w+>|\S)(\+(<\w+>|\S))*")  # names in angle brackets, or single letters, joined by +
MISTYPED = 'hotkey is {!r}: write it like "<ctrl>+<alt>+p"'


class Hotkey:
    """Calls `action`, in the thread that calls `update`, once for each time that `keys` was pressed.

    `keys` is written like "<ctrl>+<alt>+p". Raises `ConfigError` with what to do where it cannot be listened to.
    """

    def __init__(self, keys: str, action: Callable[[], None]) -> None:
        if not KEYS.fullmatch(keys):  # what was mistyped is said before what is not possible here
            raise ConfigError(MISTYPED.format(keys))
        if platform.system() == "Linux" and os.environ.get("XDG_SESSION_TYPE") == "wayland":
            raise ConfigError(f"Wayland lets no program listen to keys that are meant for another. {BIND}")
        try:
            from pynput import keyboard
        except ImportError as error:
            if "pynput" in str(error):
                raise ConfigError("a hotkey needs pynput: run `pip install 'livefill[hotkey]'`") from error
            raise ConfigError(f"the keyboard cannot be listened to here. {BIND}") from error
        self._action = action
        self._pressed: SimpleQueue[None] = SimpleQueue()
        try:
            self._listener = keyboard.GlobalHotKeys({keys: lambda: self._pressed.put(None)})
        except ValueError as error:
            raise ConfigError(MISTYPED.format(keys)) from error

    def __enter__(self) -> Self:
        self._listener.start()
        self._listener.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.stop()

    def update(self, _live: object = None) -> None:
        """Do what was asked for since the last call."""
        while True:
            try:
                self._pressed.get_nowait()
            except Empty:
                return
            self._action()
