"""A person's picture before another room."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB

__all__ = ["dress", "fading"]

Floats = NDArray[np.float32]


def fading(alpha: Floats) -> Floats:
    """Let a picture's alpha fall to nothing at its left, right and upper border, so that no straight edge is seen."""
    side = len(alpha)
    edge = np.clip(np.minimum(np.arange(side), np.arange(side)[::-1]) / (0.09 * side), 0, 1).astype(np.float32)
    top = np.clip(np.arange(side) / (0.06 * side), 0, 1).astype(np.float32)
    return np.asarray(alpha * edge[None] * top[:, None], np.float32)


def dress(room: RGB, points: Floats, random: np.random.Generator) -> None:
    """Paint a neck and shoulders into the room, where the person's will be."""
    width = float(np.ptp(points[:, 0]))
    chin, unit = points[152], width / 2
    side = random.uniform(1.7, 2.6) * unit
    low = chin[1] + unit * random.uniform(0.35, 0.8)
    colour = tuple(int(c) for c in random.integers(0, 256, 3))
    x, bottom = float(chin[0]), float(chin[1] + 12 * unit)
    outline = [
        (x - 0.55 * unit, low - 0.15 * unit),
        (x + 0.55 * unit, low - 0.15 * unit),
        (x + side, low + 0.5 * unit),
        (x + 1.1 * side, bottom),
        (x - 1.1 * side, bottom),
        (x - side, low + 0.5 * unit),
    ]
    cv2.fillPoly(room, [np.rint(np.array(outline)).astype(np.int32)], colour, lineType=cv2.LINE_AA)
