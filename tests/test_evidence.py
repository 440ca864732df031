from __future__ import annotations

import numpy as np
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill.evidence import BIAS, FEATURES, WEIGHTS, colour_odds, features, weigh
from livefill.types import RGB, Mask
from livefill.zones import Zones

SIDE = 96
FACE = Zones.of(synthetic.face((48, 48), 56), (SIDE, SIDE))
NOTHING = np.zeros((SIDE, SIDE), np.float32)


def skin() -> RGB:
    return np.full((SIDE, SIDE, 3), (205, 160, 140), np.uint8)


def box(left: int, top: int, right: int, bottom: int) -> Mask:
    return synthetic.block((SIDE, SIDE), (left, top, right, bottom))


def belief(mask: Mask, surprise: Mask, colour: Mask = NOTHING, turned: float = 0.0) -> Mask:
    return weigh(features(mask, surprise, FACE, colour=colour, turned=turned))


def test_every_feature_has_a_weight() -> None:
    assert features(NOTHING, NOTHING, FACE, colour=NOTHING, turned=0).shape == (SIDE, SIDE, len(FEATURES))
    assert WEIGHTS.shape == (len(FEATURES),)
    assert BIAS < 0


def test_nothing_is_covered_where_nothing_says_so() -> None:
    assert belief(NOTHING, NOTHING).max() < 0.2


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), more=st.floats(0.05, 1))
def test_more_evidence_is_more_belief(seed: int, more: float) -> None:
    random = np.random.default_rng(seed)
    mask, surprise, colour = (random.random((SIDE, SIDE), np.float32) for _ in range(3))
    before = belief(0.9 * mask, 20 * surprise, colour)
    assert (belief(np.minimum(0.9 * mask + 0.1 * more, 1), 20 * surprise, colour) >= before - 1e-4).all()
    assert (belief(0.9 * mask, 20 * (surprise + more), colour) >= before - 1e-4).all()
    assert (belief(0.9 * mask, 20 * surprise, colour + more) >= before - 1e-4).all()


def test_a_finger_that_the_network_has_missed_is_found_by_its_colour_beside_the_hand() -> None:
    hand, finger = box(30, 50, 60, 70), box(40, 38, 46, 50)
    picture = skin()
    picture[(hand + finger) > 0] = (150, 90, 80)
    colour = colour_odds(picture, skin(), hand, FACE).odds
    surprised = 12 * np.maximum(hand, finger)
    assert belief(hand, surprised, colour)[46, 43] > 0.5
    assert belief(hand, surprised)[40, 43] < belief(hand, surprised, colour)[40, 43]
    assert belief(hand, surprised, colour)[40, 70] < 0.2  # a cheek is none


def test_colours_say_nothing_without_an_occluder_and_nothing_where_both_have_them() -> None:
    assert not colour_odds(skin(), skin(), NOTHING, FACE).odds.any()
    same = colour_odds(skin(), skin(), box(30, 50, 60, 70), FACE).odds
    assert np.abs(same).max() < 0.5


def test_odds_of_colours_are_bounded() -> None:
    picture = skin()
    picture[50:70, 30:60] = (10, 200, 30)
    odds = colour_odds(picture, skin(), box(30, 50, 60, 70), FACE).odds
    assert odds[60, 45] == pytest.approx(2.5, abs=0.01)
    assert odds[30, 45] < 0
    assert np.abs(odds).max() <= 2.5
