"""Turns pictures into the pixel formats of virtual cameras."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill import v4l2
from livefill.types import RGB

__all__ = ["encode"]


def encode(image: RGB, letters: str) -> NDArray[np.uint8]:
    """Turn a picture of even sides into the bytes of a pixel format of `v4l2.FORMATS` (BT.601, limited range)."""
    height, width = image.shape[:2]
    planar = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
    if letters == "YU12":
        return planar.ravel()
    luma, chroma = planar[:height], planar[height:].reshape(2, height // 2, width // 2)
    pairs = np.dstack([chroma[0], chroma[1]])  # (h / 2, w / 2, 2): U, V
    if letters == "NV12":
        return np.concatenate([luma.ravel(), pairs.ravel()])
    if letters == "YUYV":
        packed = np.empty((height, width, 2), np.uint8)
        packed[..., 0] = luma
        packed[..., 1] = pairs.repeat(2, axis=0).reshape(height, width)
        return packed.ravel()
    raise ValueError(f"{letters} is not one of {', '.join(v4l2.FORMATS)}")
