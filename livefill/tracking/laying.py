"""Masks and landmarks between a frame and the crop that is cut from it."""

from __future__ import annotations

import cv2
import numpy as np

from livefill.geometry import apply, enlarge, face_hull, fill_polygon, invert
from livefill.pyramid import Pyramid
from livefill.types import RGB, Affine, Mask, Points

__all__ = ["StaticMask", "inside", "is_sound", "lay", "share_covered"]


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
    # A border of nothing, so that what lies beyond the crop is not covered.
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    to_framed = to_crop.copy()
    to_framed[:, 2] += 1
    out[top:bottom, left:right] = enlarge(np.asarray(framed, np.float32), to_framed, (left, top, right, bottom))
    return out


def inside(image: RGB, to_crop: Affine, side: int) -> Mask:
    """Return a mask (side, side), 1 where a crop shows the frame, 0 beyond its border."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    return fill_polygon((side, side), apply(to_crop, corners)).astype(np.float32)


def share_covered(mask: Mask, points: Points) -> float:
    """Return the share of the face that a crop's mask covers."""
    face = fill_polygon(mask.shape, face_hull(points))
    return float((mask * face).sum()) / max(float(face.sum()), 1.0)


def is_sound(points: Points, image: RGB) -> bool:
    """Say whether landmarks can be those of a face in this picture: of some size, and mostly inside."""
    height, width = image.shape[:2]
    center = points.mean(0)
    within = -0.1 * width < center[0] < 1.1 * width and -0.1 * height < center[1] < 1.1 * height
    return bool(within and np.isfinite(points).all() and 8 < np.ptp(points[:, 0]) < 2 * width)


class StaticMask:
    """A mask of what is always covered, such as a microphone's arm; drawn once, for frames of any size."""

    def __init__(self, mask: Mask) -> None:
        """`mask` is of any size: it is scaled to the frame."""
        self._mask = mask
        self._fitted = Pyramid(mask)  # to the frames of now

    def cut(self, to_crop: Affine, shape: tuple[int, ...], side: int) -> Mask:
        """Return it (side, side) in a crop of a frame of this `shape`, 0 or 1."""
        if self._fitted.image.shape != shape[:2]:
            self._fitted = Pyramid(np.asarray(cv2.resize(self._mask, shape[1::-1]), np.float32))
        return (self._fitted.cut(to_crop, side) > 0.5).astype(np.float32)
