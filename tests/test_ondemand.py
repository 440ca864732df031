from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from livefill.capture import ondemand
from livefill.capture.base import BaseSource
from livefill.capture.ondemand import OnDemandSource
from livefill.errors import CameraAway, SourceError, Unwatched
from livefill.types import Frame


class Lamp(BaseSource):
    """A camera whose light can be seen."""

    size, rate, live = (64, 48), Fraction(30), True

    def __init__(self, room: Room) -> None:
        self.room, self._seq = room, 0
        room.lit += 1
        room.opened += 1

    @property
    def dropped(self) -> int:
        return 2

    def read(self) -> Frame:
        self.room.now += 0.03
        self._seq += 1
        return Frame(self._seq - 1, self.room.now, np.zeros((48, 64, 3), np.uint8))

    def close(self) -> None:
        self.room.lit -= 1


class Room:
    """Time, and whether somebody watches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.lit, self.opened = 0.0, 0, 0
        self.watched, self.comes_at, self.broken = True, float("inf"), ""
        monkeypatch.setattr(ondemand.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(ondemand.time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wanted(self) -> bool:
        return self.watched or self.now >= self.comes_at

    def source(self) -> OnDemandSource:
        return OnDemandSource(self.open, self.wanted)

    def open(self) -> Lamp:
        if self.broken:
            raise SourceError(self.broken)
        return Lamp(self)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(monkeypatch)


def test_while_somebody_watches_it_is_the_camera(room: Room) -> None:
    with room.source() as source:
        assert (source.size, source.rate, source.live) == ((64, 48), 30, True)
        assert [source.read().seq for _ in range(4)] == [0, 1, 2, 3]
        assert source.dropped == 2
    assert room.lit == 0


def test_the_light_goes_off_a_while_after_the_last_one_has_left(room: Room) -> None:
    source = room.source()
    source.read()
    left = room.now
    room.watched = False
    for _ in range(1000):
        try:
            source.read()
        except Unwatched:
            break
    assert room.lit == 0
    assert left + ondemand.LINGER < room.now < left + ondemand.LINGER + ondemand.PATIENCE + 0.2
    with pytest.raises(Unwatched, match="Nobody watches"):
        source.read()
    assert room.lit == 0


def test_who_only_looks_in_and_out_does_not_switch_it(room: Room) -> None:
    source = room.source()
    for turn in range(40):
        room.watched = turn % 20 < 10
        source.read()
    assert room.opened == 1


def test_it_is_there_again_at_once_and_counts_on(room: Room) -> None:
    source = room.source()
    before = source.read().seq
    room.watched = False
    room.now += ondemand.LINGER + 1
    with pytest.raises(Unwatched):
        source.read()
    room.comes_at = room.now + 0.3  # in the middle of a wait
    assert source.read().seq == before + 1
    assert room.now < room.comes_at + 0.2
    assert (room.lit, room.opened) == (1, 2)
    assert source.dropped == 4


def test_a_camera_that_does_not_open_at_first_is_an_error_and_later_one_that_is_away(room: Room) -> None:
    room.broken = "unplugged"
    with pytest.raises(SourceError, match="unplugged") as caught:
        room.source()
    assert not isinstance(caught.value, CameraAway)
    room.broken = ""
    source = room.source()
    room.watched = False
    room.now += ondemand.LINGER + 1
    with pytest.raises(Unwatched):
        source.read()
    room.watched, room.broken = True, "unplugged"
    with pytest.raises(CameraAway, match="unplugged"):
        source.read()
    room.broken = ""
    assert source.read().seq == 0


def test_closing_while_it_is_off(room: Room) -> None:
    source = room.source()
    room.watched = False
    room.now += ondemand.LINGER + 1
    with pytest.raises(Unwatched):
        source.read()
    source.close()
    source.close()
    assert room.lit == 0


def test_one_that_is_patient_waits_for_a_camera_that_is_not_there(room: Room) -> None:
    room.broken = "zoom has it"
    source = OnDemandSource(room.open, room.wanted, patient=True)
    assert source.size == (0, 0)
    with pytest.raises(CameraAway, match="zoom has it"):
        source.read()
    room.broken = ""
    assert source.read().image.shape[1::-1] == source.size == Lamp.size
    source.close()
    assert room.lit == 0
