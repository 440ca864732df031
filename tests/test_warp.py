from __future__ import annotations

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from livefill.geometry import (
    apply,
    face_hull,
    fill_polygon,
    grid,
    similarity,
)
from livefill.types import Points
from livefill.warp import Warp

WARP = Warp.of(synthetic.face())


def in_face(points: Points) -> NDArray[np.float32]:
    """Places on the face, a pixel row (1, n, 2) as `lookup` takes them."""
    all_places = grid((256, 256))
    return all_places[fill_polygon((256, 256), face_hull(points)) > 0][None]


def test_same_pose_looks_at_itself() -> None:
    places = grid((256, 256))
    assert_allclose(WARP.lookup(synthetic.face(), places), places, atol=0.05)


@given(st.floats(-30, 30), st.floats(0.7, 1.5), st.tuples(st.floats(-40, 40), st.floats(-40, 40)))
def test_moved_face_looks_where_it_came_from(degrees: float, scale: float, shift: tuple[float, float]) -> None:
    points, by = synthetic.face(), synthetic.move(degrees, scale, shift)
    here = in_face(points)
    assert_allclose(WARP.lookup(apply(by, points), apply(by, here)), here, atol=0.5)


@given(st.floats(-30, 30), st.tuples(st.floats(-40, 40), st.floats(-40, 40)))
def test_far_background_stands_still(degrees: float, shift: tuple[float, float]) -> None:
    points = apply(synthetic.move(degrees, 1.0, shift), synthetic.face())
    corners = np.array([[[-200, -200], [500, -200], [500, 500], [-200, 500]]], np.float32)
    assert WARP.lookup(points, corners) == pytest.approx(corners, abs=1e-3)


def test_background_of_another_resolution_is_looked_up_in_its_own() -> None:
    still = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float32)  # the reference is half as large as the frame
    corners = np.array([[[900, 10], [900, 900]]], np.float32)
    twice = (synthetic.face() * 2).astype(np.float32)
    assert WARP.lookup(twice, corners, still=still) == pytest.approx(corners / 2, abs=1e-3)
    here = in_face(synthetic.face())
    assert_allclose(WARP.lookup(twice, here * 2, still=still), here, atol=0.5)


@pytest.mark.parametrize("yaw", [-12, 12])
def test_turned_head_finds_its_landmarks_in_the_reference(yaw: float) -> None:
    points = synthetic.turned(synthetic.face(), yaw)
    error = np.linalg.norm(WARP.lookup(points, points[None])[0] - synthetic.face(), axis=1)
    plain = np.linalg.norm(apply(similarity(points, synthetic.face()), points) - synthetic.face(), axis=1)
    assert error.mean() < 0.25 * plain.mean()  # the mesh does what a similarity cannot
    assert error.mean() < 0.5


@pytest.mark.parametrize("yaw", [8, -12, 18])
def test_a_coarse_mesh_is_as_good_where_the_face_is_small(yaw: float) -> None:
    coarse = Warp.of(synthetic.face(), coarse=True)
    points = synthetic.turned(synthetic.face(), yaw)
    gap = np.linalg.norm(coarse.lookup(points, points[None]) - WARP.lookup(points, points[None]), axis=-1)
    assert gap.mean() < 0.4
    assert coarse.weights.size < WARP.weights.size / 6


def test_opened_mouth_finds_the_closed_one() -> None:
    opened, lip = synthetic.face(mouth=0.08), synthetic.LOWER_LIP
    found = WARP.lookup(opened, opened[None])[0]
    moved = np.linalg.norm(opened[lip] - synthetic.face()[lip])
    assert np.linalg.norm(found[lip] - synthetic.face()[lip]) < 0.35 * moved


@pytest.mark.parametrize(("yaw", "shift"), [(10, (0, 0)), (-10, (8, 3)), (0, (12, -6))])
def test_nothing_is_torn_or_folded(yaw: float, shift: tuple[float, float]) -> None:
    points = synthetic.turned(synthetic.face(), yaw) + np.array(shift, np.float32)
    look = WARP.lookup(points, grid((256, 256))).astype(np.float64)
    right, down = np.diff(look, axis=1)[:-1], np.diff(look, axis=0)[:, :-1]
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    assert area.min() > 0.1
    assert area.max() < 4


# --- the rigid face ---------------------------------------------------------------------------------------------------
