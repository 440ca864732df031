"""A face before a still wall, and the sensor's noise."""

from __future__ import annotations

import numpy as np

from training.faces.motion import Moment
from training.faces.webcam import HEIGHT, SIDE, WIDTH, place, sensor, wall_behind, widened

STILL, MOVED = Moment({}, (0, 0), 0), Moment({}, (6, -3), 0.01)


def face() -> tuple[np.ndarray, np.ndarray]:
    """Return a grey disc before a dark wall that gets brighter to the right, and its matte."""
    x, y = np.meshgrid(np.arange(1024), np.arange(1024))
    matte = ((x - 512) ** 2 + (y - 600) ** 2 < 300**2).astype(np.float32)
    wall = np.repeat((40 + x / 32)[..., None], 3, 2)
    return np.where(matte[..., None] > 0, 180, wall).astype(np.uint8), matte


def test_wall_continues_what_was_seen() -> None:
    picture, matte = face()
    wall = wall_behind(picture, widened(matte))
    assert wall.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(wall.mean((0, 2)), 40 + (np.arange(WIDTH) / (WIDTH - 1)) * 32, atol=3)


def test_wall_stands_still_while_the_head_moves() -> None:
    picture, matte = face()
    matte = widened(matte)
    wall = wall_behind(picture, matte)
    first, second = (place(picture, matte, wall, moment) for moment in (STILL, MOVED))
    assert np.abs(first - second)[100:].max() > 20
    np.testing.assert_array_equal(first[:, :130], second[:, :130])
    np.testing.assert_array_equal(first[:, -130:], second[:, -130:])


def test_matte_ends_softly_at_the_sides() -> None:
    matte = widened(np.ones((1024, 1024), np.float32))
    assert matte.shape == (SIDE, SIDE)
    assert matte[:, [0, -1]].max() == 0
    assert matte[SIDE // 2, SIDE // 2] > 0.99
    assert np.abs(np.diff(matte, axis=1)).max() < 0.1


def test_sensor_adds_little_noise_that_its_seed_decides() -> None:
    frame = np.full((90, 120, 3), 120, np.float32)
    first, same, other = (sensor(frame, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    assert 0.5 < first.std() < 3
    assert abs(first.mean() - 120) < 0.3
