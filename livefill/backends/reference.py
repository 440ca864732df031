"""The session that needs no learned weights: what is expected is what is filled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from livefill.types import Bank, Inputs, ModelSpec, Outputs, State

__all__ = ["ReferenceSession"]


class ReferenceSession:
    """Gives `fill` = the expected picture, and `trust` = 1."""

    def __init__(self, size: int = 128, *, face_share: float = 0.44) -> None:
        """`size` is the crop's side in pixels; detail comes from the references themselves."""
        self.spec = ModelSpec("warped reference", "reference", "cpu", size, face_share, sure=True)

    def remember(self, references: Sequence[Inputs]) -> Bank:
        """Remember nothing."""
        return None

    def initial_state(self) -> State:
        """Return nothing: it has no state."""
        return None

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        """Take `expected`; give `fill` and `trust`."""
        fill = np.asarray(inputs["expected"], np.float32)
        return {"fill": fill, "trust": np.ones(fill.shape[:2], np.float32)}, None
