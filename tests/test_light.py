"""The light of a crop, measured around its hole."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic
from numpy.typing import NDArray

from livefill.light import Light, measure
from livefill.types import Mask

SIZE, HOLE = 128, (60, 70, 120, 130)
Floats = NDArray[np.float32]


def scene(*, light: float = 0.0, box: tuple[int, int, int, int] = HOLE) -> tuple[Floats, Floats, Mask]:
    """Return a crop in a light of its own, what is expected there, and the hole, which shows something blue."""
    points = synthetic.face((SIZE / 2, SIZE / 2), 0.44 * SIZE)
    expected = synthetic.picture(points, (SIZE, SIZE)).astype(np.float32) / 255
    return covered(np.clip(expected + np.float32(light), 0, 1), box), expected, synthetic.block((SIZE, SIZE), box)


def covered(crop: Floats, box: tuple[int, int, int, int] = HOLE) -> Floats:
    return np.where(synthetic.block((SIZE, SIZE), box)[..., None] > 0, np.float32([0.1, 0.2, 0.8]), crop)


def lit(crop: Floats, expected: Floats, hole: Mask) -> Floats:
    return measure(crop, expected, hole, None).on(expected)


@pytest.mark.parametrize("light", [0.0, 0.08, -0.08])
def test_what_is_expected_gets_the_light_around_the_hole(light: float) -> None:
    crop, expected, hole = scene(light=light)
    inside = hole > 0
    assert lit(crop, expected, hole)[inside] == pytest.approx(np.clip(expected + light, 0, 1)[inside], abs=0.02)


def test_light_from_one_side_goes_on_through_the_hole() -> None:
    _, expected, hole = scene()
    ramp = np.linspace(-0.08, 0.08, SIZE, dtype=np.float32)[None, :, None]
    inside = hole > 0
    found = lit(covered(np.clip(expected + ramp, 0, 1)), expected, hole)
    assert found[inside] == pytest.approx((expected + ramp)[inside], abs=0.05)
    assert np.abs(found - expected - ramp)[inside].mean() < 0.01


def off(truth: Floats, expected: Floats, hole: Mask) -> float:
    """Return which share of the difference in the hole is left once light was measured."""
    inside = hole > 0
    left, before = (np.abs(one - truth)[inside].mean() for one in (lit(covered(truth), expected, hole), expected))
    return float(left / before)


@pytest.mark.parametrize("lamp", [(0.4, 1.2), (1.4, 0.6)])
def test_a_lamp_that_shines_from_another_side_multiplies(lamp: tuple[float, float]) -> None:
    _, expected, hole = scene()
    slope = np.linspace(*lamp, SIZE, dtype=np.float32)[None, :, None]
    assert off(np.clip(expected * slope, 0, 1), expected, hole) < 0.25


@pytest.mark.parametrize("saturation", [0.5, 1.5])
def test_a_camera_with_other_colours_is_followed(saturation: float) -> None:
    _, expected, hole = scene()
    gray = expected.mean(-1, keepdims=True)
    assert off(np.clip(gray + saturation * (expected - gray), 0, 1), expected, hole) < 0.25


def test_where_everything_is_in_another_light_that_is_no_outlier() -> None:
    """A milky reference under a dim and slanted lamp: far from the truth everywhere, which is no reason to give up."""
    _, truth, hole = scene()
    slope = np.linspace(0.8, 0.35, SIZE, dtype=np.float32)[None, :, None]
    assert off(truth, 0.25 + 0.4 * truth * slope, hole) < 0.25


@pytest.mark.parametrize("gain", [(0.5, 0.5, 0.5), (1.5, 1.2, 0.9), (0.35, 0.4, 0.5)])
def test_another_day_s_light_is_taken_over(gain: tuple[float, ...]) -> None:
    _, expected, hole = scene()
    assert off(np.clip(expected * np.array(gain, np.float32), 0, 1), expected, hole) < 0.25


def test_with_nothing_to_see_the_light_stays_as_it_was() -> None:
    crop, expected, hole = scene(box=(0, 0, 999, 999))
    assert lit(crop, expected, hole) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("box", [(0, 0, 999, 999), (0, 0, 0, 0), (0, 0, 5, 999)])
def test_any_hole_has_a_light(box: tuple[int, int, int, int]) -> None:
    found = lit(*scene(light=0.3, box=box))
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1


def test_what_is_in_the_hole_does_not_matter() -> None:
    crop, expected, hole = scene(light=0.1)
    other = np.where(hole[..., None] > 0, np.random.default_rng(0).random(crop.shape, np.float32), crop)
    assert np.abs(lit(crop, expected, hole) - lit(other, expected, hole)).max() < 0.01


def test_light_that_jumps_is_followed_steadily() -> None:
    before, after = scene(), scene(light=0.1)
    inside, light, means = before[2] > 0, None, []
    for crop, expected, hole in [before] * 3 + [after] * 15:
        light = measure(crop, expected, hole, light)
        means.append(float(light.on(expected)[inside].mean()))
    assert (np.diff(means[2:]) > -1e-4).all()
    assert means[3] - means[2] < 0.8 * (means[-1] - means[2])  # no flicker by a single frame
    assert means[-1] - means[2] == pytest.approx(0.1, abs=0.03)


def test_the_light_is_the_same_for_the_picture_in_any_size() -> None:
    crop, expected, hole = scene(light=0.1)
    light: Light = measure(crop, expected, hole, None)
    half = expected[::2, ::2]
    assert np.abs(light.on(expected)[::2, ::2] - light.on(half)).max() < 0.01
