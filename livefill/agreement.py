"""Landmarks of one picture that agree with those of others of the same face.

Nothing is seen in a landmark but what was learned of it, and in every picture it is off by a little. Where one picture,
warped onto others by their landmarks, has to be moved to lie on them by texture, its own are off, on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from livefill.geometry import apply, crop_transform, invert, sample, scaled, similarity
from livefill.profile import Reference
from livefill.pyramid import cut
from livefill.settling import SIDE, settle
from livefill.types import Points

__all__ = ["WIDTH", "agreed"]

SIZE, FACE_SHARE = 256, 0.62  # of the crops in which pictures are compared
WIDTH = SIZE * FACE_SHARE  # pixels of a face there: of larger ones nothing more is seen


def agreed(picture: Reference, others: Sequence[Reference]) -> Reference:
    """Return the picture with landmarks that agree, on average, with those of `others`, one or more."""
    small = picture.shrunk(WIDTH, coarse=True)
    off = np.mean([_off(small, other) for other in others], axis=0)
    off = off * (np.ptp(picture.points[:, 0]) / np.ptp(small.points[:, 0]))
    return replace(picture, points=np.asarray(picture.points - off, np.float32))


def _off(picture: Reference, other: Reference) -> Points:
    """Return by how much landmarks (468, 2) are off, pixels of the picture, if those of the other are right."""
    to_crop = crop_transform(other.points, SIZE, face_share=FACE_SHARE)
    height, width = other.image.shape[:2]
    shown = cut(other.image, to_crop, SIZE)
    expected = picture.view(other.points, to_crop, (SIZE, SIZE), (width, height))
    moved = settle(expected, shown, np.ones((SIZE, SIZE), np.float32), apply(to_crop, other.points))
    at = sample(moved, apply(scaled(to_crop, SIDE / SIZE), other.points)[None])[0]
    to_picture = similarity(other.points, picture.points)[:, :2] @ invert(to_crop)[:, :2]
    return np.asarray(at @ to_picture.T, np.float32)
