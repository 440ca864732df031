"""Things worn on the face, drawn on its landmarks: masks, headsets, scarves, tubes, patches.

The landmarks are MediaPipe's 468; left and right are those of the picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask
from training.occluders.eyewear import eyepatch, headset
from training.occluders.facemask import mask, scarf
from training.occluders.medical import boom, oxygen, patch
from training.occluders.overlay import Layer

__all__ = ["WORN", "worn"]

_DRAW: dict[str, Callable[[Layer, NDArray[np.float32], int], None]] = {
    "mask": mask,
    "headset": headset,
    "scarf": scarf,
    "oxygen": oxygen,
    "eyepatch": eyepatch,
    "patch": patch,
    "boom": boom,
}
WORN = tuple(_DRAW)


def worn(kind: str, points: NDArray[np.float32], size: tuple[int, int], style: int) -> tuple[RGB, Mask]:
    """Return a worn thing as a picture RGB (h, w, 3) of `size` (width, height), and its alpha (h, w).

    `points` (468, 3) are landmarks in pixels, z growing away from the camera. The same `style` is the same thing, so
    that it can be drawn on moving landmarks frame by frame.
    """
    layer = Layer(size)
    _DRAW[kind](layer, np.asarray(points, np.float32), style)
    return layer.finish()
