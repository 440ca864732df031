"""A person's motion: smooth, small, and theirs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from training.faces.motion import LIMITS, Moment, calibration, conversation

CLIPS = pytest.mark.parametrize("clip", [calibration, conversation])


def curve(moments: list[Moment], name: str) -> np.ndarray:
    return np.array([moment.amounts[name] for moment in moments])


@CLIPS
@pytest.mark.parametrize("seed", [0, 64])
def test_amounts_stay_where_the_person_stays_the_same(clip: Callable[[int], list[Moment]], seed: int) -> None:
    for name, limit in LIMITS.items():
        assert np.abs(curve(clip(seed), name)).max() <= limit + 1e-9
    assert curve(clip(seed), "mouth").min() >= 0  # a mouth cannot be more than closed


@CLIPS
def test_motion_is_smooth(clip: Callable[[int], list[Moment]]) -> None:
    moments = clip(64)
    for name in ("yaw", "pitch", "smile", "brow"):
        assert np.abs(np.diff(curve(moments, name))).max() < 0.14
    assert np.abs(np.diff(curve(moments, "mouth"))).max() < 0.6
    shifts = np.array([moment.shift for moment in moments])
    assert np.abs(np.diff(shifts, axis=0)).max() < 1.5
    assert np.abs(shifts).max() < 10


def test_calibration_looks_to_both_sides_with_the_mouth_mostly_closed() -> None:
    moments = calibration(64)
    assert len(moments) == 36
    assert curve(moments, "yaw").min() < -0.5
    assert curve(moments, "yaw").max() > 0.5
    assert np.mean(curve(moments, "mouth") < 0.2) > 0.6
    assert curve(moments, "mouth").max() > 0.5


def test_conversation_talks() -> None:
    moments = conversation(64)
    mouth = curve(moments, "mouth")
    assert len(moments) == 120
    assert np.count_nonzero(np.diff(np.sign(np.diff(mouth)))) >= 8
    assert mouth.max() > 0.6


def test_seed_decides() -> None:
    assert conversation(1) == conversation(1)
    assert conversation(1) != conversation(2)
