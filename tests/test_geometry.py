from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from livefill.geometry import (
    LIPS,
    apply,
    beside,
    compose,
    crop_transform,
    enlarge,
    eye_distance,
    face_hull,
    fill_polygon,
    inner,
    invert,
    pose_shape,
    similarity,
)
from livefill.types import Affine, Points

EYE_CORNERS = [33, 263]

angles = st.floats(-180, 180)
scales = st.floats(0.25, 4)
shifts = st.tuples(st.floats(-500, 500), st.floats(-500, 500))
similarities = st.builds(synthetic.move, angles, scales, shifts, about=st.just(0.0))
places = st.lists(st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)), min_size=1, max_size=20).map(
    lambda some: np.array(some, np.float32)
)


@st.composite
def affines(draw: st.DrawFn) -> Affine:
    """Any affine that can be undone: a similarity after a moderate shear and stretch."""
    stretch = np.array([[draw(st.floats(0.5, 2)), draw(st.floats(-0.5, 0.5)), 0], [0, 1, 0]], np.float32)
    return compose(draw(similarities), stretch)


# --- affines ----------------------------------------------------------------------------------------------------------


@given(affines(), places)
def test_inverse_undoes(affine: Affine, points: Points) -> None:
    assert_allclose(apply(invert(affine), apply(affine, points)), points, atol=0.02)
    assert compose(invert(affine), affine) == pytest.approx(np.eye(2, 3), abs=0.02)


@given(affines(), affines(), places)
def test_compose_is_the_inner_then_the_outer(outer: Affine, inner: Affine, points: Points) -> None:
    expected = apply(outer, apply(inner, points))
    assert_allclose(apply(compose(outer, inner), points), expected, rtol=1e-3, atol=0.1)


@given(affines(), affines(), affines())
def test_compose_is_associative(a: Affine, b: Affine, c: Affine) -> None:
    one, other = compose(compose(a, b), c), compose(a, compose(b, c))
    assert one == pytest.approx(other, rel=1e-3, abs=0.5)


@given(similarities)
def test_similarity_is_recovered_from_points(affine: Affine) -> None:
    points = synthetic.face()
    assert similarity(points, apply(affine, points)) == pytest.approx(affine, rel=1e-3, abs=0.05)


def test_similarity_does_not_hear_points_without_weight() -> None:
    points, affine = synthetic.face(), synthetic.move(20, 1.3, (5, -8))
    target, weights = apply(affine, points), np.ones(len(points), np.float32)
    target[::3] += 200
    weights[::3] = 0
    assert similarity(points, target, weights) == pytest.approx(affine, abs=1e-2)
    assert similarity(points, target) != pytest.approx(affine, abs=1)


def test_points_none_of_which_has_weight_count_the_same() -> None:
    points, affine, none = synthetic.face(), synthetic.move(20, 1.3, (5, -8)), np.zeros(synthetic.POINTS, np.float32)
    target = apply(affine, points)
    assert_allclose(similarity(points, target, none), affine, atol=1e-2)
    assert_allclose(pose_shape(points, synthetic.depth(points), target, none), target, atol=1)


@given(similarities)
def test_similarity_does_not_mirror_or_shear(affine: Affine) -> None:
    turned = synthetic.turned(synthetic.face(), 25)
    (a, b), (c, d) = similarity(synthetic.face(), apply(affine, turned))[:, :2]
    assert (a, b) == pytest.approx((d, -c), abs=1e-4)


def test_points_of_no_extent_give_no_nonsense() -> None:
    same = np.full((4, 2), 7, np.float32)
    assert np.isfinite(similarity(same, same + 1)).all()


# --- shapes -----------------------------------------------------------------------------------------------------------


@given(similarities)
def test_eye_distance_scales_with_the_face(affine: Affine) -> None:
    points = synthetic.face()
    scale = float(np.sqrt(np.abs(np.linalg.det(affine[:, :2]))))
    assert eye_distance(apply(affine, points)) == pytest.approx(scale * eye_distance(points), rel=1e-3)


def test_hull_holds_every_landmark() -> None:
    points = synthetic.face()
    hull = face_hull(points)
    assert all(cv2.pointPolygonTest(hull, (float(x), float(y)), True) >= -1e-3 for x, y in points)


def test_polygon_is_filled_in_its_own_picture_only() -> None:
    square = np.array([[2, 3], [5, 3], [5, 6], [2, 6]], np.float32)
    drawn = fill_polygon((8, 10), square)
    assert drawn.shape == (8, 10)
    assert drawn.sum() == drawn[3:7, 2:6].sum() == 16
    assert fill_polygon((8, 10), square + 50).sum() == 0


# --- the crop ---------------------------------------------------------------------------------------------------------


@given(st.floats(-80, 80), scales, shifts, st.sampled_from([192, 256, 512]))
def test_crop_levels_the_eyes_and_centres_the_face(
    degrees: float, scale: float, shift: tuple[float, float], size: int
) -> None:
    points = apply(synthetic.move(degrees, scale, shift), synthetic.face())
    inside = apply(crop_transform(points, size), points)
    right, left = inside[EYE_CORNERS]
    assert right[1] == pytest.approx(left[1], abs=0.2)
    assert right[0] < left[0]
    center, _ = cv2.minEnclosingCircle(face_hull(inside))
    assert center == pytest.approx((size / 2, size / 2), abs=0.5)
    assert inside.min() > 0.1 * size  # room for hair and neck on every side
    assert inside.max() < 0.9 * size


@given(similarities)
def test_crop_follows_the_head_so_that_it_looks_the_same_everywhere(affine: Affine) -> None:
    points = synthetic.face()
    there = apply(affine, points)
    seen_there, seen_here = apply(crop_transform(there, 256), there), apply(crop_transform(points, 256), points)
    assert_allclose(seen_there, seen_here, atol=0.3)


def test_crop_hardly_breathes_when_the_mouth_opens() -> None:
    closed, opened = (crop_transform(synthetic.face(mouth=mouth), 256) for mouth in (0.0, 0.1))
    assert opened[:, :2] == pytest.approx(closed[:, :2], rel=0.08)


def test_share_is_the_width_of_the_face() -> None:
    points = synthetic.face()
    wide, narrow = (np.ptp(apply(crop_transform(points, 200, face_share=s), points)[:, 0]) for s in (0.6, 0.3))
    assert wide == pytest.approx(2 * narrow, rel=1e-3)


# --- the warp ---------------------------------------------------------------------------------------------------------


def test_the_nose_is_bound_to_the_picture_and_outline_and_mouth_are_not() -> None:
    bound = inner(synthetic.face())
    assert bound.shape == (468,)
    assert 0 <= bound.min() < bound.max() <= 1
    assert bound[[6, 4, 1]].min() > 0.8
    assert bound[[10, 152, 234, 454, *LIPS]].max() < 0.2


@pytest.mark.parametrize("yaw", [-25, -10, 0, 10, 25])
@pytest.mark.parametrize("side", [-1, 1])
def test_hidden_half_follows_the_visible_one(yaw: float, side: int) -> None:
    shape = synthetic.face()
    truth = apply(synthetic.move(8, 1.1, (15, -6)), synthetic.turned(shape, yaw))
    hidden = side * (shape[:, 0] - 128) > 5
    seen, weights = truth.copy(), np.where(hidden, 0, 1).astype(np.float32)
    seen[hidden] += 300  # what is said of the hidden half has no weight
    laid = pose_shape(shape, synthetic.depth(shape), seen, weights)
    error = np.linalg.norm(laid - truth, axis=1) / eye_distance(truth)
    assert error[hidden].mean() < 0.06
    assert error[~hidden].mean() < 0.04


@given(similarities)
def test_rigid_face_that_only_moved_is_laid_exactly(affine: Affine) -> None:
    shape = synthetic.face()
    truth = apply(affine, shape)
    laid = pose_shape(shape, synthetic.depth(shape), truth, np.ones(len(shape), np.float32))
    assert_allclose(laid, truth, atol=0.02 * eye_distance(truth))


def test_few_visible_points_do_not_bend_the_face() -> None:
    shape, weights = synthetic.face(), np.zeros(synthetic.POINTS, np.float32)
    weights[list(range(0, synthetic.POINTS, 60))] = 1
    noisy = shape + np.random.default_rng(0).normal(0, 1, shape.shape).astype(np.float32)
    laid = pose_shape(shape, synthetic.depth(shape), noisy, weights)
    assert np.linalg.norm(laid - shape, axis=1).max() < 0.15 * eye_distance(shape)


@pytest.mark.parametrize("scale", [0.21, 0.45, 1.4])
def test_enlarging_in_two_steps_is_enlarging(scale: float) -> None:
    to_small = synthetic.move(7, scale, (30, 24), about=0.0)
    small = cv2.GaussianBlur(np.random.default_rng(0).random((128, 128, 4), np.float32), (0, 0), 3)
    box = (13, 40, 318, 251)
    whole = cv2.warpAffine(
        small, to_small, (400, 300), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    assert_allclose(enlarge(small, to_small, box), whole[40:251, 13:318], atol=0.02)


@pytest.mark.parametrize("side", [64, 128])
def test_beside_a_face_is_what_lies_further_from_it_than_told(side: int) -> None:
    points = synthetic.face((side / 2, side / 2), 0.4 * side)
    away = beside(points, side, close=0.1, soft=0.2)
    face = fill_polygon((side, side), face_hull(points)) > 0
    left, width = points[:, 0].min(), float(np.ptp(points[:, 0]))
    row = int(points[points[:, 0].argmin(), 1])
    assert not away[face].any()
    assert away[row, int(left - 0.06 * width)] == 0
    assert 0.2 < away[row, int(left - 0.2 * width)] < 0.8
    assert away[row, int(left - 0.36 * width)] == 1
    assert (away[0] == 1).all()
