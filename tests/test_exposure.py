"""What changes is averaged, and what moves loses the detail that is in doubt; eyes do not, nor a face that rests."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from livefill.exposure import SHUTTER, Exposure, agreement
from livefill.geometry import EYES, near_eyes
from livefill.types import Inputs, Mask

SIZE = 256
POINTS = synthetic.face((SIZE / 2, SIZE / 2), 0.44 * SIZE)
HOLE = synthetic.block((SIZE, SIZE), (80, 60, 180, 220))
STEP = 1 / 30
Floats = NDArray[np.float32]


def noise(seed: int) -> Floats:
    return np.random.default_rng(seed).random((SIZE, SIZE, 3), np.float32)


def going(
    *, doubt: float = 1.0, motion: tuple[float, float] = (0, 0), frames: int = 60, fill: Floats | None = None
) -> Exposure:
    """Return the exposure of a face that has moved so far, in its widths, from each frame to the next."""
    fill = noise(0) if fill is None else fill
    one = Exposure.of(fill, HOLE, POINTS, 1 - doubt)
    for _ in range(frames):
        one = one.then(fill, HOLE, POINTS, 1 - doubt, seconds=STEP, moved=motion)
    return one


def roughness(picture: Floats, where: Mask) -> float:
    return float(np.abs(np.diff(picture, axis=1))[where[:, 1:] > 0].mean())


def eyes() -> Mask:
    middles = [POINTS[list(eye)].mean(0).astype(int) for eye in EYES]
    mask = np.zeros((SIZE, SIZE), np.float32)
    for x, y in middles:
        mask[y - 1 : y + 2, x - 4 : x + 5] = 1
    return mask


def chin() -> Mask:
    return synthetic.block((SIZE, SIZE), (104, 170, 152, 200))


def test_a_fill_that_changes_is_averaged_with_the_one_before() -> None:
    first = Exposure.of(np.zeros((SIZE, SIZE, 3), np.float32), HOLE, POINTS, 1.0)
    second = first.then(np.ones((SIZE, SIZE, 3), np.float32), HOLE, POINTS, 1.0, seconds=STEP, moved=(0, 0))
    assert second.shown()[chin() > 0] == pytest.approx(1 - np.exp(-STEP / SHUTTER), abs=0.01)


@given(seconds=st.floats(0.005, 0.25))
def test_what_is_averaged_is_a_matter_of_time_and_not_of_frames(seconds: float) -> None:
    black, white = (np.full((SIZE, SIZE, 3), v, np.float32) for v in (0, 1))
    once = Exposure.of(black, HOLE, POINTS, 1.0).then(white, HOLE, POINTS, 1.0, seconds=seconds, moved=(0, 0))
    twice = Exposure.of(black, HOLE, POINTS, 1.0)
    for _ in range(2):
        twice = twice.then(white, HOLE, POINTS, 1.0, seconds=seconds / 2, moved=(0, 0))
    assert once.fill[chin() > 0] == pytest.approx(twice.fill[chin() > 0], abs=1e-3)


def test_what_was_no_fill_before_is_not_averaged() -> None:
    ghost = Exposure.of(np.zeros((SIZE, SIZE, 3), np.float32), 1 - HOLE, POINTS, 1.0)
    shown = ghost.then(np.ones((SIZE, SIZE, 3), np.float32), HOLE, POINTS, 1.0, seconds=STEP, moved=(0, 0)).shown()
    assert shown[HOLE > 0].min() > 0.999


def test_eyes_are_not_averaged() -> None:
    first = Exposure.of(np.zeros((SIZE, SIZE, 3), np.float32), HOLE, POINTS, 1.0)
    second = first.then(np.ones((SIZE, SIZE, 3), np.float32), HOLE, POINTS, 1.0, seconds=STEP, moved=(0, 0))
    assert second.fill[eyes() > 0].min() > 0.9


def test_the_map_of_the_eyes_lies_on_them() -> None:
    fine = 1 - near_eyes(POINTS, SIZE)
    where, wanted = (np.argwhere(mask < 0.9).mean(0) for mask in (going(frames=0).loose, fine))
    assert where == pytest.approx(wanted, abs=0.8)  # it is four times as coarse


def test_a_face_that_rests_keeps_its_detail() -> None:
    one = going()
    assert np.array_equal(one.shown(), one.fill)
    assert one.trusted(HOLE) == pytest.approx(HOLE)


def test_a_face_that_moves_loses_detail_and_its_eyes_do_not() -> None:
    one, still = going(motion=(0.01, 0.005)), going()
    assert roughness(one.shown(), chin()) < 0.8 * roughness(still.shown(), chin())
    assert roughness(one.shown(), eyes()) > 0.95 * roughness(still.shown(), eyes())
    trust = one.trusted(np.ones((SIZE, SIZE), np.float32))
    assert trust[chin() > 0].max() < 0.1
    assert trust[eyes() > 0].min() > 0.9


def test_detail_that_lies_where_it_should_stays() -> None:
    one, still = going(motion=(0.01, 0.005), doubt=0.0), going()
    assert roughness(one.shown(), chin()) == pytest.approx(roughness(still.shown(), chin()))
    assert one.trusted(HOLE) == pytest.approx(HOLE)


def test_landmarks_that_tremble_are_no_motion() -> None:
    one = Exposure.of(noise(0), HOLE, POINTS, 0.0)
    for i in range(60):
        one = one.then(noise(0), HOLE, POINTS, 0.0, seconds=STEP, moved=(0.003 * (-1) ** i, 0))
    assert one.trusted(HOLE)[chin() > 0].min() > 0.7


def test_what_is_blurred_once_is_not_blurred_again() -> None:
    assert np.abs(going(motion=(0.01, 0)).fill - noise(0)).max() < 1e-4


def test_the_light_of_a_fill_stays() -> None:
    plain = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    assert going(motion=(0.02, 0), fill=plain).shown() == pytest.approx(plain, abs=1e-4)


# --- agreement --------------------------------------------------------------------------------------------------------


MOUTH = synthetic.block((SIZE, SIZE), (80, 150, 180, 220))


def seen(crop: Floats, expected: Floats, hole: Mask = MOUTH) -> Inputs:
    return {"crop": crop, "expected": expected, "mask": hole}


def test_detail_that_is_as_expected_agrees_in_any_light() -> None:
    assert agreement(seen(noise(1), 0.5 * noise(1) + 0.2), POINTS) == pytest.approx(1, abs=1e-3)


def test_detail_that_lies_elsewhere_does_not() -> None:
    moved = np.roll(noise(1), 7, axis=1)
    assert agreement(seen(noise(1), moved), POINTS) == pytest.approx(0, abs=0.15)
    assert agreement(seen(noise(1), 1 - noise(1)), POINTS) == 0


def test_what_is_covered_or_beside_the_face_says_nothing() -> None:
    other = noise(2)
    face = synthetic.block((SIZE, SIZE), (60, 40, 196, 220))[..., None]
    crop = np.where((MOUTH[..., None] > 0) | (face == 0), other, noise(1))
    assert agreement(seen(crop, noise(1)), POINTS) == pytest.approx(1, abs=0.02)


def test_where_too_little_is_seen_nothing_is_said() -> None:
    assert agreement(seen(noise(1), noise(1), np.ones((SIZE, SIZE), np.float32)), POINTS) is None
    unknown = Exposure.of(noise(0), HOLE, POINTS, None)
    assert 0 < unknown.doubt < 1
    assert unknown.then(noise(0), HOLE, POINTS, None, seconds=STEP, moved=(0, 0)).doubt == unknown.doubt
