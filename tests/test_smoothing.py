from __future__ import annotations

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from livefill.smoothing import OneEuro
from livefill.types import Points

RATE = 30


def smoothed(track: list[Points], filter_: OneEuro | None = None) -> list[Points]:
    filter_ = filter_ or OneEuro()
    return [filter_(points, i / RATE).copy() for i, points in enumerate(track)]


def trembling(count: int, *, seed: int = 0, sigma: float = 0.5) -> list[Points]:
    rng, points = np.random.default_rng(seed), synthetic.face()
    return [points + rng.normal(0, sigma, points.shape).astype(np.float32) for _ in range(count)]


def test_first_points_are_taken_as_they_are() -> None:
    points = synthetic.face()
    assert np.array_equal(OneEuro()(points, 12.5), points)


def test_a_resting_face_trembles_less() -> None:
    raw = trembling(60)
    before, after = (np.std(np.stack(track[20:]), axis=0).mean() for track in (raw, smoothed(raw)))
    assert after < 0.8 * before
    assert np.mean(smoothed(raw)[20:], axis=(0, 1)) == pytest.approx(synthetic.face().mean(0), abs=0.05)  # and not off


@pytest.mark.parametrize("speed", [0.5, 1.0, 3.0])
def test_a_moving_face_lags_by_less_than_a_frame(speed: float) -> None:
    points = synthetic.face()
    stride = speed * float(np.ptp(points[:, 0])) / RATE  # pixels a frame
    track = [points + np.float32([stride * i, 0]) for i in range(40)]
    lag = track[-1][:, 0] - smoothed(track)[-1][:, 0]
    assert 0 <= lag.mean() < stride


def test_a_face_that_has_stopped_is_reached() -> None:
    points = synthetic.face()
    track = [points] * 5 + [points + np.float32(20)] * 60
    assert_allclose(smoothed(track)[-1], track[-1], atol=0.1)


@given(st.floats(0.3, 5))
def test_the_size_of_the_face_does_not_matter(scale: float) -> None:
    track = trembling(12, seed=3, sigma=2)
    larger = smoothed([(points * scale).astype(np.float32) for points in track])
    for one, other in zip(smoothed(track), larger, strict=True):
        assert_allclose(other, one * scale, rtol=1e-3, atol=1e-2)


def test_after_a_reset_the_past_says_nothing() -> None:
    used, track = OneEuro(), trembling(6)
    smoothed(track, used)
    used.reset()
    elsewhere = [points + np.float32(90) for points in track]
    assert np.array_equal(smoothed(elsewhere, used), smoothed(elsewhere))


@pytest.mark.parametrize("time", [1.0, 0.2])
def test_a_clock_that_stands_or_goes_back_begins_anew(time: float) -> None:
    filter_, points = OneEuro(), synthetic.face()
    filter_(points, 1.0)
    assert np.array_equal(filter_(points + np.float32(50), time), points + np.float32(50))
    assert np.isfinite(filter_(points, time + 0.1)).all()


def test_what_it_was_given_stays_as_it_was() -> None:
    track = trembling(5)
    copies = [points.copy() for points in track]
    smoothed(track)
    assert all(np.array_equal(points, copy) for points, copy in zip(track, copies, strict=True))
