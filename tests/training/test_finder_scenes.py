"""Scenes for the finder say where the faces in them are, and which of them can still be seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import synthetic
from numpy.testing import assert_allclose, assert_array_equal

from livefill.finder import PAD, SIZE
from livefill.geometry import apply, face_hull
from livefill.types import RGB
from training.faces.labels import mirrored
from training.finder.layers import Face, fading, hide, lay, resized
from training.finder.scenes import MOST, WIDTH, Scene, Stage
from training.observer.samples import People
from training.occluders.library import Sprite


@pytest.fixture(scope="module")
def stage() -> Stage:
    """One drawn person, and a green slab to be held."""
    points = synthetic.face((160, 170), 230)
    solid = np.column_stack([points, synthetic.depth(points)]).astype(np.float32)
    matte = np.zeros((160, 160), np.uint8)
    cv2.ellipse(matte, (80, 85), (65, 80), 0, 0, 360, (255,), -1)
    people = People(
        (synthetic.picture(points, (320, 320)),), (matte,), solid[None], mirrored(solid, 320)[None], np.array([1])
    )
    slab = Sprite(np.full((80, 60, 3), (0, 160, 0), np.uint8), np.ones((80, 60), np.float32), "mug")
    return Stage(people, [slab])


def scenes(stage: Stage, count: int, **wish: object) -> list[Scene]:
    random = np.random.default_rng(5)
    return [stage.draw(random, **wish) for _ in range(count)]  # type: ignore[arg-type]


def test_the_same_seed_draws_the_same_scene(stage: Stage) -> None:
    stage._rooms.clear()
    first = stage.draw(np.random.default_rng(3))
    stage._rooms.clear()
    again = stage.draw(np.random.default_rng(3))
    assert_array_equal(first.picture, again.picture)
    assert_array_equal(first.faces, again.faces)


def test_a_scene_is_the_networks_picture(stage: Stage) -> None:
    for scene in scenes(stage, 8):
        assert scene.picture.shape == (SIZE[1], SIZE[0], 3)
        assert scene.picture.dtype == np.uint8
        assert scene.faces.shape == (MOST, 6)
        # A frame of another shape leaves the rest grey.
        assert (scene.picture[-1] == PAD).all() or (scene.picture[-1, 0] != PAD).any()


def test_nobody_is_said_to_be_where_nobody_is(stage: Stage) -> None:
    assert not any(scene.faces.any() for scene in scenes(stage, 8, people=0))


def test_faces_are_of_any_size_and_roll(stage: Stage) -> None:
    rows = np.concatenate([scene.faces for scene in scenes(stage, 48, people=1, cover=False)])
    rows = rows[rows[:, 4] == 1]
    assert len(rows) > 30
    assert (rows[:, 2] * 2 > WIDTH[0]).all()
    assert rows[:, 2].min() < 14
    assert rows[:, 2].max() > 90
    assert 0.5 < np.abs(rows[:, 3]).max() < 0.9
    assert ((rows[:, :2] >= -1) & (rows[:, :2] <= SIZE)).all()


def test_clear_faces_are_clear_and_covered_ones_are_covered(stage: Stage) -> None:
    clear = np.concatenate([scene.faces for scene in scenes(stage, 12, people=1, cover=False)])
    covered = np.concatenate([scene.faces for scene in scenes(stage, 12, people=1, cover=True)])
    assert clear[:, 5].max() < 0.05
    assert np.median(covered[covered[:, 4] != 0, 5]) > 0.05


def test_too_little_of_a_face_is_neither_a_face_nor_none() -> None:
    face = Face(synthetic.face((150, 90), 60))
    x, y, radius, angle, state, covered = face.row(320, 180)
    (wanted_x, wanted_y), wanted = cv2.minEnclosingCircle(face_hull(face.points))
    assert_allclose((x, y, radius, angle), (wanted_x, wanted_y, wanted, 0), atol=1e-3)
    assert (state, covered) == (1, 0)
    face.seen[:400] = False
    assert face.row(320, 180)[4] == -1
    assert Face(synthetic.face((-5, 90), 60)).row(320, 180)[4] == -1


def test_what_lies_before_a_landmark_hides_it() -> None:
    face = Face(synthetic.face((150, 90), 60))
    hide([face], np.ones((200, 100), np.float32), (150, 0))
    right = np.rint(face.points[:, 0]) >= 150
    assert_array_equal(face.seen, ~right)


@pytest.mark.parametrize("scale", [0.11, 0.4, 1.0, 1.7])
def test_things_lie_where_they_are_laid(scale: float) -> None:
    picture: RGB = np.zeros((180, 320, 3), np.uint8)
    thing, alpha = np.full((100, 80, 3), 200, np.uint8), np.ones((100, 80), np.float32)
    place = np.array([[scale, 0, 120], [0, scale, 5]], np.float32)
    lay(picture, [], thing, alpha, place)
    rows, columns = np.nonzero(picture[..., 0] > 100)
    middle = apply(place, np.array([39.5, 49.5], np.float32))
    assert_allclose((columns.mean(), rows.mean()), middle, atol=1)
    assert len(rows) == pytest.approx(8000 * scale**2, rel=0.1, abs=20)


def test_a_smaller_picture_needs_a_larger_step() -> None:
    place = np.array([[0.5, 0.1, 7], [-0.1, 0.5, 3]], np.float32)
    # The pixel (3, 1) of the picture at half the size covers the pixels (6..7, 2..3).
    assert_allclose(
        apply(resized(place, 2), np.array([3, 1], np.float32)),
        apply(place, np.array([6.5, 2.5], np.float32)),
        rtol=1e-6,
    )


def test_mattes_fade_at_the_borders() -> None:
    alpha = fading(np.full((160, 160), 255, np.uint8))
    assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) < 0.2
    assert alpha[80, 80] == 1
