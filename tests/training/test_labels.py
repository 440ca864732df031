"""The teacher's landmarks: which points mirror each other, and when its answer has settled."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from footage import Demo

from livefill.types import RGB
from training.faces.labels import POINTS, find_mirror_pairs, label, mirror_pairs, mirrored, settled

PICTURE = np.zeros((96, 96, 3), np.uint8)


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
    """Follows a face: half of the way to the truth with every look."""

    def __init__(self, trembling: float = 0.0) -> None:
        self.truth = np.random.default_rng(1).uniform(30, 70, (POINTS, 3)).astype(np.float32)
        self.truth[[33, 263]] = (30, 50, 0), (70, 50, 0)
        self.said, self.looks, self.trembling = self.truth + 16, 0, trembling

    def find(self, seen: RGB) -> np.ndarray:
        self.looks += 1
        self.said = (self.said + self.truth) / 2 + self.trembling * (-1) ** self.looks
        return self.said


def test_a_teacher_is_asked_until_its_answer_settles() -> None:
    teacher = Teacher()
    teacher.said = teacher.truth + 0.5
    points = settled(PICTURE, teacher.find)
    assert points is not None
    assert 2 < teacher.looks < 10
    assert np.abs(points - teacher.truth).max() < 0.003 * 40


def test_a_face_that_is_not_found_or_never_settles_is_left_out() -> None:
    assert settled(PICTURE, lambda seen: None) is None
    assert settled(PICTURE, Teacher(trembling=1.0).find) is None


def test_a_folder_is_labelled(demo: Demo, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    face = demo.clean(1)[0].image
    cv2.imwrite(str(tmp_path / "face.jpg"), face[..., ::-1])
    cv2.imwrite(str(tmp_path / "nobody.png"), np.full((64, 64, 3), 90, np.uint8))
    count, lean = label(tmp_path, tmp_path / "made" / "labels.npz")
    with np.load(tmp_path / "made" / "labels.npz") as stored:
        assert stored["names"].tolist() == ["face.jpg"]
        assert stored["points"].shape == stored["mirrored"].shape == (1, POINTS, 3)
        assert stored["points"].dtype == stored["mirrored"].dtype == np.float32
        back = mirrored(stored["mirrored"], face.shape[1])
        eyes = np.linalg.norm(np.diff(stored["points"][0, [33, 263], :2], axis=0))
        assert np.linalg.norm(back - stored["points"], axis=-1).mean() < 0.03 * eyes
    assert count == 1
    assert 0 < lean < 0.03
