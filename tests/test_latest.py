from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from livefill.errors import EndOfStream
from livefill.latest import Latest


@dataclass
class Model:
    put: int = 0
    seen: list[int] = field(default_factory=list)
    pending: bool = False
    closed: bool = False


class Mailbox(RuleBasedStateMachine):
    """Any order of puts, gets and a close, against a model that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: Latest[int] = Latest()
        self.model = Model()

    @rule()
    def put(self) -> None:
        self.latest.put(self.model.put)
        if not self.model.closed:
            self.model.put += 1
            self.model.pending = True

    @precondition(lambda self: self.model.pending)
    @rule()
    def get(self) -> None:
        self.model.seen.append(self.latest.get(0))
        self.model.pending = False

    @precondition(lambda self: not self.model.pending)
    @rule()
    def get_nothing(self) -> None:
        with pytest.raises(EndOfStream if self.model.closed else TimeoutError):
            self.latest.get(0)

    @rule()
    def close(self) -> None:
        self.latest.close()
        self.model.closed = True

    @invariant()
    def nothing_is_lost_uncounted(self) -> None:
        assert len(self.model.seen) + self.latest.dropped + self.model.pending == self.model.put

    @invariant()
    def the_newest_wins_and_none_comes_twice(self) -> None:
        assert all(a < b for a, b in zip(self.model.seen, self.model.seen[1:], strict=False))


TestMailbox = Mailbox.TestCase


@given(st.integers(1, 300))
def test_between_two_threads_every_item_is_seen_or_counted(count: int) -> None:
    latest: Latest[int] = Latest()

    def produce() -> None:
        for item in range(count):
            latest.put(item)
        latest.close(OSError("unplugged"))

    thread = threading.Thread(target=produce)
    thread.start()
    seen: list[int] = []
    while not seen or seen[-1] < count - 1:
        seen.append(latest.get(5))
    with pytest.raises(OSError, match="unplugged"):
        latest.get(5)
    thread.join()
    assert seen == sorted(set(seen))
    assert len(seen) + latest.dropped == count


def test_close_wakes_a_waiting_consumer() -> None:
    latest: Latest[int] = Latest()
    outcome: list[BaseException] = []

    def consume() -> None:
        try:
            latest.get(5)
        except EndOfStream as error:
            outcome.append(error)

    thread = threading.Thread(target=consume)
    thread.start()
    latest.close()
    thread.join(2)
    assert outcome


def test_the_first_close_counts() -> None:
    latest: Latest[int] = Latest()
    latest.close(OSError("first"))
    latest.close()
    for _ in range(2):
        with pytest.raises(OSError, match="first"):
            latest.get(0)
