from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill.geometry import apply, grid, invert
from livefill.pyramid import Pyramid, cut
from livefill.types import Affine


def crop_of_scale(scale: float, angle: float, size: int, middle: tuple[float, float]) -> Affine:
    """A crop whose middle shows `middle` of the picture, its pixels 1 / scale apart."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.concatenate([turn, (size / 2 - turn @ middle)[:, None]], 1).astype(np.float32)


@given(
    scale=st.floats(0.08, 1.5),
    angle=st.floats(-0.7, 0.7),
    middle=st.tuples(st.floats(0, 400), st.floats(0, 300)),
)
@settings(max_examples=60, deadline=None)
def test_a_crop_shows_what_lies_there_at_any_scale(scale: float, angle: float, middle: tuple[float, float]) -> None:
    ramp = grid((300, 400))  # every pixel says where it is
    to_crop = crop_of_scale(scale, angle, 32, middle)
    for axis, end in ((0, 399), (1, 299)):
        shown = cut(np.ascontiguousarray(ramp[..., axis]), to_crop, 32)
        wanted = np.clip(apply(invert(to_crop), grid((32, 32)))[..., axis], 0, end)
        # At the picture's border what goes on is a mean of the last few pixels.
        near = (wanted < 2 / scale) | (wanted > end - 2 / scale)
        assert np.abs(shown - wanted)[~near].max(initial=0) < 0.1 / scale
        assert np.abs(shown - wanted).max() < 1.5 / scale + 1


@pytest.mark.parametrize("scale", [0.5, 0.3, 0.25, 0.11])
def test_noise_of_a_picture_much_finer_than_the_crop_is_averaged(scale: float) -> None:
    noise = np.random.default_rng(0).normal(128, 20, (400, 400)).clip(0, 255).astype(np.uint8)
    shown = cut(noise, crop_of_scale(scale, 0.2, 32, (200, 200)), 32)
    assert shown.dtype == np.uint8
    assert shown.std() < 20 * 0.5 * min(1, 2 * scale) * 1.6


def test_a_crop_as_fine_as_the_picture_is_the_picture() -> None:
    image = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    shown = cut(image, np.array([[1, 0, -10], [0, 1, -20]], np.float32), 30)
    assert np.array_equal(shown, image[20:50, 10:40])


@pytest.mark.parametrize("scale", [0.3, 0.1, 0.01, 0.0001])
@pytest.mark.parametrize("middle", [(-900, 100), (5000, 100), (100, -700), (100, 4000)])
def test_a_crop_beside_the_picture_shows_how_it_ends(middle: tuple[float, float], scale: float) -> None:
    image = np.random.default_rng(2).integers(0, 255, (101, 101, 3), np.uint8)
    shown = cut(image, crop_of_scale(scale, 0, 16, middle), 16)
    assert shown.shape == (16, 16, 3)


@pytest.mark.parametrize("shape", [(240, 320, 3), (241, 323, 3), (241, 323)])
def test_crops_that_share_halves_are_those_cut_alone(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(3).integers(0, 255, shape, np.uint8)
    before, shared = image.copy(), Pyramid(image)
    for scale in (0.2, 0.9, 0.4, 0.2):
        to_crop = crop_of_scale(scale, 0.3, 24, (150, 110))
        shown = shared.cut(to_crop, 24)
        assert shown.shape == (24, 24, *shape[2:])
        assert np.array_equal(shown, cut(image, to_crop, 24))
    assert np.array_equal(image, before)


def test_colours_stay_in_their_channels_at_every_level() -> None:
    image = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    for scale in (1.0, 0.4, 0.1):
        assert np.array_equal(cut(image, crop_of_scale(scale, 0.1, 8, (32, 32)), 8), image[:8, :8])
