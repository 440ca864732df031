"""Which pictures of people are drawn, and that drawing goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from training.faces import people
from training.faces.directions import load
from training.faces.generator import LAYERS, STYLE
from training.faces.people import (
    FRAMES,
    RANGES,
    SIDE,
    TURNED,
    Poser,
    draw_people,
    file_names,
    is_adult,
    poses,
    to_picture,
)


class Plain:
    """A generator of normal styles, whose faces are grey."""

    def __init__(self) -> None:
        self.mean = np.full(STYLE, 0.5, np.float32)
        self.drawn = 0

    def sample(self, random: np.random.Generator, count: int) -> np.ndarray:
        return random.standard_normal((count, STYLE), np.float32) + self.mean

    def render(self, styles: np.ndarray) -> np.ndarray:
        self.drawn += 1
        return np.full((1024, 1024, 3), 128, np.uint8)


def test_every_sixth_person_moves_and_the_others_stand_still() -> None:
    assert file_names(6) == [f"clip_000006_{n}.jpg" for n in range(21)]
    assert file_names(7) == [f"still_000007_{n}.jpg" for n in range(3)]


@pytest.mark.parametrize("person", [6, 4])
def test_poses_stay_where_a_person_is_the_same_but_for_one_that_is_turned(person: int) -> None:
    for seed in range(20):
        reference, *others = poses(person, np.random.default_rng(seed))
        assert max(map(abs, reference.values())) < 1.3
        assert len(others) == len(file_names(person)) - 1
        limits = [RANGES] * FRAMES if person == 6 else [RANGES, TURNED]
        for within, amounts in zip(limits, others, strict=True):
            assert all(within[name][0] <= amount <= within[name][1] for name, amount in amounts.items())
    assert poses(person, np.random.default_rng(1)) == poses(person, np.random.default_rng(1))


def test_sequences_move_smoothly_and_stills_do_not() -> None:
    def step(person: int) -> float:
        yaws = [[p["yaw"] for p in poses(person, np.random.default_rng(seed))[1:]] for seed in range(20)]
        return float(np.mean([np.abs(np.diff(yaw)).mean() for yaw in yaws]))

    assert 0.02 < step(6) < 0.5 * step(4)


def test_everyone_looks_straight_ahead() -> None:
    generator = Plain()
    poser = Poser(generator)
    moves = list(load())
    for seed in range(5):
        styles = poser.person(np.random.default_rng(seed))
        assert styles.shape == (LAYERS, STYLE)
        turned = dict(zip(moves, poser._weights @ (styles[0] - generator.mean), strict=True))
        assert abs(turned["yaw"]) < 1e-3
        assert abs(turned["pitch"]) < 1e-3


def test_the_whole_face_is_the_picture() -> None:
    face = np.zeros((1024, 1024, 3), np.uint8)
    face[:, 512:] = 200
    picture = to_picture(face)
    assert picture.shape == (SIDE, SIDE, 3)
    assert np.unique(picture[:, : SIDE // 2]).tolist() == [0]
    assert np.unique(picture[:, SIDE // 2 :]).tolist() == [200]


def test_low_eyes_far_apart_are_a_child_s() -> None:
    points = np.zeros((468, 3), np.float32)
    points[33], points[263], points[152] = (100, 100, 0), (200, 100, 0), (150, 220, 0)
    assert is_adult(points)
    points[152, 1] = 205
    assert not is_adult(points)


def test_drawing_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Plain()
    backend = generator, lambda styles: np.stack([generator.render(each) for each in styles])
    monkeypatch.setattr(people, "_backend", lambda device: backend)
    monkeypatch.setattr(people, "FaceMesh", _Mesh)
    draw_people(tmp_path, range(3), seed=1, device="cpu")
    names = sorted(name for person in range(3) for name in file_names(person))
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert cv2.imread(str(tmp_path / names[0])).shape == (SIDE, SIDE, 3)
    assert generator.drawn == len(names) + 1  # the first face was a child's
    (tmp_path / "still_000002_2.jpg").unlink()
    draw_people(tmp_path, range(3), seed=1, device="cpu")
    assert (tmp_path / "still_000002_2.jpg").exists()
    assert generator.drawn == len(names) + 1 + 3


class _Mesh:
    """Finds a child at first, then adults."""

    chins = iter([190.0])

    def __init__(self, **options: Any) -> None:
        self.options = SimpleNamespace(**options)

    def __enter__(self) -> _Mesh:
        return self

    def __exit__(self, *error: object) -> None: ...

    def find(self, image: np.ndarray) -> list[np.ndarray]:
        points = np.zeros((468, 3), np.float32)
        points[33], points[263], points[152] = (100, 100, 0), (200, 100, 0), (150, next(self.chins, 230.0), 0)
        return [points]
