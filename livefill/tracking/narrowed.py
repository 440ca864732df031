"""Trackers that take another's word for where the face is, and have their own of what is to be filled."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from livefill.errors import ConfigError, EndOfStream
from livefill.geometry import eye_distance, face_hull, fill_polygon
from livefill.tracking.around import AroundTracker
from livefill.types import RGB, Frame, Mask, Source, Track, Tracker

__all__ = ["FaceOnly", "MaskedTracker"]

EDGE = 0.06  # eye distances around the outline that still count as the face


class MaskedTracker(AroundTracker):
    """Takes the mask from a video, frame by frame, and the landmarks from another tracker."""

    def __init__(self, inner: Tracker, masks: Source) -> None:
        super().__init__(inner)
        self._masks = masks

    def track(self, frame: Frame) -> Track | None:
        """Return the inner tracker's landmarks with the next mask."""
        try:
            mask = _white(self._masks.read().image, frame.image.shape[1::-1])
        except EndOfStream:
            raise ConfigError("the video of masks is shorter than the video to fill") from None
        track = self._inner.track(frame)
        return None if track is None else replace(track, occluder=mask)

    def close(self) -> None:
        """Close both."""
        self._masks.close()
        super().close()


class FaceOnly(AroundTracker):
    """Leaves what covers hair and neck alone: only what reaches over the face is an occluder."""

    def track(self, frame: Frame) -> Track | None:
        """Return the inner tracker's landmarks, the mask cut to the face and a little around it."""
        track = self._inner.track(frame)
        if track is None:
            return None
        face = fill_polygon(track.occluder.shape, face_hull(track.landmarks))
        side = 2 * round(EDGE * eye_distance(track.landmarks)) + 1
        grown = cv2.dilate(face, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        return replace(track, occluder=np.where(grown > 0, track.occluder, np.float32(0)))


def _white(image: RGB, size: tuple[int, ...]) -> Mask:
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if luma.shape[::-1] != tuple(size):
        luma = cv2.resize(luma, (size[0], size[1]), interpolation=cv2.INTER_LINEAR)
    return (luma > 127).astype(np.float32)
