"""What one look says, and what one frame hands to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livefill.observer import Observation
from livefill.occluder import Comparison
from livefill.tracking.rigid import Posed
from livefill.types import RGB, Affine, Mask, Points

__all__ = ["Covered", "Memory", "Met"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What one frame hands to the next."""

    points: Points  # in the frame, as observed
    rigid: Posed  # a face that only turns and moves, on them
    visible: NDArray[np.float32]  # (468,) 0..1
    to_crop: Affine
    crop: RGB
    mask: Mask  # of the crop, at half its size
    face: float  # 0..1, that it is one, steadied
    known: float  # 0..1, `likeness` to the profile's person, steadied


class Met(NamedTuple):
    """A face that was not followed before."""

    seen: Observation
    choice: int  # the reference that it was compared with
    known: float  # 0..1, `likeness` to the profile's person


class Covered(NamedTuple):
    """What covers a head."""

    mask: Mask  # of the crop, at half its size
    settled: Points | None = None  # landmarks where the reference's texture lies; None where nothing is covered
    turned: float = 0.0  # eye distances that the head is turned from the reference
    compared: Comparison | None = None  # with the reference; None where nothing is covered
