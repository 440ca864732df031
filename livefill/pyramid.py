"""A picture, and the halves of it from which crops are cut that are much coarser than it."""

from __future__ import annotations

from typing import Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Image", "Pyramid", "cut"]

Image = TypeVar("Image", NDArray[np.uint8], NDArray[np.float32])


class Pyramid(Generic[Image]):
    """A picture, its half, the half of that, and so on; each is made when it is first asked for.

    Whoever cuts several crops from one frame shares them: halving a frame costs as much as cutting a crop.
    """

    def __init__(self, image: Image) -> None:
        """`image` (h, w) or (h, w, 3) must not change any more."""
        self.image: Image = image
        self._levels: list[Image] = [image]
        self._fours: dict[int, Image] = {}

    def cut(self, to_crop: NDArray[np.float32], size: int) -> Image:
        """Cut a size x size crop out of the picture; beyond its border the picture goes on as it ends.

        `to_crop` (2, 3) takes its pixels to the crop's. Of a picture that is twice as fine as the crop, or more, every
        pixel counts, so that noise and edges do not flicker.
        """
        level, fineness = 0, 1 / float(np.hypot(to_crop[0, 0], to_crop[1, 0]))
        while fineness >= 2 and min(self._level(level).shape[:2]) > 1:
            level, fineness = level + 1, fineness / 2
        # A pixel of a half lies in the middle of the four that it was made of.
        inner, middle = np.float32(2**level), np.float32((2**level - 1) / 2)
        to_crop = np.column_stack([to_crop[:, :2] * inner, to_crop[:, 2] + to_crop[:, :2].sum(1) * middle])
        image = self._four(level)
        crop = cv2.warpAffine(image, to_crop, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return crop if image is self._level(level) else cv2.cvtColor(crop, cv2.COLOR_RGBA2RGB)  # type: ignore[return-value]

    def _level(self, level: int) -> Image:
        while len(self._levels) <= level:
            last = self._levels[-1]
            height, width = (side - side % 2 for side in last.shape[:2])  # whole pairs
            half = cv2.resize(last[:height, :width], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            self._levels.append(half)  # type: ignore[arg-type]
        return self._levels[level]

    def _four(self, level: int) -> Image:
        """Return a level with a fourth channel where it has three: OpenCV 5 cuts those in less than half the time."""
        image = self._level(level)
        if image.ndim < 3:
            return image
        if level not in self._fours:
            self._fours[level] = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)  # type: ignore[assignment]
        return self._fours[level]


def cut(image: Image, to_crop: NDArray[np.float32], size: int) -> Image:
    """Cut one size x size crop out of a picture, as `Pyramid.cut` does."""
    return Pyramid(image).cut(to_crop, size)
