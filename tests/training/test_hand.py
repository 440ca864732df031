"""The rendered hand: a plausible outline, the skin asked for, the same every time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.occluders.anatomy import HandPose, anatomy, distance
from training.occluders.hand import HandLook, HandPlace, render_hand

SIZE = (120, 96)
UPRIGHT = HandPlace((57, 93), 4.2)
OPEN = HandPose(spread=0.16, bend=(0.05, 0.05, 0.05, 0.05))


def test_open_hand_shows_four_fingers_and_one_palm() -> None:
    _, alpha = render_hand(SIZE, HandLook(pose=OPEN), UPRIGHT)
    fingers = np.count_nonzero(np.diff((alpha[36] > 0.5).astype(int)) == 1)
    palm = np.count_nonzero(np.diff((alpha[67] > 0.5).astype(int)) == 1)
    assert fingers == 4
    assert palm in (1, 2)  # the thumb may stand apart


def test_alpha_is_one_piece_with_a_soft_edge() -> None:
    image, alpha = render_hand(SIZE, HandLook(), UPRIGHT)
    parts, _ = cv2.connectedComponents((alpha > 0.5).astype(np.uint8))
    assert image.shape == (96, 120, 3)
    assert image.dtype == np.uint8
    assert alpha.min() == 0
    assert alpha.max() == 1
    assert parts == 2  # the ground and the hand
    assert 0.15 < alpha.mean() < 0.5
    assert 0.002 < np.mean((alpha > 0.1) & (alpha < 0.9)) < 0.09


def test_render_is_deterministic() -> None:
    first, second = (render_hand(SIZE, HandLook(seed=3), UPRIGHT) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("skin", [(235, 195, 175), (205, 160, 140), (110, 75, 58)])
def test_lit_skin_has_the_colour_asked_for(skin: tuple[int, int, int]) -> None:
    image, alpha = render_hand(SIZE, HandLook(skin=skin), UPRIGHT)
    lit = np.percentile(image[alpha > 0.9], 80, axis=0)
    np.testing.assert_allclose(lit, skin, atol=30)
    assert lit[0] > lit[1] > lit[2]


def test_turn_is_clockwise_and_scale_is_size() -> None:
    def middle(place: HandPlace) -> tuple[float, float]:
        _, alpha = render_hand(SIZE, HandLook(), place)
        return float(alpha.sum()), float((alpha.sum(0) @ np.arange(SIZE[0])) / alpha.sum())

    upright, small = middle(UPRIGHT), middle(HandPlace((57, 93), 2.4))
    turned = middle(HandPlace((57, 93), 4.2, 0.6))
    assert small[0] < 0.5 * upright[0]
    assert turned[1] > upright[1] + 5


def test_hand_outside_the_picture_leaves_nothing() -> None:
    _, alpha = render_hand(SIZE, HandLook(), HandPlace((60, 600), 4.2))
    assert not alpha.any()


def test_distance_has_its_sign() -> None:
    hand = anatomy(HandPose())
    points = np.array([(0, 5, 0), (0, 5, 9), (20, 5, 0)], np.float32)
    inside, before, beside = distance(hand, points)
    assert inside < 0
    assert 6.5 < before < 9
    assert 14 < beside < 18


def test_distance_does_not_depend_on_how_many_are_asked() -> None:
    hand = anatomy(HandPose())
    points = np.random.default_rng(0).uniform(-8, 12, (20_000, 3)).astype(np.float32)
    np.testing.assert_allclose(distance(hand, points)[-50:], distance(hand, points[-50:]), atol=1e-4)
    assert distance(hand, points[:0]).shape == (0,)
