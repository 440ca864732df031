"""Ctrl-C, remembered: Python raises it wherever it is, and there it may be lost, or be taken for another error."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from time import monotonic
from types import FrameType, TracebackType

__all__ = ["check", "leave_word", "stoppable"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # the last is a terminal that was closed
IMPATIENT = 1.0  # seconds in which another signal does not disturb what the first one has to put in order

_came = 0  # the signal that has come; 0 while none has
_raised = -IMPATIENT  # when
_word = ""


class _Stopped(SystemExit):
    """The end of the program, which has been told already."""


def check() -> None:
    """Raise `KeyboardInterrupt` if a signal has come, whatever became of it. To be called between two frames."""
    if _came:
        raise KeyboardInterrupt


def leave_word(text: str) -> None:
    """Have `text` said with the news that the program was stopped."""
    global _word
    _word = text


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """End the program with one line, and the status that shells expect, where a signal interrupts what is within.

    What fails after a signal fails by it: a library that is loaded or called at that moment says something else.
    """
    global _came, _word
    hooks, before = (sys.excepthook, sys.unraisablehook), _listen()
    sys.excepthook, sys.unraisablehook = _print, _report
    try:
        yield
    except _Stopped:
        raise
    except BaseException as error:
        code = error.code if isinstance(error, SystemExit) else None
        by_us = isinstance(error, KeyboardInterrupt) or code == 128 + signal.SIGINT  # as typer has it
        if not by_us and (not _came or code == 0):
            raise
        number, word = _came or signal.SIGINT, _word
        with contextlib.suppress(OSError):  # the terminal may have gone
            sys.stderr.write(f"stopped: {word}\n" if word else "stopped\n")
        raise _Stopped(128 + number) from None
    finally:
        _came, _word = 0, ""
        sys.excepthook, sys.unraisablehook = hooks
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen() -> dict[int, signal.Handlers]:
    """Remember the signals from now on; return what handled them before. What is ignored (nohup) stays so."""
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    return {number: signal.signal(number, _remember) for number in heard}  # type: ignore[misc]


def _remember(number: int, _frame: FrameType | None) -> None:
    global _came, _raised
    _came = _came or number
    if monotonic() - _raised >= IMPATIENT:
        _raised = monotonic()
        raise KeyboardInterrupt


def _print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error that a library loses so, or that nobody catches, but no interrupt: that one is remembered."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


def _report(lost: sys.UnraisableHookArgs) -> None:
    """Report an error that could not be raised, but no interrupt: that one is remembered."""
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
