"""Where what is hidden lies: a network carries on, under the occluder, what is seen beside it.

The landmarks and `settling` lay the expected picture on what is seen, and what is hidden follows stiffly. How faces
really go on from what is seen of them is learned, from people who do not exist (`training/settling`): a smooth
displacement, steadied by a learnable shift of features in time (LGTSM, Chang et al. 2019, arXiv 1907.01131, 3.2).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.backends.network import Network
from livefill.backends.runtimes import open_network
from livefill.geometry import Field, beside
from livefill.types import RGB, Mask, Points

__all__ = ["SIDE", "Settler", "Settling"]

Floats = NDArray[np.float32]
SIDE = 128  # pixels of a crop that it looks at
CLOSE, SOFT = 0.08, 0.1  # face widths around a face that belong to it, and over which that ends


class Settler:
    """Weights that say by how much an expected picture must still be moved; holds nothing of any stream."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def open(cls, *, runtime: str = "onnx") -> Settler:
        """Open the network that ships; raises `BackendError` where it cannot run."""
        return cls(open_network("settler", keys=("size", "states"), runtime=runtime))

    def stream(self) -> Settling:
        """Begin a stream."""
        return Settling(self._network)


class Settling:
    """One stream through a settler: owns what is handed on from frame to frame."""

    def __init__(self, network: Network) -> None:
        self._stream = network.stream()

    def step(self, crop: RGB, expected: Floats, hole: Mask, points: Points, drawing: Floats) -> Field:
        """Return by how much what is expected must be moved, smooth, in the crop's pixels: (m, m, 2), across and down.

        `crop` (n, n, 3) is what is seen, `hole` (n, n) 1 where it is covered, `points` (468, 2) its landmarks and
        `drawing` (n, n, 2) the same as lines, and `expected` (SIDE, SIDE, 3), 0..1, the same view as it is expected so
        far, in the crop's light. Where the room is seen it says nothing of a face: there what is seen is expected.
        """
        small, mask = np.multiply(_shrunk(crop), np.float32(1 / 255), dtype=np.float32), _shrunk(hole)
        away = beside((points + 0.5) * (SIDE / len(crop)) - 0.5, SIDE, close=CLOSE, soft=SOFT)
        room = cv2.merge([away * (1 - mask)] * 3)
        expected = np.asarray(expected + room * (small - expected), np.float32)
        seen = {"crop": small, "mask": mask, "expected": expected, "drawing": _shrunk(drawing)}
        said = self._stream.run({name: part[None] for name, part in seen.items()})
        return np.asarray(said["displacement"][0] * np.float32(len(crop) / SIDE), np.float32)


def _shrunk(image: NDArray[Any]) -> NDArray[Any]:
    return image if len(image) == SIDE else cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
