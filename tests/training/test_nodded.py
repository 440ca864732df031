"""Heads turned in depth: rigid, upwards when told so, and the picture lies where the landmarks say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from training.faces.nodded import nod_people, nodded, nodded_name, turned_landmarks

CHIN, BROW, NOSE = 152, 10, 1
POINTS = synthetic.face((128, 128), 90)
HEAD = np.column_stack([POINTS, synthetic.depth(POINTS)]).astype(np.float32)


@given(pitch=st.floats(-60, 60), yaw=st.floats(-40, 40))
def test_a_head_is_turned_as_a_whole(pitch: float, yaw: float) -> None:
    there = turned_landmarks(HEAD, pitch=pitch, yaw=yaw)
    for a, b in ((CHIN, BROW), (33, 263), (NOSE, CHIN)):
        assert np.linalg.norm(there[a] - there[b]) == pytest.approx(np.linalg.norm(HEAD[a] - HEAD[b]), rel=1e-3)


def test_a_head_that_looks_up_shows_its_chin_nearer_and_its_nose_higher() -> None:
    up, down = (turned_landmarks(HEAD, pitch=pitch, yaw=0) for pitch in (-30, 30))
    assert up[CHIN, 2] - up[BROW, 2] < HEAD[CHIN, 2] - HEAD[BROW, 2] < down[CHIN, 2] - down[BROW, 2]
    assert up[NOSE, 1] < HEAD[NOSE, 1] < down[NOSE, 1]


@pytest.mark.parametrize("pitch", [-35, -15, 25])
def test_the_picture_lies_where_the_landmarks_say(pitch: float) -> None:
    there = turned_landmarks(HEAD, pitch=pitch, yaw=8)[:, :2]
    for mark in (NOSE, 61, 263):
        image = np.zeros((256, 256, 3), np.uint8)
        cv2.circle(image, tuple(int(v) for v in np.rint(POINTS[mark])), 4, (255, 255, 255), -1)
        shown = nodded(image, POINTS, there)[..., 0]
        ys, xs = np.nonzero(shown > 127)
        assert np.hypot(xs.mean() - there[mark, 0], ys.mean() - there[mark, 1]) < 4


def test_no_nod_is_no_change() -> None:
    image = synthetic.picture(POINTS)
    assert np.abs(nodded(image, POINTS, POINTS).astype(int) - image).mean() < 1.5


def test_a_share_of_a_folder_is_nodded_once_and_stays_of_the_same_person(tmp_path: Path) -> None:
    names = [f"still_{person:06d}_0.jpg" for person in range(12)]
    for name in names:
        cv2.imwrite(str(tmp_path / name), synthetic.picture(POINTS))
    np.savez(tmp_path / "labels.npz", names=np.array(names), points=np.stack([HEAD] * 12))
    out = tmp_path / "out"
    nod_people(tmp_path, tmp_path / "labels.npz", out, seed=1)
    made = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert 0 < len(made) < 12
    assert set(made) <= {nodded_name(name) for name in names}
    assert nodded_name("still_000003_0.jpg") == "still_000003_100.jpg"
    nod_people(tmp_path, tmp_path / "labels.npz", out, seed=1)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == made
    with pytest.raises(ValueError, match="no picture"):
        nod_people(tmp_path / "nowhere", tmp_path / "labels.npz", tmp_path / "other", seed=1)
