"""Single keys from a terminal, without waiting for them."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

from typing_extensions import Self

__all__ = ["Keys"]


class Keys:
    """Gives the keys that were pressed since the last call. Puts the terminal back as it was when it is left."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream  # None where the program was started without one
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if sys.platform != "win32" and self._stream is not None and self._stream.isatty():
            import termios
            import tty

            self._before = termios.tcgetattr(self._stream)
            tty.setcbreak(self._stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.platform != "win32" and self._stream is not None and self._before is not None:
            import termios

            with suppress(termios.error):  # the terminal has gone
                termios.tcsetattr(self._stream, termios.TCSADRAIN, self._before)
            self._before = None

    @property
    def heard(self) -> bool:
        """Whether keys can come at all: the input is a terminal."""
        return sys.platform == "win32" or self._before is not None

    def pressed(self) -> str:
        """Return what was pressed, in order; nothing where the input is no terminal."""
        if sys.platform == "win32":
            import msvcrt

            keys = ""
            while msvcrt.kbhit():
                keys += msvcrt.getwch()
            return keys
        if self._stream is None or self._before is None:
            return ""
        # Not through the stream: it would keep what was typed at once in a buffer that select does not see.
        typed = b""
        while select.select([self._stream], [], [], 0)[0]:
            try:
                chunk = os.read(self._stream.fileno(), 64)
            except OSError:  # the terminal has gone
                break
            if not chunk:
                break
            typed += chunk
        return typed.decode(errors="ignore")
