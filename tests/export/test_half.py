from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from networks import doubler

from export.half import store_as_half


def run(model: bytes, x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["y"], {"x": x})[0])


def test_halves_are_half_the_size_and_nearly_the_same() -> None:
    weight = np.random.default_rng(0).standard_normal(4096).astype(np.float32)
    x = np.ones(4096, np.float32)
    whole = doubler(weight).SerializeToString()
    half = store_as_half(doubler(weight)).SerializeToString()
    assert len(half) < 0.6 * len(whole)
    np.testing.assert_allclose(run(half, x), run(whole, x), rtol=1e-3, atol=1e-4)


def test_few_numbers_stay_whole() -> None:
    weight = np.array([1 / 3, 1e-8, 65537.0, 2.0], np.float32)
    model = store_as_half(doubler(weight))
    np.testing.assert_array_equal(run(model.SerializeToString(), np.ones(4, np.float32)), weight)


def test_what_a_half_cannot_hold_is_refused() -> None:
    weight = np.full(1024, 1e6, np.float32)
    with pytest.raises(ValueError, match="does not fit"):
        store_as_half(doubler(weight))
