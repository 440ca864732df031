"""What an observer gets wrong about one face time and again, learned from a better witness, and made good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from livefill.geometry import apply, eye_distance, similarity
from livefill.types import Points

__all__ = ["Bias"]

FIRM = 0.5  # squared eye distances, over all landmarks and frames, that a face must move for half of its slope to count


@dataclass(frozen=True)
class Bias:
    """What to add to the landmarks of one face: a constant, and what goes with the way it moves most.

    All is in eye distances, the face turned as in the first frame it was learned from.
    """

    usual: Points  # (468, 2) the landmarks on average, as they are observed
    mean: Points  # (468, 2) what to add to them
    motion: Points  # (468, 2) the direction, of length 1, in which they move most
    slope: Points  # (468, 2) what else to add for each eye distance of it
    reach: float  # of the motion, in either direction: beyond it nothing was learned

    @classmethod
    def of(cls, observed: Sequence[Points], witnessed: Sequence[Points]) -> Self:
        """Learn from landmarks (468, 2) of the same frames by both.

        The slope is a ridge regression on the first principal component: a face that hardly moves has none.
        """
        if not observed or len(observed) != len(witnessed):
            raise ValueError("a bias is learned from one frame or more, each seen by both")
        first = np.asarray(observed[0] / eye_distance(observed[0]), np.float32)
        upright = [similarity(points, first) for points in observed]
        seen, true = (
            np.array([apply(to, points) for to, points in zip(upright, side, strict=True)], np.float32)
            for side in (observed, witnessed)
        )
        usual, gaps = seen.mean(0), true - seen
        mean, moved = gaps.mean(0), (seen - usual).reshape(len(seen), -1)
        motion = np.linalg.svd(moved, full_matrices=False)[2][0]
        amounts = moved @ motion
        slope = amounts @ (gaps - mean).reshape(len(gaps), -1) / (amounts @ amounts + FIRM)
        reach = float(np.abs(amounts).max())
        return cls(usual, mean, motion.reshape(mean.shape), slope.reshape(mean.shape), reach)

    @classmethod
    def read(cls, fields: NDArray[Any], reach: float) -> Self:
        """Return the bias with these `fields`; raises `ValueError` where they are none."""
        if fields.shape != (4, 468, 2) or not (np.isfinite(fields).all() and np.isfinite(reach) and reach >= 0):
            raise ValueError("what it says of the observer's bias is damaged")
        usual, mean, motion, slope = fields.astype(np.float32)
        return cls(usual, mean, motion, slope, reach)

    @property
    def fields(self) -> NDArray[np.float32]:
        """All but the reach (4, 468, 2), for `read`."""
        return np.stack([self.usual, self.mean, self.motion, self.slope]).astype(np.float32)

    def correct(self, points: Points) -> Points:
        """Return observed landmarks (468, 2) as the witness would have them."""
        upright = similarity(points, self.usual)
        amount = float(((apply(upright, points) - self.usual) * self.motion).sum())
        gap = self.mean + np.float32(np.clip(amount, -self.reach, self.reach)) * self.slope
        turn = upright[:, :2]  # its inverse is its transpose over the square of its scale
        return np.asarray(points + gap @ (turn / (turn[0] @ turn[0])), np.float32)
