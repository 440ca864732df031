"""The teacher's landmarks: which points mirror each other, and how looks are averaged."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from footage import Demo

from livefill.types import RGB
from training.faces.labels import POINTS, find_mirror_pairs, label, look, mirror_pairs, mirrored

SIDE = 192


def test_mirror_pairs_go_both_ways_and_know_the_face() -> None:
    pairs = mirror_pairs()
    assert pairs.shape == (POINTS,)
    np.testing.assert_array_equal(pairs[pairs], np.arange(POINTS))
    assert (pairs == np.arange(POINTS)).sum() == 28
    for right, left in [(33, 263), (133, 362), (61, 291), (234, 454), (159, 386), (105, 334), (4, 4), (13, 13)]:
        assert pairs[right] == left


def test_mirror_pairs_are_found_in_faces_of_any_pose() -> None:
    random = np.random.default_rng(0)
    shape = random.uniform(-1, 1, (POINTS, 3)) * (1, 1.3, 0.6)
    shape[33], shape[263] = (-1, 0.5, 0), (1, 0.5, 0)
    shape = (shape + shape[mirror_pairs()] * (-1, 1, 1)) / 2
    faces = []
    for angle in random.uniform(-0.4, 0.4, 12):
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        faces.append(100 * shape @ turn + random.normal(0, 0.02, (POINTS, 3)) + random.uniform(0, 50, 3))
    np.testing.assert_array_equal(find_mirror_pairs(np.array(faces, np.float32)), mirror_pairs())


def test_mirrored_twice_is_the_same() -> None:
    points = np.random.default_rng(0).uniform(0, 300, (2, POINTS, 3)).astype(np.float32)
    np.testing.assert_allclose(mirrored(mirrored(points, 320), 320), points, atol=1e-4)


class Teacher:
    """Finds the same face in any turned or mirrored copy of a picture whose colours tell where a pixel came from."""

    def __init__(self) -> None:
        self.truth = np.random.default_rng(1).uniform(0.3, 0.7, (POINTS, 3)).astype(np.float32) * SIDE
        ramp = np.arange(SIDE)
        self.picture = np.stack([*np.meshgrid(ramp, ramp), np.zeros((SIDE, SIDE), int)], -1).astype(np.uint8)
        self.looks = 0

    def find(self, seen: RGB) -> np.ndarray:
        self.looks += 1
        near, far = SIDE // 4, 3 * SIDE // 4
        y, x = np.mgrid[near:far, near:far].reshape(2, -1)
        came = seen[y, x, :2].astype(float)
        there, *_ = np.linalg.lstsq(np.column_stack([came, np.ones(len(x))]), np.column_stack([x, y]), rcond=None)
        size = np.sqrt(abs(np.linalg.det(there[:2])))
        flat = np.column_stack([self.truth[:, :2], np.ones(POINTS)]) @ there
        points = np.column_stack([flat, self.truth[:, 2] * size]).astype(np.float32)
        return points if np.linalg.det(there[:2]) > 0 else points[mirror_pairs()]


def test_all_looks_come_back_to_the_picture() -> None:
    teacher = Teacher()
    looks = look(teacher.picture, teacher.find, views=4)
    assert looks is not None
    assert looks.shape == (8, POINTS, 3)
    assert teacher.looks == 8
    np.testing.assert_allclose(looks[0], teacher.truth, atol=0.1)
    assert np.abs(looks - teacher.truth).max() < 1.5  # a pixel between the conventions of pixel and mirror image


def test_a_face_that_most_looks_miss_is_left_out() -> None:
    teacher = Teacher()
    assert look(teacher.picture, lambda seen: None) is None
    seldom = iter([teacher.truth, None, None, None])
    assert look(teacher.picture, lambda seen: next(seldom), views=2) is None
    mostly = iter([teacher.truth, None, teacher.truth, teacher.truth])
    looks = look(teacher.picture, lambda seen: next(mostly), views=2)
    assert looks is not None
    assert len(looks) == 3


def test_a_folder_is_labelled(demo: Demo, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    face = demo.clean(1)[0].image
    cv2.imwrite(str(tmp_path / "face.jpg"), face[..., ::-1])
    cv2.imwrite(str(tmp_path / "nobody.png"), np.full((64, 64, 3), 90, np.uint8))
    count, spread = label(tmp_path, tmp_path / "made" / "labels.npz", views=2)
    with np.load(tmp_path / "made" / "labels.npz") as stored:
        assert stored["names"].tolist() == ["face.jpg"]
        assert stored["points"].shape == (1, POINTS, 3)
        assert stored["points"].dtype == np.float32
        assert stored["spread"].tolist() == pytest.approx([spread])
    assert count == 1
    assert 0 < spread < 0.03
