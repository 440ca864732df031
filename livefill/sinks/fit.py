"""Brings pictures of any size into the one size of a sink."""

from __future__ import annotations

import cv2
import numpy as np

from livefill.types import RGB


def fit(image: RGB, size: tuple[int, int]) -> RGB:
    """Return `image` as large as `size` (width, height) allows, in the middle, with black bars."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return np.ascontiguousarray(image)
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = scaled
    return canvas
