from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.matte import only_strange, sharpen
from livefill.types import RGB, Mask

SIDE = 64


def two_sides(edge: int, dark: int = 40, bright: int = 190) -> RGB:
    picture = np.full((SIDE, SIDE, 3), dark, np.uint8)
    picture[:, edge:] = bright
    return picture


def ramp(middle: float, width: float) -> Mask:
    """A mask that rises slowly around a column."""
    across = np.clip((np.arange(SIDE) - middle) / width + 0.5, 0, 1)
    return np.tile(across.astype(np.float32), (SIDE, 1))


@pytest.mark.parametrize("off", [-2, 0, 2])
def test_the_edge_moves_to_the_edge_in_the_picture(off: int) -> None:
    sharp = sharpen(ramp(32 + off, 6), two_sides(32))
    row = sharp[SIDE // 2]
    crossing = int(np.argmax(row > 0.5))
    assert abs(crossing - 32) <= 1


def test_the_edge_becomes_steeper() -> None:
    soft = ramp(32, 10)
    sharp = sharpen(soft, two_sides(32))
    assert ((sharp > 0.1) & (sharp < 0.9)).sum() < 0.6 * ((soft > 0.1) & (soft < 0.9)).sum()


@given(value=st.floats(0, 1), seed=st.integers(0, 100))
def test_what_is_the_same_everywhere_stays_on_its_side(value: float, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    sharp = sharpen(np.full((SIDE, SIDE), value, np.float32), picture)
    assert sharp.dtype == np.float32
    assert sharp.min() >= 0
    assert sharp.max() <= 1
    assert np.ptp(sharp) < 1e-2
    assert (sharp.mean() > 0.5) == (value > 0.5) or abs(value - 0.5) < 1e-3


def test_a_small_hole_in_noise_is_no_reason_for_another_mask() -> None:
    disc = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(disc, (32, 32), 16, (1.0,), -1)
    noisy = np.clip(np.random.default_rng(0).normal(120, 4, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    sharp = sharpen(disc, noisy)
    assert ((sharp > 0.5) == (disc > 0.5)).mean() > 0.97


# --- what is as expected ----------------------------------------------------------------------------------------------


def test_beside_the_face_only_what_looks_strange_is_covered() -> None:
    reference = synthetic.person().references[0]
    hand = synthetic.block(reference.image.shape, (0, 60, 110, 200))
    seen = synthetic.covered(reference.image, hand)
    everywhere = np.ones(seen.shape[:2], np.float32)
    mask = only_strange(everywhere, seen, reference.image, reference.points)
    assert mask[100, 30] > 0.9  # the hand
    assert mask[20, 230] < 0.1  # the wall, as it was
    middle = reference.points.mean(0).astype(int)
    assert mask[middle[1], middle[0]] > 0.9  # over the face the network is believed


def test_another_light_is_nothing_strange() -> None:
    reference = synthetic.person().references[0]
    lit = np.clip(reference.image.astype(int) + 25, 0, 255).astype(np.uint8)
    mask = np.zeros(lit.shape[:2], np.float32)
    mask[:40] = 1
    assert only_strange(mask, lit, reference.image, reference.points)[:30].max() < 0.1


def test_what_does_not_reach_over_the_face_is_left_alone() -> None:
    reference = synthetic.person().references[0]
    lamp = synthetic.block(reference.image.shape, (5, 5, 40, 40))
    seen = synthetic.covered(reference.image, lamp)
    assert not only_strange(lamp, seen, reference.image, reference.points).any()


def test_an_empty_mask_stays_empty() -> None:
    reference = synthetic.person().references[0]
    empty = np.zeros(reference.image.shape[:2], np.float32)
    assert not only_strange(empty, reference.image, reference.image, reference.points).any()
