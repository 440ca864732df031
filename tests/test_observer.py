from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.geometry import apply, crop_transform, eye_distance
from livefill.observer import FACE_SHARE, SIZE, Observer
from livefill.pyramid import Pyramid
from livefill.types import RGB, Affine, Points, Tensor

PICTURE = np.zeros((360, 480, 3), np.uint8)


class Echo:
    """Answers with the prior it was given, moved by some share of the crop's side."""

    def __init__(self, move: tuple[float, float] = (0.0, 0.0)) -> None:
        self.move = np.array([*move, 0.0], np.float32)
        self.asked: Mapping[str, Tensor] = {}

    def __call__(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        self.asked = inputs
        points = np.concatenate([inputs["prior"], np.full((1, 468, 1), 0.1, np.float32)], axis=-1) + self.move
        return {
            "points": points.astype(np.float32),
            "visible": np.ones((1, 468), np.float32),
            "mask": np.zeros((1, SIZE // 2, SIZE // 2), np.float32),
            "face": np.array([0.9], np.float32),
            "same": np.array([0.7], np.float32),
            "pose": np.zeros((1, 3), np.float32),
        }


def nobody(to_crop: Affine) -> RGB:
    return np.full((SIZE, SIZE, 3), 7, np.uint8)


def face(scale: float, angle: float, shift: tuple[float, float]) -> Points:
    points = synthetic.face()
    points = points - points.mean(0)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]) + np.array(shift), np.float32)


@given(scale=st.floats(0.3, 3), angle=st.floats(-0.7, 0.7), x=st.floats(-100, 500), y=st.floats(-100, 400))
def test_landmarks_come_back_to_where_they_were(scale: float, angle: float, x: float, y: float) -> None:
    points = face(scale, angle, (x, y))
    seen = Observer(Echo()).look(Pyramid(PICTURE), points, nobody)
    np.testing.assert_allclose(seen.points, points, atol=0.02 * scale + 0.02)
    assert seen.moved < 1e-3
    assert seen.pose[2] == pytest.approx(-np.arctan2(seen.to_crop[1, 0], seen.to_crop[0, 0]), abs=1e-4)


def test_what_the_network_moves_is_moved_in_the_frame() -> None:
    points = face(1.0, 0.3, (200, 150))
    seen = Observer(Echo((0.05, 0.0))).look(Pyramid(PICTURE), points, nobody)
    in_crop = apply(crop_transform(points, SIZE, face_share=FACE_SHARE), seen.points)
    before = apply(seen.to_crop, points)
    np.testing.assert_allclose(in_crop - before, np.tile([0.05 * SIZE, 0], (468, 1)), atol=0.02)
    assert seen.moved == pytest.approx(0.05 * SIZE / eye_distance(before), rel=0.05)


def test_the_reference_is_asked_for_the_very_crop() -> None:
    asked: list[Affine] = []

    def expect(to_crop: Affine) -> RGB:
        asked.append(to_crop)
        return nobody(to_crop)

    echo = Echo()
    seen = Observer(echo).look(Pyramid(PICTURE), face(1.0, 0.0, (200, 150)), expect)
    np.testing.assert_array_equal(asked[0], seen.to_crop)
    assert echo.asked["known"] == [1]
    assert (echo.asked["reference"] == 7).all()
    assert seen.same == pytest.approx(0.7)


def test_without_a_reference_nothing_is_claimed_to_be_known() -> None:
    echo = Echo()
    seen = Observer(echo).look(Pyramid(PICTURE), face(1.0, 0.0, (200, 150)), None)
    assert echo.asked["known"] == [0]
    assert not echo.asked["prior"].any()
    assert not echo.asked["reference"].any()
    assert seen.same == 1
    assert seen.crop.shape == (SIZE, SIZE, 3)
    assert seen.mask.shape == (SIZE // 2, SIZE // 2)
