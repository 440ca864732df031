"""What is worn: it covers what it should, follows the face, and is the same thing every time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.faces.glasses import glasses
from training.occluders.overlay import Layer, Pose, fitted, ribbon, spline, superellipse
from training.occluders.worn import WORN, worn

SIZE = (320, 240)
EYES = ((33, 133, 159, 145), (263, 362, 386, 374))
MOUTH = (13, 14, 61, 291)
Floats = NDArray[np.float32]


def covered(alpha: Floats, points: Floats, landmarks: tuple[int, ...]) -> float:
    """Return the mean alpha around landmarks."""
    x, y = np.rint(points[list(landmarks), :2].mean(0)).astype(int)
    return float(alpha[y - 2 : y + 3, x - 2 : x + 3].mean())


@pytest.mark.parametrize("kind", WORN)
def test_drawing_is_a_picture_with_alpha(kind: str, landmarks: Floats) -> None:
    for style in range(4):
        image, alpha = worn(kind, landmarks, SIZE, style)
        assert (image.shape, image.dtype) == ((240, 320, 3), np.uint8)
        assert (alpha.shape, alpha.dtype) == ((240, 320), np.float32)
        assert alpha.min() >= 0
        assert 0.25 < alpha.max() <= 1.00001
        assert (alpha > 0.2).sum() > 20


@pytest.mark.parametrize("kind", WORN)
def test_style_is_all_there_is_to_it(kind: str, landmarks: Floats) -> None:
    first, again, other = (worn(kind, landmarks, SIZE, style) for style in (3, 3, 4))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()


@pytest.mark.parametrize("kind", WORN)
def test_it_moves_with_the_face(kind: str, landmarks: Floats) -> None:
    _, here = worn(kind, landmarks, SIZE, 5)
    _, there = worn(kind, landmarks + np.array((9, -4, 0), np.float32), SIZE, 5)
    np.testing.assert_allclose(there[20:200, 29:309], here[24:204, 20:300], atol=0.02)


def test_masks_cover_the_mouth_and_most_of_them_the_nose(landmarks: Floats) -> None:
    drawn = [worn("mask", landmarks, SIZE, style)[1] for style in range(30)]
    assert np.mean([covered(alpha, landmarks, MOUTH) for alpha in drawn]) > 0.9
    assert 0.6 < np.mean([covered(alpha, landmarks, (4, 5)) for alpha in drawn]) < 0.99
    assert max(covered(alpha, landmarks, EYES[0]) for alpha in drawn) < 0.1


def test_headsets_cover_both_eyes_and_not_the_mouth(landmarks: Floats) -> None:
    for style in range(6):
        _, alpha = worn("headset", landmarks, SIZE, style)
        assert min(covered(alpha, landmarks, eye) for eye in EYES) > 0.98
        assert covered(alpha, landmarks, MOUTH) < 0.1


def test_a_patch_covers_one_eye(landmarks: Floats) -> None:
    _, alpha = worn("eyepatch", landmarks, SIZE, 1)
    assert sorted(round(covered(alpha, landmarks, eye)) for eye in EYES) == [0, 1]


def test_what_is_out_of_the_picture_is_no_trouble(landmarks: Floats) -> None:
    for kind in WORN:
        _, alpha = worn(kind, landmarks + np.array((5000, 0, 0), np.float32), SIZE, 2)
        assert alpha.max() == 0
        worn(kind, landmarks * 4 - 300, SIZE, 2)
        worn(kind, np.full((468, 3), np.nan, np.float32), SIZE, 2)


def test_glasses_let_the_eyes_be_seen(landmarks: Floats) -> None:
    drawn = [glasses(landmarks, SIZE, style) for style in range(20)]
    seen = [1 - covered(alpha, landmarks, eye) for _, alpha in drawn for eye in EYES]
    assert np.median(seen) > 0.6
    assert all(alpha.max() > 0.3 for _, alpha in drawn)
    again = glasses(landmarks, SIZE, 7)
    np.testing.assert_array_equal(again[0], drawn[7][0])
    np.testing.assert_array_equal(again[1], drawn[7][1])


def test_layers_lie_over_one_another() -> None:
    layer, square = Layer((20, 20)), np.array([(4, 4), (15, 4), (15, 15), (4, 15)], np.float32)
    layer.fill(square, colour=np.array((1, 0, 0), np.float32))
    layer.fill(square, colour=np.array((0, 0, 1), np.float32), alpha=0.5)
    image, alpha = layer.finish()
    assert alpha[10, 10] == pytest.approx(1)
    np.testing.assert_allclose(image[10, 10], (127, 0, 127), atol=2)
    assert alpha[0, 0] == 0


def test_outlines_and_fits() -> None:
    corners = np.array([(0, 0), (10, 0), (10, 10), (0, 10)], np.float32)
    assert spline(corners).shape == (16, 2)
    np.testing.assert_array_equal(spline(corners)[::4], corners)
    np.testing.assert_array_equal(spline(corners, closed=False)[[0, -1]], corners[[0, -1]])
    assert ribbon(corners, 2.0).shape == (8, 2)
    np.testing.assert_allclose(np.abs(superellipse(2, 16) ** 2).sum(1), 1, atol=1e-5)
    points = np.random.default_rng(0).uniform(0, 300, (30, 2)).astype(np.float32)
    fit = fitted(points, points / 300)
    assert fit.shape == (6, 2)


def test_pose_finds_its_way_around_a_turned_head(landmarks: Floats) -> None:
    pose = Pose(landmarks)
    np.testing.assert_allclose(pose.axes @ pose.axes.T, np.eye(3), atol=1e-5)
    assert pose.axes[2, 2] > 0.8  # away from the viewer
    np.testing.assert_allclose(pose.at(landmarks[234], 1, 0), landmarks[454, :2], atol=0.01)
