from __future__ import annotations

import numpy as np
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill.geometry import face_hull, fill_polygon
from livefill.profile import Reference
from livefill.settling import LIMIT, settle, shift

REFERENCE: Reference = synthetic.person().references[0]
ALL = np.ones((256, 256), np.float32)
HOLE = synthetic.block((256, 256), (110, 120, 146, 156))


def test_shift_moves_by_the_displacement() -> None:
    displacement = np.tile(np.float32([3, -2]), (256, 256, 1))
    expected = np.roll(REFERENCE.image, (-2, 3), axis=(0, 1))
    assert np.array_equal(shift(REFERENCE.image, displacement)[5:-5, 5:-5], expected[5:-5, 5:-5])


def test_pictures_that_lie_on_one_another_stay() -> None:
    assert np.abs(settle(REFERENCE.image, REFERENCE.image, ALL, REFERENCE.points)).max() < 0.05


@pytest.mark.parametrize("brightness", [0.5, 1.0, 1.3])
def test_small_error_of_the_warp_is_settled_in_any_light(brightness: float) -> None:
    image, points = synthetic.moved(REFERENCE, synthetic.move(0, 1.0, (2.5, -1.5)))
    lit = np.clip(image * brightness, 0, 255).astype(np.uint8)
    face = fill_polygon((256, 256), face_hull(points)) > 0
    settled = shift(REFERENCE.image, settle(REFERENCE.image, lit, ALL, REFERENCE.points))
    assert synthetic.psnr(settled, image, face) > synthetic.psnr(REFERENCE.image, image, face) + 5


@pytest.mark.parametrize("brightness", [0.6, 1.0, 1.3])
def test_the_edge_of_an_occluder_moves_nothing(brightness: float) -> None:
    lit = np.clip(REFERENCE.image * brightness, 0, 255).astype(np.uint8)
    displacement = settle(REFERENCE.image, synthetic.covered(lit, HOLE), 1 - HOLE, REFERENCE.points)
    assert np.abs(displacement).max() < 0.3


def test_what_is_covered_moves_with_what_is_seen_around_it() -> None:
    image, _ = synthetic.moved(REFERENCE, synthetic.move(0, 1.0, (3, 0)))
    displacement = settle(REFERENCE.image, synthetic.covered(image, HOLE), 1 - HOLE, REFERENCE.points)
    assert displacement[HOLE[2::4, 2::4] > 0].mean(0) == pytest.approx([3, 0], abs=1)


@settings(max_examples=20)
@given(st.integers(0, 50), st.integers(0, 40))
def test_no_displacement_is_larger_than_the_limit(seed: int, there: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)
    found = settle(np.roll(noise, there, 1), noise, np.ones((64, 64), np.float32), REFERENCE.points / 4)
    assert np.abs(found).max() <= LIMIT * 64 + 1e-3
    assert np.isfinite(found).all()


def test_nothing_visible_says_nothing() -> None:
    nothing = np.zeros((256, 256), np.float32)
    found = settle(REFERENCE.image, np.zeros_like(REFERENCE.image), nothing, REFERENCE.points)
    assert np.abs(found).max() < 0.1
