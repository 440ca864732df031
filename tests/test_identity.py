from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill.identity import likeness
from livefill.occluder import compare
from livefill.profile import Reference
from livefill.tracking.observing import RECOGNISED, STRANGER
from livefill.types import RGB, Mask
from livefill.zones import Zones

REFERENCE: Reference = synthetic.person().references[0]
ZONES = Zones.of(REFERENCE.points, (256, 256))
INSIDE = np.ones((256, 256), np.float32)
NOTHING = np.zeros((256, 256), np.float32)


def like(image: RGB, mask: Mask = NOTHING) -> float:
    return likeness(compare(image, REFERENCE.image, ZONES, inside=INSIDE, mask=mask))


def somebody(seed: int) -> RGB:
    """The outline and colours of the person, with features that are smooth and random."""
    noise = np.random.default_rng(seed).normal(0, 1, (32, 32, 1)).astype(np.float32)
    pattern = cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC)[..., None]
    skin = cv2.GaussianBlur(REFERENCE.image, (0, 0), 12).astype(np.float32)
    return np.clip(skin + 18 * pattern, 0, 255).astype(np.uint8)


def test_the_same_picture_is_the_same_person() -> None:
    assert like(REFERENCE.image) > 0.95


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.5, 1.2), tilt=st.floats(-0.4, 0.4), noise=st.floats(0, 6))
def test_light_and_noise_do_not_make_a_stranger(gain: float, tilt: float, noise: float) -> None:
    shade = (gain * (1 + tilt * np.linspace(-0.5, 0.5, 256)))[None, :, None]
    grain = np.random.default_rng(0).normal(0, noise, REFERENCE.image.shape)
    assert like(np.clip(REFERENCE.image * shade + grain, 0, 255).astype(np.uint8)) > RECOGNISED


@pytest.mark.parametrize("box", [(60, 128, 196, 256), (60, 0, 196, 120), (60, 0, 128, 256)])
def test_what_is_covered_says_nothing(box: tuple[int, int, int, int]) -> None:
    hole = synthetic.block((256, 256), box)
    assert like(synthetic.covered(REFERENCE.image, hole), hole) > 0.8


@pytest.mark.parametrize("seed", range(8))
def test_somebody_of_the_same_colours_is_a_stranger(seed: int) -> None:
    assert like(somebody(seed)) < STRANGER


def test_where_hardly_anything_is_seen_nobody_is_recognised() -> None:
    hole = synthetic.block((256, 256), (0, 0, 256, 256))
    hole[60:76, 110:130] = 0
    assert like(synthetic.covered(REFERENCE.image, hole), hole) < RECOGNISED
    assert like(synthetic.covered(REFERENCE.image, NOTHING + 1), NOTHING + 1) == 0
