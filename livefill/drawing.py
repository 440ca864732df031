"""Landmarks as a picture: what guides the generator (the guidance channel of arXiv 1907.01131, section 4)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import BROWS, EYES, INNER_LIPS, LIPS
from livefill.types import Points

__all__ = ["draw_landmarks"]

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152),
    *(148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
NOSE = ((168, 6, 197, 195, 5, 4), (98, 97, 2, 326, 327))
SHIFT = 4  # bits of a pixel's fraction


def draw_landmarks(points: Points, size: int) -> NDArray[np.float32]:
    """Draw landmarks (468, 2), pixels of a crop, as a picture (size, size, 2) of 0..1.

    The first channel holds the outlines of lips, eyes, brows, nose and face, the second the openings of mouth and eyes.
    """
    lines, openings = (np.zeros((size, size), np.uint8) for _ in range(2))
    fixed = np.rint(np.clip(points, -size, 2 * size) * (1 << SHIFT)).astype(np.int32)
    closed = [fixed[list(ring)] for ring in (LIPS, INNER_LIPS, *EYES, *BROWS, OVAL)]
    cv2.polylines(lines, closed, True, (255,), 1, cv2.LINE_AA, SHIFT)
    cv2.polylines(lines, [fixed[list(path)] for path in NOSE], False, (255,), 1, cv2.LINE_AA, SHIFT)
    for ring in (INNER_LIPS, *EYES):
        cv2.fillPoly(openings, [fixed[list(ring)]], (255,), cv2.LINE_AA, SHIFT)
    return np.multiply(cv2.merge([lines, openings]), np.float32(1 / 255), dtype=np.float32)
