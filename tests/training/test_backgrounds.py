"""Pictures without a face."""

from __future__ import annotations

import numpy as np
import pytest

from training.backgrounds import SCENES, background


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", [(320, 320), (97, 61), (64, 200)])
def test_a_scene_fills_the_picture_at_any_size(scene: str, size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    for _ in range(4):
        picture = background(size, random, scene=scene)
        assert picture.shape == (size[1], size[0], 3)
        assert picture.dtype == np.uint8
        assert picture.flags.c_contiguous
        assert picture.std() > 0.5


def test_a_seed_gives_the_same_picture_and_another_gives_another() -> None:
    pictures = [background((80, 80), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).mean() > 0.5


def test_pictures_differ_in_light_colour_and_detail() -> None:
    random = np.random.default_rng(3)
    pictures = np.array([background((64, 64), random) for _ in range(60)], np.float32)
    means = pictures.mean((1, 2))
    details = np.abs(np.diff(pictures, axis=2)).mean((1, 2, 3))
    assert means.mean(1).std() > 30
    assert (means[:, 0] - means[:, 2]).std() > 10
    assert np.percentile(details, 90) > 3 * np.percentile(details, 10)
