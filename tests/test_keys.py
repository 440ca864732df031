from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

import pytest

from livefill.keys import Keys

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import termios


@dataclass
class Terminal:
    """A pseudo-terminal: what a person types, and what the program reads."""

    keyboard: int
    stream: TextIO

    def type(self, keys: str) -> None:
        os.write(self.keyboard, keys.encode())
        assert select.select([self.stream], [], [], 5)[0]  # it has arrived

    @property
    def waits_for_enter(self) -> bool:
        return bool(termios.tcgetattr(self.stream)[3] & termios.ICANON)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    try:
        keyboard, screen = os.openpty()
    except OSError as error:
        pytest.skip(f"there are no pseudo-terminals here: {error}")
    with os.fdopen(screen, "r", encoding="utf-8") as stream:
        made = Terminal(keyboard, stream)
        yield made
    if made.keyboard >= 0:
        os.close(keyboard)


def test_a_key_is_given_without_enter_and_once(terminal: Terminal) -> None:
    with Keys(terminal.stream) as keys:
        assert keys.pressed() == ""
        terminal.type("p")
        assert keys.pressed() == "p"
        assert keys.pressed() == ""
        terminal.type("q")
        assert keys.pressed() == "q"


def test_without_an_input_no_key_is_pressed() -> None:
    with Keys(None) as keys:
        assert keys.pressed() == ""


def test_a_terminal_that_was_closed_is_left_without_an_error(terminal: Terminal) -> None:
    with Keys(terminal.stream) as keys:
        os.close(terminal.keyboard)
        terminal.keyboard = -1
        assert keys.pressed() == ""


def test_keys_pressed_at_once_are_all_given(terminal: Terminal) -> None:
    with Keys(terminal.stream) as keys:
        terminal.type("pcq")
        assert keys.pressed() == "pcq"
        assert keys.pressed() == ""


def test_a_letter_of_several_bytes_does_no_harm(terminal: Terminal) -> None:
    with Keys(terminal.stream) as keys:
        terminal.type("äq")
        assert keys.pressed() == "äq"


def test_a_terminal_that_goes_away_gives_no_more_keys(terminal: Terminal) -> None:
    keys = Keys(terminal.stream)
    keys.__enter__()
    os.close(terminal.keyboard)
    terminal.keyboard = -1
    assert keys.pressed() == ""


def test_terminal_is_put_back_as_it_was(terminal: Terminal) -> None:
    before = termios.tcgetattr(terminal.stream)
    with Keys(terminal.stream):
        assert not terminal.waits_for_enter
    assert termios.tcgetattr(terminal.stream) == before
    with pytest.raises(ZeroDivisionError), Keys(terminal.stream):
        raise ZeroDivisionError
    assert terminal.waits_for_enter


def test_without_a_terminal_there_are_no_keys() -> None:
    with Keys(io.StringIO("pq")) as keys:
        assert keys.pressed() == ""
