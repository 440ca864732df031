from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from livefill.composite import feather, paste
from livefill.types import Affine, Frame, Patch

WIDTH, HEIGHT = 40, 30

pictures = hnp.arrays(np.uint8, (HEIGHT, WIDTH, 3))
alphas = hnp.arrays(np.float32, (12, 16), elements=st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0]))
placements = st.tuples(st.integers(-25, 50), st.integers(-20, 40))


def at(left: float, top: float) -> Affine:
    return np.array([[1, 0, left], [0, 1, top]], np.float32)


def frame_of(image: np.ndarray) -> Frame:
    return Frame(7, 1.25, image)


def blended(frame: np.ndarray, image: np.ndarray, alpha: np.ndarray, left: int, top: int) -> np.ndarray:
    """The plain way: pixel by pixel."""
    out = frame.astype(np.float64)
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            if 0 <= top + y < HEIGHT and 0 <= left + x < WIDTH:
                here = out[top + y, left + x]
                out[top + y, left + x] = alpha[y, x] * image[y, x] + (1 - alpha[y, x]) * here
    return out


# --- paste ------------------------------------------------------------------------------------------------------------


def test_without_a_patch_the_frame_itself_comes_back() -> None:
    frame = frame_of(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    assert paste(frame, None) is frame


@given(pictures, alphas, placements)
def test_pasted_is_blended_and_nothing_else_changes(
    image: np.ndarray, alpha: np.ndarray, place: tuple[int, int]
) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    before = image.copy()
    frame = frame_of(image)
    shown = paste(frame, Patch(colours, alpha, at(*place)))
    assert np.array_equal(frame.image, before)  # the camera's picture is not written into
    assert (shown.seq, shown.time) == (frame.seq, frame.time)
    assert shown.image.dtype == np.uint8
    assert shown.image.shape == image.shape
    assert np.abs(shown.image - blended(image, colours, alpha, *place)).max() <= 1
    covered = blended(np.zeros_like(image), np.ones_like(colours), alpha, *place) > 0
    assert np.array_equal(shown.image[~covered], image[~covered])


@pytest.mark.parametrize("place", [(-16, 0), (0, -12), (WIDTH, 0), (0, HEIGHT), (-500, 900)])
def test_patch_wholly_outside_changes_nothing(place: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    patch = Patch(np.full((12, 16, 3), 255, np.uint8), np.ones((12, 16), np.float32), at(*place))
    assert np.array_equal(paste(frame_of(image), patch).image, image)


def test_patch_larger_than_the_frame_is_cut() -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    large = np.random.default_rng(2).integers(0, 255, (3 * HEIGHT, 3 * WIDTH, 3), np.uint8)
    shown = paste(frame_of(image), Patch(large, np.ones(large.shape[:2], np.float32), at(-WIDTH, -HEIGHT)))
    assert np.array_equal(shown.image, large[HEIGHT : 2 * HEIGHT, WIDTH : 2 * WIDTH])


@pytest.mark.parametrize("to_frame", [synthetic.move(20, 1.4, (3, 2), about=10), at(5.5, 3.25)])
def test_patch_may_be_turned_and_scaled(to_frame: Affine) -> None:
    image = np.full((HEIGHT, WIDTH, 3), 50, np.uint8)
    alpha = np.zeros((20, 20), np.float32)
    alpha[4:16, 4:16] = 1
    shown = paste(frame_of(image), Patch(np.full((20, 20, 3), 200, np.uint8), alpha, to_frame))
    expected = cv2.warpAffine(alpha, to_frame, (WIDTH, HEIGHT))
    assert np.abs(shown.image[..., 0] - (50 + 150 * expected)).max() <= 2
    assert np.array_equal(shown.image[expected == 0], image[expected == 0])


def test_turned_patch_has_no_dark_rim() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    patch = Patch(np.full((12, 12, 3), 255, np.uint8), np.ones((12, 12), np.float32), synthetic.move(30, 1.2, about=8))
    assert paste(frame_of(image), patch).image.min() >= 254


# --- feather ----------------------------------------------------------------------------------------------------------


@given(st.floats(0, 6), st.floats(0.5, 10))
def test_feather_falls_from_the_hole_outwards(grow: float, soft: float) -> None:
    mask = synthetic.block((80, 80), (30, 30, 50, 50))
    alpha = feather(mask, grow=grow, soft=soft)
    assert alpha.dtype == np.float32
    assert alpha.shape == mask.shape
    assert alpha.min() >= 0
    assert alpha.max() <= 1 + 1e-6
    assert alpha[mask > 0].min() > 0.7
    outwards = alpha[40, 49:]
    assert (np.diff(outwards) <= 1e-6).all()
    assert not alpha[:, 76:].any()  # far away is untouched


@given(st.floats(0, 5), st.floats(1, 8))
def test_a_larger_hole_is_never_filled_less(grow: float, soft: float) -> None:
    small, large = (synthetic.block((80, 80), (30, 30, edge, 50)) for edge in (45, 52))
    assert (feather(large, grow=grow, soft=soft) >= feather(small, grow=grow, soft=soft) - 1e-6).all()


def test_growing_reaches_further_and_no_hole_gives_no_alpha() -> None:
    mask = synthetic.block((80, 80), (30, 30, 50, 50))
    assert feather(mask, grow=6, soft=3).sum() > feather(mask, grow=1, soft=3).sum() > mask.sum()
    assert not feather(np.zeros_like(mask), grow=6, soft=3).any()
