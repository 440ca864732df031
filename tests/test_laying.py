"""A mask that is drawn once, for frames of any size."""

from __future__ import annotations

import numpy as np
import pytest

from livefill.tracking.laying import StaticMask

WHOLE = np.eye(2, 3, dtype=np.float32)
STRIPES = np.tile(np.repeat(np.array([1, 0], np.float32), 2), (128, 32))  # two pixels wide


@pytest.mark.parametrize("between", [(16, 16, 3), (128, 16, 3), (40, 40, 3)])
def test_frames_of_another_size_in_between_cost_a_mask_nothing(between: tuple[int, ...]) -> None:
    mask = StaticMask(STRIPES)
    before = mask.cut(WHOLE, (128, 128, 3), 128)
    mask.cut(WHOLE, between, 128)
    assert np.array_equal(before, STRIPES)
    assert np.array_equal(mask.cut(WHOLE, (128, 128, 3), 128), STRIPES)
