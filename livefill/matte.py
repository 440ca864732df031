"""The network's mask, made exact: its edge to the edge in the picture, and nothing where all is as expected."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import eye_distance, face_hull, fill_polygon
from livefill.types import RGB, Mask, Points

__all__ = ["only_strange", "sharpen"]

RADIUS = 4  # pixels around which mask and picture are compared
EDGE = 60.0  # squared levels below which a change of brightness is no edge
STEEP = 4.0  # how much steeper the mask's edge becomes
AS_EXPECTED, STRANGE = 14.0, 26.0  # levels of difference from the reference: up to here none, from here on all
SPECK = 0.004  # share of the face: smaller pieces are nothing
BORDER = 0.08  # eye distances around the face in which the network is believed


def sharpen(mask: Mask, picture: RGB) -> Mask:
    """Return the mask (n, n), 0..1, with its edge where the picture (n, n, 3) has one, and steeper.

    A guided filter (He et al. 2013) on the picture's luma.
    """
    side = (2 * RADIUS + 1, 2 * RADIUS + 1)
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean, average = cv2.blur(luma, side), cv2.blur(mask, side)
    spread = cv2.blur(luma * luma, side) - mean * mean + EDGE
    slope = (cv2.blur(luma * mask, side) - mean * average) / spread
    guided = cv2.blur(slope, side) * luma + cv2.blur(average - slope * mean, side)
    return np.asarray(np.clip((guided - 0.5) * STEEP + 0.5, 0, 1), np.float32)


def only_strange(mask: Mask, picture: RGB, expected: RGB, points: Points) -> Mask:
    """Return the mask without what looks as expected, beyond the face whose landmarks are `points`.

    Over the face a hand may look like the cheek that it covers; beside it, a neck that looks as in the reference is
    a neck, and what does not reach over the face does not matter. `expected` is the reference, laid onto the picture;
    both are (n, n, 3).
    """
    if not mask.any():
        return mask
    small = (len(mask) // 2, len(mask) // 2)
    seen, known = (
        cv2.resize(one, small, interpolation=cv2.INTER_AREA).astype(np.float32) for one in (picture, expected)
    )
    gap = seen - known
    free = cv2.resize(mask, small, interpolation=cv2.INTER_AREA) < 0.2
    if free.any():
        gap = gap - np.median(gap[free][::7], axis=0)  # another light is nothing strange
    strange = cv2.GaussianBlur(np.abs(gap).max(-1).astype(np.float32), (0, 0), 1.5)
    weight = np.clip((strange - AS_EXPECTED) / (STRANGE - AS_EXPECTED), 0, 1)
    weight = cv2.resize(weight, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    face = fill_polygon(mask.shape, face_hull(points))
    side = int(2 * BORDER * eye_distance(points)) | 1
    around = np.asarray(cv2.dilate(face, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), np.uint8)
    kept = np.asarray(mask * np.maximum(weight, around), np.float32)
    return kept * _touching(kept > 0.5, face, SPECK * float(face.sum()))


def _touching(covered: NDArray[np.bool_], face: NDArray[np.uint8], least: float) -> Mask:
    """Return 1 on the pieces that cover the face by `least` pixels or more, and around them; 0 on all others."""
    count, labels = cv2.connectedComponents(covered.astype(np.uint8), connectivity=8)
    if count == 1:
        return np.zeros(covered.shape, np.float32)
    over = np.bincount(labels.ravel(), weights=face.ravel(), minlength=count)
    keep = over >= least
    keep[0] = False
    pieces = keep[labels].astype(np.float32)
    return np.asarray(cv2.dilate(pieces, np.ones((5, 5), np.uint8)), np.float32)
