"""The session that needs no learned weights: the warped reference, in the light of this very frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.alignment import blur
from livefill.types import Inputs, ModelSpec, Outputs, State

__all__ = ["ReferenceSession"]

Floats = NDArray[np.float32]
OUTLIER = 0.15  # a difference larger than this share of full scale is not one of light
STEADY = 0.6  # how much of the last frame's light is kept


@dataclass(frozen=True, slots=True)
class _Light:
    offset: Floats  # (size / 2, size / 2, 3)


class ReferenceSession:
    """Gives `fill` = the expected picture with the light of the crop around the hole, and `trust` = 1.

    The light is a smooth membrane: the difference of crop and expectation where both are seen, pulled into the hole
    over a pyramid (push-pull, Gortler et al. 1996, section 3.4) and steadied over time.
    """

    def __init__(self, size: int = 128) -> None:
        """`size` is the crop's side in pixels; the light needs few."""
        self.spec = ModelSpec(name="warped reference", backend="reference", device="cpu", size=size)

    def initial_state(self) -> State:
        """Return the state before the first frame: no light known."""
        return None

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        """Take `crop`, `expected` (size, size, 3) and `mask` (size, size); give `fill` and `trust`."""
        expected = inputs["expected"]
        seen = _half(1 - np.asarray(inputs["mask"], np.float32))
        difference = _half(np.asarray(inputs["crop"] - expected, np.float32))  # light is smooth: half the size will do
        outlying = np.abs(difference).max(-1) / OUTLIER
        weight = np.where(seen < 0.99, 0, 1 / (1 + outlying * outlying) ** 2).astype(np.float32)
        offset = membrane(difference, weight)
        if isinstance(state, _Light):
            offset = np.asarray(STEADY * state.offset + (1 - STEADY) * offset, np.float32)
        light = cv2.resize(offset, expected.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        fill = np.clip(expected + light, 0, 1).astype(np.float32)
        return {"fill": fill, "trust": np.ones(fill.shape[:2], np.float32)}, _Light(offset)


def membrane(values: Floats, weight: Floats, *, sigma: float = 2.0) -> Floats:
    """Spread `values` (h, w, c) from where `weight` (h, w) is 1 over where it is 0, smoothly."""
    levels = [(blur(values * weight[..., None], sigma), blur(weight, sigma))]
    while min(levels[-1][1].shape) > 3:
        levels.append((_half(levels[-1][0]), _half(levels[-1][1])))
    spread = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for total, share in reversed(levels[:-1]):
        spread = cv2.resize(spread, share.shape[::-1], interpolation=cv2.INTER_LINEAR)
        known = np.minimum(share * 1.5, 1)[..., None]
        spread = total / np.maximum(share, 1e-6)[..., None] * known + spread * (1 - known)
    return np.asarray(spread, np.float32)


def _half(image: Floats) -> Floats:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
