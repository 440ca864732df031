"""Where the parts of a face are in a crop: drawn once, for all that weigh what is seen there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import BROWS, EYES, LIPS, eye_distance, face_hull, fill_polygon
from livefill.types import Points

__all__ = ["Bits", "Zones", "disc"]

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Zones:
    """A face and what moves in it by itself, and so may look other than expected without being covered.

    All are (h, w), 1 inside. Mouth, eyes and brows have some skin around them.
    """

    unit: float  # distance of the outer eye corners, in pixels
    face: Bits
    mouth: Bits
    eyes: Bits
    brows: Bits

    @classmethod
    def of(cls, points: Points, shape: tuple[int, ...]) -> Zones:
        """Draw those of landmarks (468, 2) in a picture of this shape."""
        unit = eye_distance(points)

        def drawn(parts: tuple[tuple[int, ...], ...], grown: float) -> Bits:
            whole = np.zeros(shape[:2], np.uint8)
            for part in parts:
                whole |= fill_polygon(shape, points[list(part)])
            return np.asarray(cv2.dilate(whole, disc(grown * unit)), np.uint8)

        face = fill_polygon(shape, face_hull(points))
        return cls(unit, face, drawn((LIPS,), 0.10), drawn(EYES, 0.12), drawn(BROWS, 0.12))


def disc(diameter: float) -> Bits:
    """Return a disc, 1 inside, on the least odd number of pixels that is not less than its diameter's."""
    side = int(diameter) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
