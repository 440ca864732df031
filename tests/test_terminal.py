from __future__ import annotations

import io
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import synthetic
from rich.console import Console

from livefill import terminal
from livefill.calibration import Judgement
from livefill.cli.common import bar
from livefill.config import Settings
from livefill.live import Live
from livefill.pipeline import Shown
from livefill.profile import save_profile
from livefill.sinks.null import NullSink
from livefill.terminal import LOG, MEANT, CalibrationLine, LiveLine
from livefill.types import Frame


@pytest.fixture
def plain() -> Console:
    """A console that is no terminal."""
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def run(home: Path) -> Live:
    return Live(Settings(sink="none"), lambda text: None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(terminal, "monotonic", lambda: now[0])
    return now


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


# --- signals ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def handlers() -> Iterator[dict[int, object]]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    before = {number: signal.getsignal(number) for number in numbers}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signals here")
def test_signals_steer_the_run_and_are_given_back(
    run: Live, plain: Console, handlers: dict[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for name in ("stop", "pause", "recalibrate"):
        monkeypatch.setattr(run, name, lambda name=name: done.append(name))
    with LiveLine(run, plain):
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.raise_signal(number)  # to this very thread: another one would handle it a little later
    assert done == ["pause", "recalibrate", "stop", "stop", "stop"]
    assert {number: signal.getsignal(number) for number in handlers} == handlers


# --- the line ---------------------------------------------------------------------------------------------------------


def seen() -> Shown:
    """A frame that was shown as it came."""
    frame = Frame(0, 0.0, np.zeros((48, 64, 3), np.uint8))
    return Shown(frame, None, frame)


def test_without_a_terminal_there_is_a_line_now_and_then(run: Live, plain: Console, clock: list[float]) -> None:
    run.shown = seen()
    with LiveLine(run, plain) as line:
        for _ in range(60):
            line.update(run)
            clock[0] += LOG / 20
    lines = text_of(plain).splitlines()
    assert len(lines) == 2
    assert all("fps" in shown and "age" in shown and "dropped" in shown for shown in lines)


def test_line_says_what_is_going_on_and_where_it_goes(run: Live, plain: Console, clock: list[float]) -> None:
    run._staging.device, run.sink = "warped reference (cpu)", NullSink()
    run.sink.label = "virtual camera [10]"
    run.pause(True)
    run.shown = seen()
    run.stats.dropped = 7
    with LiveLine(run, plain) as line:
        shown = line.text()
    for part in ("paused", "warped reference (cpu)", "virtual camera [10]", "7 dropped"):
        assert part in shown


def test_before_the_first_frame_no_numbers_are_told(run: Live, plain: Console, clock: list[float]) -> None:
    run._staging.device, run.sink = "warped reference (cpu)", NullSink()
    with LiveLine(run, plain) as line:
        assert "fps" not in line.text()
        assert "warped reference (cpu)" in line.text()


@pytest.mark.parametrize("heard", [True, False])
def test_keys_are_told_once_where_they_can_be_pressed(run: Live, monkeypatch: pytest.MonkeyPatch, heard: bool) -> None:
    monkeypatch.setattr("livefill.keys.Keys.heard", heard)
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with LiveLine(run, console) as line:
        line.update(run)
    told = text_of(console)
    assert told.count("p passes the picture through") == told.count("q quits") == int(heard)


def test_a_narrow_terminal_cuts_off_only_what_fills(run: Live, plain: Console, clock: list[float]) -> None:
    run._staging.device, run.sink = "fast (openvino, cpu, bfloat16)", NullSink()
    run.shown = seen()
    run.stats.dropped = 7
    with LiveLine(run, plain) as line:
        shown = line.text()[:80]
    for part in (run.state, "fps", "age", "7 dropped", f"→ {run.sink_label}"):
        assert part in shown


def test_keys_steer_the_run(run: Live, plain: Console, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("stop", "pause", "recalibrate"):
        monkeypatch.setattr(run, name, lambda name=name: done.append(name))

    class Typed:
        def pressed(self) -> str:
            return "P cxQ"

    with LiveLine(run, plain) as line:
        monkeypatch.setattr(line, "_keys", Typed())
        line.update(run)
    assert done == ["pause", "pause", "recalibrate", "stop"]


def test_a_profile_is_calibrated_anew_only_where_the_key_is_meant(
    run: Live, plain: Console, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_profile(synthetic.person())
    done: list[float] = []
    monkeypatch.setattr(run, "recalibrate", lambda: done.append(clock[0]))
    with LiveLine(run, plain) as line:
        monkeypatch.setattr(line, "_keys", SimpleNamespace(pressed=lambda: "c"))
        for seconds in (0, MEANT + 1, 1, 1):  # once, again too late, in time, and once more
            clock[0] += seconds
            line.update(run)
    assert done == [pytest.approx(100 + MEANT + 2)]
    assert run.said[0] == "Press c again to calibrate anew: that replaces profile 'default'."
    assert len(run.said) == 3


def test_a_terminal_that_has_gone_does_not_end_the_run_with_an_error(
    run: Live, plain: Console, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def update(self, *_: object, refresh: bool) -> None:
            raise OSError(5, "Input/output error")

    with LiveLine(run, plain) as line:
        monkeypatch.setattr(line, "_redraw", Gone())
        line.update(run)


def test_last_word_sums_up_even_when_nothing_was_seen(run: Live, plain: Console) -> None:
    line = LiveLine(run, plain)
    assert "none" in line.summary()
    with run.stats.stage("observe"):
        pass
    run.stats.duplicated = 3
    assert "observe" in line.summary()
    assert "3 repeated" in line.summary()


# --- progress ---------------------------------------------------------------------------------------------------------


def test_progress_says_that_it_loads_until_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    monkeypatch.setattr("livefill.cli.common.err", console)
    with bar("filling") as advance:
        begun = text_of(console)
        advance(3, 12)
    assert "loading" in begun
    assert "0/" not in begun
    assert "filling" in text_of(console)
    assert "3/12" in text_of(console)


# --- the guidance of a calibration ------------------------------------------------------------------------------------


def test_guidance_is_said_when_it_changes(plain: Console) -> None:
    with CalibrationLine(plain) as line:
        for hint in ("too dark", "too dark", "", "", "too dark"):
            line.update(Judgement(hint, 0.5, 0), 0.25)
    lines = text_of(plain).splitlines()
    assert len(lines) == 3
    assert [("too dark" in shown, "good" in shown) for shown in lines] == [(True, False), (False, True), (True, False)]
    assert all("25%" in shown for shown in lines)


def test_a_video_of_which_enough_was_seen_is_said_to_be_read_on(plain: Console) -> None:
    with CalibrationLine(plain, guide=False, frames=10) as line:
        for seq, hint in enumerate(("", "two faces", "", "two faces", "")):
            line.update(Judgement(hint, 0.5, seq), 0.5)
        for seq in range(5, 9):
            line.update(Judgement("" if seq % 2 else "two faces", 0.5, seq), 1.0)
    lines = [shown.strip() for shown in text_of(plain).splitlines()]
    assert lines == ["10%  good", "20%  two faces", "60%  enough good frames; reading on to the end for better ones"]


def test_a_terminal_is_told_where_in_a_video_it_is() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with CalibrationLine(console, guide=False, frames=900) as line:
        line.update(Judgement("", 0.5, 99), 1.0)
    assert "reading on to the end for better ones (frame 100 of 900)" in text_of(console)
