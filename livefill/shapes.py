"""How faces are held: the landmarks of several pictures compared with those of another, and which are nearest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from livefill.geometry import INNER_LIPS, LIPS, eye_distance
from livefill.types import Points

__all__ = ["Shapes"]

MOUTH = np.array(sorted({*LIPS, *INNER_LIPS}))


class Shapes:
    """The landmarks of several pictures of one person."""

    def __init__(self, shapes: Sequence[Points]) -> None:
        """`shapes` are landmarks (468, 2), each in the pixels of its own picture."""
        # In the complex plane to turn and to scale is to multiply by one number.
        self._centred = np.stack([_centred(one) for one in shapes])
        self._sizes = (np.abs(self._centred) ** 2).sum(1)

    def apart(self, points: Points) -> NDArray[np.float32]:
        """Return how far each of them is from `points` (468, 2) in eye distances, whatever place, size and tilt.

        Half of it is the face as a whole, half the mouth alone, wherever that is.
        """
        other = _centred(points)
        turns = self._centred.conj() @ other / self._sizes
        off = turns[:, None] * self._centred - other
        mouths = off[:, MOUTH] - off[:, MOUTH].mean(1, keepdims=True)
        gaps = sum(np.sqrt((np.abs(part) ** 2).mean(1)) for part in (off, mouths))
        return np.asarray(gaps / (2 * max(eye_distance(points), 1e-6)), np.float32)


def _centred(points: Points) -> NDArray[np.complex128]:
    places = np.asarray(points, np.float64, order="C").view(np.complex128)[:, 0]
    return np.asarray(places - places.mean(), np.complex128)
