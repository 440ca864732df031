"""The edge of a mask, brought to the edge in the picture (guided filter, He et al. 2013)."""

from __future__ import annotations

import cv2
import numpy as np

from livefill.types import RGB, Mask

__all__ = ["sharpen"]

RADIUS = 4  # pixels around which mask and picture are compared
EDGE = 60.0  # squared levels below which a change of brightness is no edge
STEEP = 4.0  # how much steeper the mask's edge becomes


def sharpen(mask: Mask, picture: RGB) -> Mask:
    """Return the mask (n, n), 0..1, with its edge where the picture (n, n, 3) has one, and steeper."""
    side = (2 * RADIUS + 1, 2 * RADIUS + 1)
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean, average = cv2.blur(luma, side), cv2.blur(mask, side)
    spread = cv2.blur(luma * luma, side) - mean * mean + EDGE
    slope = (cv2.blur(luma * mask, side) - mean * average) / spread
    guided = cv2.blur(slope, side) * luma + cv2.blur(average - slope * mean, side)
    return np.asarray(np.clip((guided - 0.5) * STEEP + 0.5, 0, 1), np.float32)
