from __future__ import annotations

import numpy as np
import pytest
import synthetic

torch = pytest.importorskip("torch", reason="training needs PyTorch")

from livefill.evidence import FEATURES, Colours  # noqa: E402
from livefill.zones import Zones  # noqa: E402
from training.observer import evidence  # noqa: E402
from training.observer.evidence import Case, fit, measure, weakened  # noqa: E402

SIDE = 96


@pytest.fixture
def seen() -> list[Case]:
    """Faces on which surprise tells the truth, and the mask half of it."""
    random, made = np.random.default_rng(0), []
    nothing = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(6):
        left, top = random.integers(25, 45, 2)
        truth = synthetic.block((SIDE, SIDE), (left, top, left + 24, top + 24)) > 0
        mask = np.where(truth & (np.arange(SIDE) < left + 12), 0.95, 0.02).astype(np.float32)
        surprise = np.where(truth, 25, 2).astype(np.float32) + random.random((SIDE, SIDE), np.float32)
        made.append(
            Case(
                mask,
                surprise,
                Zones.of(synthetic.face((48, 48), 60), mask.shape),
                Colours(nothing, nothing),
                0.0,
                truth,
            )
        )
    return made


def test_it_learns_what_tells_the_truth(seen: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "STEPS", 400)
    monkeypatch.setattr(evidence, "BATCH", 2048)
    weights, bias = fit(seen)
    assert weights[FEATURES.index("surprise")] > 0.5
    iou, wrong, missed = measure(seen, weights, bias)
    assert iou > 0.85
    assert max(wrong, missed) < 0.03
    by_mask = np.zeros(len(FEATURES), np.float32)
    by_mask[FEATURES.index("mask")] = 1
    assert measure(seen, by_mask, 0.0)[0] < 0.7
    again, _ = fit(seen)
    np.testing.assert_array_equal(weights, again)


def test_a_weakened_mask_believes_nothing_new() -> None:
    mask = np.random.default_rng(1).random((SIDE, SIDE), np.float32)
    taken = [weakened(mask, np.random.default_rng(seed)) for seed in range(8)]
    assert all((one <= mask + 1e-6).all() and (one >= 0).all() for one in taken)
    assert any((mask - one).max() > 0.3 for one in taken)
