"""RGB, and the planes in which videos hold pictures: 8 bits, colour mostly in half the size (4:2:0).

A value of colour lies in the middle of its four pixels: on the way in what is between two is in between, on the way out
it is the mean of the four. There and back changes colours by less than a rounding, but at hard edges. Matrices and
ranges are those of ITU-T H.273; numbers of colour spaces are FFmpeg's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB

__all__ = ["BT601", "BT709", "SHARES", "from_rgb", "to_rgb"]

Bytes = NDArray[np.uint8]
BT709, BT601 = 1, 5
# What red and blue have of the brightness, in each colour space.
SHARES = {
    BT709: (0.2126, 0.0722),
    4: (0.3, 0.11),  # FCC
    BT601: (0.299, 0.114),
    6: (0.299, 0.114),  # the same
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}


def to_rgb(planar: Bytes, space: int = BT601, *, full: bool = False) -> RGB:
    """Return the picture (h, w, 3) that a 4:2:0 frame (h * 3 / 2, w) holds: Y, then U and V, as FFmpeg's yuv420p.

    `space` is a key of `SHARES`; `full` says that black is 0 and white 255, not 16 and 235.
    """
    width = planar.shape[1]
    height = len(planar) * 2 // 3
    colour = planar[height:].reshape(2, height // 2, width // 2)
    whole = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in colour)
    return np.asarray(cv2.transform(cv2.merge([planar[:height], *whole]), _inward(space, full)), np.uint8)


def from_rgb(image: RGB, space: int = BT601, *, halved: bool = True) -> Bytes:
    """Return the planes of a picture (h, w, 3), in limited range.

    They are (h * 3 / 2, w), as `to_rgb` takes them, where colour is `halved`, for which both sides must be even, and
    else (3, h, w).
    """
    height, width = image.shape[:2]
    planes = cv2.split(cv2.transform(image, _outward(space)))
    if not halved:
        return np.asarray(np.stack(planes), np.uint8)
    out = np.empty((height * 3 // 2, width), np.uint8)
    out[:height] = planes[0]
    colour = out[height:].reshape(2, height // 2, width // 2)
    for plane, half in zip(planes[1:], colour, strict=True):
        cv2.resize(plane, (width // 2, height // 2), half, interpolation=cv2.INTER_AREA)
    return out


@cache
def _outward(space: int, full: bool = False) -> NDArray[Any]:
    """Return the matrix (3, 4) from R, G, B, 1 to Y, U, V, all 0..255."""
    red, blue = SHARES[space]
    bright = np.array([red, 1 - red - blue, blue])
    rows = np.stack([bright, ([0, 0, 1] - bright) / (2 - 2 * blue), ([1, 0, 0] - bright) / (2 - 2 * red)])
    gains, black = ([[1], [1], [1]], 0) if full else ([[219 / 255], [224 / 255], [224 / 255]], 16)
    return np.column_stack([rows * gains, [black, 128, 128]])


@cache
def _inward(space: int, full: bool) -> NDArray[Any]:
    """Return its inverse, from Y, U, V, 1 to R, G, B."""
    there = _outward(space, full)
    back = np.linalg.inv(there[:, :3])
    return np.column_stack([back, -back @ there[:, 3]])
