from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from livefill.bias import FIRM, Bias
from livefill.geometry import apply, eye_distance
from livefill.types import Affine, Points

FACE = np.asarray(synthetic.face((0, 0)) / eye_distance(synthetic.face()), np.float32)
RANDOM = np.random.default_rng(3)
OFF, OPEN, DRAGGED = (np.asarray(RANDOM.normal(size=(468, 2)), np.float32) for _ in range(3))
OFF, OPEN, DRAGGED = 0.02 * OFF, 0.02 * OPEN, 0.01 * DRAGGED


def placed(turn: float, scale: float, x: float, y: float) -> Affine:
    """Return a similarity."""
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]], np.float32)


def seen(amount: float, to: Affine) -> Points:
    """Return the landmarks of a face whose mouth is so far open, as they are observed."""
    return apply(to, np.asarray(FACE + amount * OPEN, np.float32))


def true(amount: float, to: Affine) -> Points:
    """Return the same, as the witness has them."""
    return apply(to, np.asarray(FACE + amount * (OPEN + DRAGGED) + OFF, np.float32))


def off(bias: Bias, amount: float, to: Affine) -> float:
    """Return by how many eye distances corrected landmarks are off."""
    gap = bias.correct(seen(amount, to)) - true(amount, to)
    return float(np.linalg.norm(gap, axis=1).mean()) / float(np.hypot(*to[:, 0]))


HERE = placed(0.2, 90, 300, 200)
AMOUNTS = np.linspace(-4, 4, 41)
BIAS = Bias.of([seen(a, HERE) for a in AMOUNTS], [true(a, HERE) for a in AMOUNTS])


@given(
    turn=st.floats(-0.8, 0.8),
    scale=st.floats(20, 400),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    amount=st.floats(-4, 4),
)
def test_what_was_learned_holds_wherever_the_face_is(
    turn: float, scale: float, x: float, y: float, amount: float
) -> None:
    there = placed(turn, scale, x, y)
    assert off(BIAS, 0, HERE) < 0.003
    assert off(BIAS, amount, there) < 0.006
    before = np.linalg.norm(seen(amount, there) - true(amount, there), axis=1).mean() / scale
    assert before > 0.02


def test_the_slope_needs_a_face_that_moves() -> None:
    few = Bias.of([seen(a, HERE) for a in (0, 0.01)], [true(a, HERE) for a in (0, 0.01)])
    assert np.abs(few.slope).max() < 0.05 * np.abs(BIAS.slope).max()
    assert off(few, 0, HERE) < 0.003


def test_a_slope_is_as_steep_as_its_frames_are_many() -> None:
    """Ridge regression: with FIRM squared eye distances of motion, half of the slope."""
    total = float((AMOUNTS**2).sum() * (OPEN**2).sum())
    kept = float((BIAS.slope * DRAGGED).sum() / (DRAGGED**2).sum()) * float(np.linalg.norm(OPEN))
    assert abs(kept) == pytest.approx(total / (total + FIRM), rel=0.05)


def test_beyond_what_was_seen_nothing_more_is_added() -> None:
    far = BIAS.correct(seen(8, HERE)) - seen(8, HERE)
    edge = BIAS.correct(seen(4, HERE)) - seen(4, HERE)
    assert np.linalg.norm(far, axis=1).mean() < 1.2 * np.linalg.norm(edge, axis=1).mean()


def test_one_frame_teaches_a_constant() -> None:
    one = Bias.of([seen(0, HERE)], [true(0, HERE)])
    assert off(one, 0, placed(-0.3, 50, 10, 20)) < 1e-4
    assert not one.slope.any()


@pytest.mark.parametrize(("observed", "witnessed"), [([], []), ([FACE], []), ([FACE], [FACE, FACE])])
def test_frames_that_only_one_has_seen_teach_nothing(observed: list[Points], witnessed: list[Points]) -> None:
    with pytest.raises(ValueError, match="each seen by both"):
        Bias.of(observed, witnessed)


def test_what_is_written_is_what_is_read() -> None:
    again = Bias.read(BIAS.fields, BIAS.reach)
    assert np.array_equal(again.correct(seen(1, HERE)), BIAS.correct(seen(1, HERE)))


@pytest.mark.parametrize(
    ("fields", "reach"),
    [
        (np.zeros((3, 468, 2)), 1.0),
        (np.full((4, 468, 2), np.nan), 1.0),
        (np.zeros((4, 468, 2)), -1.0),
        (np.zeros((4, 468, 2)), np.inf),
    ],
)
def test_a_damaged_one_is_refused(fields: NDArray[Any], reach: float) -> None:
    with pytest.raises(ValueError, match="damaged"):
        Bias.read(fields, reach)
