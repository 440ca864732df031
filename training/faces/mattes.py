"""Which pixels of each picture are the person: so that people can be put into other rooms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.faces.measure import PersonMatte
from training.faces.pictures import read_picture

__all__ = ["SIDE", "mattes"]

SIDE = 160  # pixels of a matte: its edge is soft anyway


def mattes(folder: Path, names: Iterable[str]) -> NDArray[np.uint8]:
    """Return the mattes (n, SIDE, SIDE), 255 where the picture shows the person, of pictures of a folder."""
    found = []
    with PersonMatte() as meter:
        for name in names:
            matte = meter.find(read_picture(folder / name))
            small = cv2.resize(np.asarray(matte * 255, np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            found.append(np.asarray(small, np.uint8))
    return np.array(found, np.uint8).reshape(-1, SIDE, SIDE)
