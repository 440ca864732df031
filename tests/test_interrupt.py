"""Signals that end the program: whatever became of the interrupt that Python raises for them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from footage import Clips, Said

from livefill import demo as bundled
from livefill import interrupt
from livefill.errors import BackendError
from livefill.interrupt import check, leave_word, stoppable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="raises POSIX signals")


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Signals are handled as in a program that was started from a terminal, and by nobody's last one."""
    monkeypatch.setattr(interrupt, "_raised", -interrupt.IMPATIENT)
    numbers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    yield
    assert {number: signal.getsignal(number) for number in numbers} == numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def lose() -> None:
    """Be interrupted where the interrupt is lost."""
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def end_of(*steps: Callable[[], object]) -> object:
    """Take steps one after the other, and return the status with which the program ends."""

    def program() -> None:
        with stoppable(), stoppable():
            for step in steps:
                step()

    with pytest.raises(SystemExit) as end:
        program()
    return end.value.code


def fail() -> None:
    raise BackendError("onnx cannot be used: initialization failed")


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_the_program_with_one_line(name: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(lambda: signal.raise_signal(getattr(signal, name))) == code
    assert capsys.readouterr().err == "stopped\n"


def test_an_interrupt_that_was_lost_is_found_by_the_next_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(check, lose, lambda: leave_word("nothing was written"), check) == 130
    assert capsys.readouterr().err == "stopped: nothing was written\n"
    check()  # it is over


def test_what_fails_after_an_interrupt_fails_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(lose, fail) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_without_an_interrupt_an_error_stays_what_it_is() -> None:
    with pytest.raises(BackendError), stoppable():
        fail()


def test_what_was_done_all_the_same_is_no_failure() -> None:
    assert end_of(lose, lambda: sys.exit(0)) == 0


def test_a_second_signal_does_not_disturb_the_end_of_the_first() -> None:
    done = []

    def interrupted() -> None:
        try:
            signal.raise_signal(signal.SIGHUP)
        finally:
            signal.raise_signal(signal.SIGHUP)  # a shell hands on what the terminal has said already
            done.append("tidied up")

    assert end_of(interrupted) == 129
    assert done == ["tidied up"]


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGHUP)
            check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupt_in_a_finaliser_is_not_reported_but_found(capsys: pytest.CaptureFixture[str]) -> None:
    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    assert end_of(Finalised, check) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_an_interrupt_that_a_library_prints_is_not_seen_but_found(capsys: pytest.CaptureFixture[str]) -> None:
    def printed() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]

    assert end_of(printed, check) == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("command", ["file", "track", "calibrate", "demo", "bench"])
def test_every_command_looks_between_two_frames(
    livefill: Callable[..., Said],
    acquainted: Path,
    clips: Clips,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    monkeypatch.setattr(bundled, "demo_clip", lambda name="demo": clips.hand)
    monkeypatch.setattr(interrupt, "_came", signal.SIGINT)  # as after one that was lost
    out = tmp_path / "out"
    said = {
        "file": lambda: livefill("file", clips.hand, "-o", out.with_suffix(".mp4")),
        "track": lambda: livefill("track", clips.hand, "-o", out.with_suffix(".npz")),
        "calibrate": lambda: livefill("calibrate", "--input", clips.clean, "--profile", "ada"),
        "demo": lambda: livefill("demo", "-o", tmp_path),
        "bench": lambda: livefill("bench", "--seconds", 1, "--input", clips.hand, "--profile", "default"),
    }[command]()
    assert said.code == 130
    assert said.err.splitlines()[-1] == ("stopped" if command == "bench" else "stopped: nothing was written")
    assert list(tmp_path.iterdir()) == []
