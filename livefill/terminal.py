"""What a run shows in a terminal: one line that changes, keys, signals; plain lines now and then without a terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from time import monotonic
from types import FrameType, TracebackType

from rich.console import Console
from rich.live import Live as Redraw
from rich.text import Text
from typing_extensions import Self

from livefill import interrupt
from livefill.calibration import Judgement
from livefill.keys import Keys
from livefill.live import Live
from livefill.profile import profile_path

__all__ = ["CalibrationLine", "LiveLine"]

REDRAW = 0.25  # seconds
LOG = 10.0  # seconds between lines where there is no terminal
MEANT = 3.0  # seconds for the second press of a key that would cost a profile
KEYS = "Keys: p passes the picture through (again to go on), c calibrates anew, q quits."


class LiveLine:
    """Shows how a run goes, and takes keys and signals, until it is left."""

    def __init__(self, live: Live, console: Console) -> None:
        self._live, self._console = live, console
        self._stack = ExitStack()
        self._next = 0.0
        self._meant = 0.0  # until when c is meant, as it was pressed before
        self._redraw: Redraw | None = None
        self._keys: Keys | None = None

    def __enter__(self) -> Self:
        handlers: dict[str, Callable[[], None]] = {
            "SIGINT": self._live.stop,
            "SIGTERM": self._live.stop,
            "SIGHUP": self._live.stop,  # the terminal was closed
            "SIGUSR1": self._live.pause,
            "SIGUSR2": self._live.recalibrate,
        }
        for name, action in handlers.items():
            if hasattr(signal, name):
                self._handle(getattr(signal, name), action)
        interrupt.check()  # from here on nothing is lost: the run looks whether it is to stop
        if self._console.is_terminal:
            self._keys = self._stack.enter_context(Keys(sys.stdin))
            if self._keys.heard:  # a line of their own, once: a narrow terminal would cut them off the other
                self._console.print(KEYS, markup=False)
            self._redraw = self._stack.enter_context(
                Redraw(Text("starting"), console=self._console, auto_refresh=False, transient=True)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def update(self, live: Live) -> None:
        """Draw the line if it is time, and do what the keys say."""
        if self._keys is not None:
            actions: dict[str, Callable[[], None]] = {
                "p": live.pause,
                " ": live.pause,
                "c": self._calibrate,
                "q": live.stop,
            }
            for key in self._keys.pressed():
                actions.get(key.lower(), lambda: None)()
        if monotonic() < self._next:
            return
        if self._redraw is not None:
            self._next = monotonic() + REDRAW
            with suppress(OSError):  # the terminal has gone, and SIGHUP ends the run as it should
                self._redraw.update(Text(self.text(), overflow="ellipsis", no_wrap=True), refresh=True)
        else:
            if self._next:  # not before the first seconds have given numbers
                self._console.print(self.text(), markup=False)
            self._next = monotonic() + LOG

    def _calibrate(self) -> None:
        """Calibrate anew; where that would replace a profile, only when the key is pressed again."""
        name, now = self._live.settings.profile or "default", monotonic()
        if profile_path(name).exists() and now > self._meant:
            self._meant = now + MEANT
            self._live.say(f"Press c again to calibrate anew: that replaces profile {name!r}.")
            return
        self._meant = 0.0
        self._live.recalibrate()

    def text(self) -> str:
        """Return the line; what can be done without stands at its end, which a narrow terminal cuts off."""
        live, now = self._live, self._live.stats.summary()
        numbers = (
            f"{now.fps:.1f} fps · age {now.age_p50:.0f} ms (p95 {now.age_p95:.0f}) · {now.dropped} dropped · "
            if live.shown is not None or now.fps
            else ""  # no frame was shown yet
        )
        return f"{live.state} · {numbers}→ {live.sink_label} · {live.device}"

    def summary(self) -> str:
        """Return the last word on a run."""
        now = self._live.stats.summary()
        stages = ", ".join(f"{name} {ms:.1f}" for name, ms in now.stages.items())
        return (
            f"{now.fps:.1f} fps, age {now.age_p50:.0f} ms (p95 {now.age_p95:.0f}), {now.dropped} dropped, "
            f"{now.duplicated} repeated; milliseconds a frame: {stages or 'none'}."
        )

    def _handle(self, number: int, action: Callable[[], None]) -> None:
        def handler(_number: int, _frame: FrameType | None) -> None:
            action()

        if signal.getsignal(number) is signal.SIG_IGN and number == getattr(signal, "SIGHUP", None):
            return  # it runs under nohup
        before = signal.signal(number, handler)
        self._stack.callback(signal.signal, number, before)


class CalibrationLine:
    """Guides the user through a calibration, or shows how far a video was looked at for one."""

    def __init__(self, console: Console, *, guide: bool = True, frames: int = 0) -> None:
        """`guide` is whether there is somebody before a camera who can be told what to do.

        Else it is a video, of so many `frames` if that is known.
        """
        self._console, self._guide, self._frames = console, guide, frames
        self._redraw = Redraw(Text("looking"), console=console, auto_refresh=False, transient=True)
        self._last = ""
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._redraw.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._redraw.stop()

    def update(self, judgement: Judgement, progress: float) -> None:
        """Show the hint of the last frame; without a terminal, when it changes, and of a video each but once."""
        hint, done = self._hint(judgement, progress), progress
        if not self._guide and self._frames:
            done = min((judgement.seq + 1) / self._frames, 1)  # a video is looked at to its end
        if self._console.is_terminal:
            self._redraw.update(Text(f"{done:4.0%}  {hint}{self._place(judgement.seq)}"), refresh=True)
        elif hint != self._last if self._guide else hint not in self._told:
            self._console.print(f"{done:4.0%}  {hint}", markup=False)
        self._last = hint
        self._told.add(hint)

    def _hint(self, judgement: Judgement, progress: float) -> str:
        if self._guide:
            return judgement.hint or "good: turn your head a little to each side, say a few words"
        enough = "enough good frames; reading on to the end for better ones"
        return enough if progress >= 1 else judgement.hint or "good"

    def _place(self, seq: int) -> str:
        """Return where in a video this is."""
        if self._guide:
            return ""
        return f" (frame {seq + 1}{f' of {self._frames}' if self._frames else ''})"
