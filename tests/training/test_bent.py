"""Bends: smooth, one to one, the same for every picture of a person."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.geometry import grid
from training.faces.bent import bend_people, bent, bent_name, draw_bend
from training.faces.labels import POINTS


@given(st.integers(0, 10_000))
def test_a_bend_is_one_to_one_where_the_face_is(seed: int) -> None:
    places = (grid((41, 41), 0.08) - 1.64).astype(np.float32)
    there = draw_bend(np.random.default_rng(seed))(places)
    across, down = np.gradient(there, 0.08, axis=(1, 0))
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert area.min() > 0.1


def test_no_bend_is_no_change() -> None:
    points = synthetic.face()
    image = synthetic.picture(points)
    bend = draw_bend(np.random.default_rng(0))
    plain = type(bend)(np.eye(2, dtype=np.float32), 0.0, bend.centers, bend.widths, 0 * bend.shifts)
    assert np.abs(bent(image, points, plain).astype(int) - image).mean() < 1


def test_a_bend_turns_and_grows_with_the_face() -> None:
    points = synthetic.face((128, 128), 90)
    image, bend = synthetic.picture(points), draw_bend(np.random.default_rng(4))
    first = bent(image, points, bend)
    turn = np.asarray(cv2.getRotationMatrix2D((127.5, 127.5), 90, 1), np.float32)
    turned = np.ascontiguousarray(np.rot90(image))
    second = bent(turned, (points @ turn[:, :2].T + turn[:, 2]).astype(np.float32), bend)
    assert np.abs(np.rot90(first).astype(int) - second).mean() < 2


def test_a_folder_is_bent_once(tmp_path: Path) -> None:
    points = synthetic.face()
    cv2.imwrite(str(tmp_path / "still_000007_0.jpg"), synthetic.picture(points))
    shape = np.zeros((1, POINTS, 3), np.float32)
    shape[0, :, :2] = points
    np.savez(tmp_path / "labels.npz", names=np.array(["still_000007_0.jpg"]), points=shape)
    out = tmp_path / "out"
    assert bent_name("still_000007_0.jpg") == "still_500007_0.jpg"
    bend_people(tmp_path, tmp_path / "labels.npz", out, seed=1)
    made = (out / "still_500007_0.jpg").stat().st_mtime_ns
    bend_people(tmp_path, tmp_path / "labels.npz", out, seed=1)
    assert (out / "still_500007_0.jpg").stat().st_mtime_ns == made
    with pytest.raises(ValueError, match="no picture"):
        bend_people(tmp_path / "nowhere", tmp_path / "labels.npz", tmp_path / "other", seed=1)
