from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic

from livefill.alignment import blur, follow, gray, harmonise
from livefill.geometry import apply
from livefill.profile import Reference

REFERENCE: Reference = synthetic.person().references[0]
ALL = np.ones((256, 256), np.float32)


# --- follow -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("degrees", "scale", "there"), [(0, 1.0, (5, -3)), (4, 1.0, (0, 0)), (-3, 1.05, (4, 6))])
def test_points_are_followed_by_what_is_seen_of_them(degrees: float, scale: float, there: tuple[float, float]) -> None:
    by = synthetic.move(degrees, scale, there)
    image, points = synthetic.moved(REFERENCE, by)
    found = follow(gray(REFERENCE.image), gray(image), REFERENCE.points)
    assert found is not None
    assert np.linalg.norm(apply(found, REFERENCE.points) - points, axis=1).max() < 1.5


def test_points_that_go_with_something_else_have_no_say() -> None:
    by = synthetic.move(0, 1.0, (6, 0))
    image, points = synthetic.moved(REFERENCE, by)
    sheet = synthetic.block((256, 256), (95, 130, 165, 200))  # stands still, before the moving face
    before, now = (synthetic.covered(picture, sheet) for picture in (REFERENCE.image, image))
    found = follow(gray(before), gray(now), REFERENCE.points)
    assert found is not None
    assert np.linalg.norm(apply(found, REFERENCE.points) - points, axis=1).max() < 1.5


@pytest.mark.parametrize("seed", range(6))
def test_a_head_is_never_followed_into_a_point(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 4 if seed % 2 else 255, (256, 256), np.uint8)
    for now in (noise, np.zeros_like(noise)):
        found = follow(gray(REFERENCE.image), now, REFERENCE.points)
        assert found is None or 0.4 < np.hypot(*found[:, 0]) < 2.5


def test_too_few_points_are_not_followed() -> None:
    assert follow(gray(REFERENCE.image), gray(REFERENCE.image), REFERENCE.points[:20]) is None
    assert follow(gray(REFERENCE.image), gray(REFERENCE.image), REFERENCE.points[:0]) is None


# --- light ------------------------------------------------------------------------------------------------------------


def ycrcb(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float32)


def light(seen: np.ndarray, expected: np.ndarray, weight: np.ndarray = ALL) -> np.ndarray:
    return harmonise(seen, expected, weight, reach=20, bound=(25, 8, 8))


@pytest.mark.parametrize("change", [(20, 0, 0), (-20, 3, -3), (0, 6, 6)])
def test_new_light_is_found(change: tuple[float, ...]) -> None:
    seen = ycrcb(REFERENCE.image)
    offset = light(seen + np.float32(change), seen)
    assert np.abs(offset - np.float32(change)).max() < 1.5


def test_a_large_occluder_is_no_new_light() -> None:
    seen = ycrcb(REFERENCE.image)
    hidden = synthetic.covered(REFERENCE.image, synthetic.block((256, 256), (70, 70, 190, 130)))
    offset = light(ycrcb(hidden), seen)
    assert np.abs(offset[150:]).max() < 3


def test_blur_keeps_what_is_even() -> None:
    even = np.full((90, 120), 7, np.float32)
    for sigma in (0.7, 3.0, 12.0, 60.0):
        assert blur(even, sigma) == pytest.approx(even, abs=1e-3)
        assert blur(even, sigma).shape == even.shape


@pytest.mark.parametrize("sigma", [2.0, 12.0])
def test_blur_spreads_without_loss(sigma: float) -> None:
    dot = np.zeros((201, 201), np.float32)
    dot[100, 100] = 1000
    blurred = blur(dot, sigma)
    assert blurred.sum() == pytest.approx(1000, rel=0.1)
    assert blurred.max() == pytest.approx(1000 / (2 * np.pi * sigma**2), rel=0.35)


# --- features ---------------------------------------------------------------------------------------------------------


def test_head_is_found_by_its_features_or_not_at_all() -> None:
    rng = np.random.default_rng(1)
    textured = cv2.resize(rng.integers(0, 255, (64, 64, 3), np.uint8), (256, 256), interpolation=cv2.INTER_CUBIC)
    known = Reference(textured, REFERENCE.points, REFERENCE.depth)
    by = synthetic.move(15, 0.9, (12, -7))
    image, points = synthetic.moved(known, by)
    found = known.features.find(image)
    assert found is not None
    assert np.linalg.norm(apply(found, known.points) - points, axis=1).max() < 4
    assert known.features.find(np.zeros_like(image)) is None
