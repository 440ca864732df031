"""What the filler relies on, whichever session it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import there

from livefill.backends import BACKENDS, open_session
from livefill.drawing import draw_landmarks
from livefill.types import Inputs, Session

HOLE = (60, 70, 120, 130)


@pytest.fixture(params=BACKENDS, scope="module")
def session(request: pytest.FixtureRequest) -> Session:
    there(request.param)
    return open_session(request.param)


def inputs_of(session: Session, *, light: float = 0.0, box: tuple[int, int, int, int] = HOLE) -> dict[str, Any]:
    size = session.spec.size
    points = synthetic.face((size / 2, size / 2), session.spec.face_share * size)
    expected = synthetic.picture(points, (size, size)).astype(np.float32) / 255
    crop = np.clip(expected + np.float32(light), 0, 1)
    mask = synthetic.block((size, size), box)
    crop[mask > 0] = (0.1, 0.2, 0.8)
    drawing = draw_landmarks(points, size)
    bank = session.remember([{"crop": expected, "drawing": drawing}])
    return {"crop": crop, "expected": expected, "mask": mask, "drawing": drawing, "bank": bank}


def fill(session: Session, inputs: Inputs) -> np.ndarray:
    return session.step(inputs, session.initial_state())[0]["fill"]


def test_fill_is_a_picture_of_the_crop(session: Session) -> None:
    inputs = inputs_of(session, light=0.3)
    outputs, _ = session.step(inputs, session.initial_state())
    assert outputs["fill"].shape == inputs["crop"].shape
    assert outputs["trust"].shape == inputs["mask"].shape
    for tensor in outputs.values():
        assert tensor.dtype == np.float32
        assert tensor.min() >= 0
        assert tensor.max() <= 1


@settings(max_examples=20)
@given(st.integers(0, 2**16))
def test_what_is_in_the_hole_does_not_matter(session: Session, seed: int) -> None:
    one, other = inputs_of(session), inputs_of(session)
    hole = one["mask"] > 0
    other["crop"][hole] = np.random.default_rng(seed).random((int(hole.sum()), 3), np.float32)
    assert np.abs(fill(session, one) - fill(session, other)).max() < 0.01


@pytest.mark.parametrize("box", [(0, 0, 999, 999), (0, 0, 0, 0), (0, 0, 5, 999)])
def test_any_hole_can_be_filled(session: Session, box: tuple[int, int, int, int]) -> None:
    assert np.isfinite(fill(session, inputs_of(session, box=box))).all()


def test_a_step_is_a_function_of_its_inputs_and_its_state(session: Session) -> None:
    inputs, other = inputs_of(session), inputs_of(session, light=0.1)
    copies = {name: tensor.copy() for name, tensor in inputs.items() if name != "bank"}
    first, state = session.step(inputs, session.initial_state())
    first = {name: tensor.copy() for name, tensor in first.items()}
    again, another = session.step(inputs, session.initial_state())
    assert all(np.array_equal(inputs[name], copy) for name, copy in copies.items())
    assert all(np.array_equal(first[name], again[name]) for name in first)
    session.step(other, session.initial_state())  # another stream of the same session
    following, last = session.step(other, state)[0], session.step(other, another)[0]
    assert all(np.array_equal(following[name], last[name]) for name in first)
