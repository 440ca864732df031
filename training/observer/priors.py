"""How far from the truth a tracker's idea of the landmarks may be before it looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livefill.geometry import apply, eye_distance, similarity
from livefill.types import Points

__all__ = ["LEVELS", "Level", "perturb"]


@dataclass(frozen=True, slots=True)
class Level:
    """Standard deviations of one kind of error."""

    share: float  # of all samples
    shift: float  # eye distances
    scale: float  # natural logarithm
    turn: float  # radians
    bend: float  # at most, 0..1: how far the shape may be that of another moment
    strange: float  # standard deviation of how far it may be somebody else's


# Followed from the last frame; followed through fast motion or under an occluder; found by the detector. A network that
# may trust its prior too often hands an error on from frame to frame where little of the face is seen.
LEVELS = (
    Level(0.3, 0.03, 0.03, 0.025, 0.2, 0.15),
    Level(0.45, 0.09, 0.08, 0.08, 0.6, 0.3),
    Level(0.25, 0.22, 0.13, 0.17, 1.0, 0.4),
)


def perturb(points: Points, other: Points, stranger: Points, level: Level, random: np.random.Generator) -> Points:
    """Return `points` (468, 2) as a tracker might have them: moved, and bent.

    Bent towards those of `other`, a moment ago; and by what makes a `stranger`'s face another one, and smoothly: a
    tracker that goes by its own last answer drifts into whatever error it has not learned to correct.
    """
    bent = points + np.float32(random.uniform(0, level.bend)) * (_laid(other, points) - points)
    bent = bent + np.float32(random.normal(0, level.strange)) * (_laid(stranger, points) - points)
    unit = eye_distance(points)
    center = bent.mean(0)
    x, y = ((bent - center) / unit).T
    bent = bent + np.column_stack([x * x, x * y, y * y]) @ random.normal(0, 0.1 * level.shift * unit, (3, 2))
    angle, scale = random.normal(0, level.turn), np.exp(random.normal(0, level.scale))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    linear = np.array([[cos, -sin], [sin, cos]]) + random.normal(0, 0.5 * level.scale, (2, 2))
    moved: NDArray[np.float32] = (bent - center) @ linear.T + center + random.normal(0, level.shift * unit, 2)
    return np.asarray(moved, np.float32)


def _laid(shape: Points, onto: Points) -> Points:
    return apply(similarity(shape, onto), shape)
