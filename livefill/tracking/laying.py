"""A crop's mask, laid onto the frame it was cut from."""

from __future__ import annotations

import cv2
import numpy as np

from livefill.geometry import apply, invert
from livefill.types import Affine, Mask

__all__ = ["lay"]


def lay(mask: Mask, to_crop: Affine, shape: tuple[int, ...]) -> Mask:
    """Return a mask of the frame's `shape` from that of a crop; `to_crop` is what cut the crop."""
    out = np.zeros(shape[:2], np.float32)
    covered = (mask > 0.1).astype(np.uint8)
    if not covered.any():
        return out
    x, y, width, height = cv2.boundingRect(covered)
    around = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]], np.float32)
    corners = apply(invert(to_crop), around)
    left, top = np.clip(np.floor(corners.min(0)) - 2, 0, shape[1::-1]).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)) + 3, 0, shape[1::-1]).astype(int)
    if right <= left or bottom <= top:
        return out
    window = to_crop.copy()
    window[:, 2] = apply(to_crop, np.array([left, top], np.float32))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out[top:bottom, left:right] = cv2.warpAffine(mask, window, (right - left, bottom - top), flags=flags)
    return out
