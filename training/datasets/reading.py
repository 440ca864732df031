"""Clips as arrays: decoded, cut and scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.capture import BaseSource, FileSource, ImageSource
from livefill.detection import Detector, open_detector
from livefill.errors import SourceError
from livefill.geometry import crop_transform
from livefill.pyramid import cut
from livefill.types import RGB, Affine
from training.datasets.clip import Clip

__all__ = ["Crop", "FaceCrop", "read_clip"]

Crop: TypeAlias = Callable[[RGB], Affine | None]  # a frame to what takes its pixels to the crop's; None: nothing there


def read_clip(
    clip: Clip, frames: int = 32, start: int = 0, stride: int = 1, size: int = 128, *, crop: Crop | None = None
) -> NDArray[np.uint8]:
    """Return `frames` frames of a clip, RGB (frames, size, size, 3): number `start`, and every `stride`-th after it.

    Without `crop` it is the square in the middle of the frame, scaled by `cv2.INTER_AREA`: right for sets whose clips
    are crops already. `crop` is asked at every frame that is taken, and says which similarity takes the frame to the
    crop of side `size`, as `FaceCrop(size)` does; it is cut by livefill's own `geometry.cut`. Frames before `start` are
    decoded too.

    Raises `SourceError`, with the path, when the clip cannot be read, has too few frames, or `crop` finds nothing, and
    `ValueError` for numbers that make no sense.
    """
    if min(frames, stride, size) < 1 or start < 0:
        raise ValueError(f"frames={frames}, stride={stride}, size={size} must be at least 1, start={start} at least 0")
    wanted = range(start, start + frames * stride, stride)
    taken: list[RGB] = []
    count = 0
    with _open(clip) as source:
        for frame in source:
            count += 1
            if frame.seq in wanted:
                taken.append(_cut(clip, frame.seq, frame.image, size, crop))
            if len(taken) == frames:
                return np.stack(taken)
    raise SourceError(
        f"{clip.path} has {count} frames: {frames} from number {start} on, {stride} apart, need {wanted[-1] + 1}."
    )


def _open(clip: Clip) -> BaseSource:
    return ImageSource(clip.path) if clip.path.is_dir() else FileSource(clip.path)


def _cut(clip: Clip, number: int, image: RGB, size: int, crop: Crop | None) -> RGB:
    if crop is not None:
        to_crop = crop(image)
        if to_crop is None:
            raise SourceError(f"{clip.path}: nothing to crop is found in frame {number}.")
        return cut(image, to_crop, size)
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


class FaceCrop:
    """Cuts the head of the largest face, upright, as the runtime does; one object for each clip.

    Every frame is searched with livefill's own networks; where no face is found the crop stays where it was.
    """

    def __init__(self, size: int, *, face_share: float = 0.58, detector: Detector | None = None) -> None:
        """`size` is the side of the crop in pixels; `face_share` of it the face takes, by default as in training."""
        self._size, self._share = size, face_share
        self._detector = detector or open_detector("observer", size)
        self._last: Affine | None = None

    def __call__(self, image: RGB) -> Affine | None:
        """Return what takes the frame to the crop; None as long as no face was found."""
        faces = self._detector.find(image)
        if faces:
            self._last = crop_transform(faces[0].points, self._size, face_share=self._share)
        return self._last
