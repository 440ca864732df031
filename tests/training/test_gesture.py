"""The hand that comes and goes, and its shadow."""

from __future__ import annotations

import numpy as np

from training.occluders.gesture import SPAN, cover, hand_at, over_the_mouth
from training.occluders.hand import HandLook, HandPlace

MOUTH, SCALE = (480.0, 540.0), 27.0
COUNT = 120


def test_first_and_last_frames_are_free() -> None:
    there = [over_the_mouth(n, MOUTH, SCALE) is not None for n in range(COUNT)]
    assert not any(there[:10])
    assert not any(there[-10:])
    assert sum(there[SPAN[1] : SPAN[2]]) >= 55  # about two seconds


def test_hand_comes_from_below_without_a_jerk() -> None:
    places = [over_the_mouth(n, MOUTH, SCALE) for n in range(SPAN[0] + 1, SPAN[3])]
    wrists = np.array([place.wrist for place in places if place is not None])
    assert wrists[0, 1] > 1150
    assert wrists[-1, 1] > 1150
    assert np.abs(np.diff(wrists, 2, axis=0)).max() < 14
    assert np.ptp(wrists[25:70], axis=0).min() > 5  # it does not stand still


def test_pose_stays_a_hand() -> None:
    for n in range(COUNT):
        pose = hand_at(n)
        assert 0 < pose.spread < 0.15
        assert all(0.1 < bend < 0.6 for bend in pose.bend)


def test_cover_changes_the_picture_only_near_the_hand() -> None:
    picture = np.full((150, 200, 3), 150, np.float32)
    covered, alpha = cover(picture, HandLook((200, 150, 130)), HandPlace((40, 145), 4.2), (0, 0))
    free = alpha == 0
    assert alpha.max() == 1
    assert (covered[free] <= 150 + 1e-3).all()  # a shadow only darkens
    assert covered[free].min() < 130
    np.testing.assert_allclose(covered[:12, -20:], 150, atol=0.5)


def test_fast_hand_is_blurred_along_its_way() -> None:
    picture = np.zeros((90, 120, 3), np.float32)
    place = HandPlace((60, 82), 3.6)
    _, still = cover(picture, HandLook(), place, (0, 0))
    _, fast = cover(picture, HandLook(), place, (24, 0))
    assert np.mean((fast > 0.05) & (fast < 0.95)) > 2 * np.mean((still > 0.05) & (still < 0.95))
    np.testing.assert_allclose(fast.sum(), still.sum(), rtol=0.05)
