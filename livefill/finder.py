"""Where the faces are, when nothing is known: one coarse look at the whole frame.

The network sees the frame shrunk to fit SIZE and says for each cell of a coarse grid whether a face's centre lies
there, and the face's circle and roll (objects as points: Zhou et al. 2019). It need not be precise: what looks next
cuts a crop around the candidate, and corrects it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import EYE_CORNERS, face_hull
from livefill.types import RGB, Affine, Points, Tensor

__all__ = ["PAD", "SIZE", "THRESHOLD", "Candidate", "Finder", "crop_of", "fitted"]

SIZE = (320, 192)  # width and height of the network's picture
PAD = 127  # grey level of its part that the frame does not reach, at the right or below
THRESHOLD = 0.3  # scores below are not a face
NEAR = 0.8  # of the larger radius: two candidates closer than this are the same face


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that may be a face."""

    center: tuple[float, float]  # of the smallest circle around the landmarks, in pixels of the frame
    radius: float  # of that circle, in pixels of the frame
    angle: float  # radians: the line through the eyes against the horizontal
    score: float  # 0..1

    @classmethod
    def of(cls, points: Points) -> Candidate:
        """Return the place of a face whose landmarks are known."""
        (x, y), radius = cv2.minEnclosingCircle(face_hull(points))
        along = points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]]
        return cls((x, y), radius, float(np.arctan2(along[1], along[0])), 1.0)


class Finder:
    """Finds faces in a whole frame."""

    def __init__(self, run: Callable[[dict[str, Tensor]], dict[str, Tensor]], *, threshold: float = THRESHOLD) -> None:
        """`run` executes the network: `picture` uint8 (1, 192, 320, 3) to `score` (1, h, w) and `place` (1, h, w, 4).

        A place is x, y and radius in pixels of the picture, and the angle in radians.
        """
        self._run = run
        self._threshold = threshold

    def find(self, image: RGB, *, most: int = 3) -> list[Candidate]:
        """Return where `image` (h, w, 3) may show a face, the likeliest first, at most `most` of them."""
        picture, scale = fitted(image)
        said = self._run({"picture": picture[None]})
        score, place = np.asarray(said["score"])[0], np.asarray(said["place"])[0]
        chosen: list[Candidate] = []
        for row, column in _peaks(score, self._threshold):
            x, y, radius, angle = (float(value) for value in place[row, column])
            center = ((x + 0.5) / scale[0] - 0.5, (y + 0.5) / scale[1] - 0.5)
            candidate = Candidate(center, radius / scale[0], angle, float(score[row, column]))
            if not any(_same(candidate, other) for other in chosen):
                chosen.append(candidate)
            if len(chosen) == most:
                break
        return chosen


def fitted(image: RGB) -> tuple[RGB, tuple[float, float]]:
    """Return the network's picture (192, 320, 3) of a frame, and by how much that is smaller, across and down.

    The frame lies in the upper left corner. It is halved as often as that goes, which is fast, then shrunk by the rest.
    """
    height, width = image.shape[:2]
    share = min(SIZE[0] / width, SIZE[1] / height)
    inside = (max(1, round(width * share)), max(1, round(height * share)))
    halvings = 0
    while image.shape[1] >= 2 * inside[0] and image.shape[0] >= 2 * inside[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(
            cv2.resize(image[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA), np.uint8
        )
        halvings += 1
    left = (inside[0] / image.shape[1], inside[1] / image.shape[0])
    if image.shape[1::-1] != inside:
        flags = cv2.INTER_AREA if min(left) < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, inside, interpolation=flags), np.uint8)
    picture = np.full((SIZE[1], SIZE[0], 3), PAD, np.uint8)
    picture[: inside[1], : inside[0]] = image
    return picture, (left[0] / 2**halvings, left[1] / 2**halvings)


def crop_of(candidate: Candidate, size: int, face_share: float) -> Affine:
    """Return the similarity that takes the frame to a size x size crop: `geometry.crop_transform` of that face."""
    scale = face_share * size / (1.75 * candidate.radius)
    cos, sin = np.cos(candidate.angle) * scale, np.sin(candidate.angle) * scale
    linear = np.array([[cos, sin], [-sin, cos]])
    shift = size / 2 - linear @ np.array(candidate.center)
    return np.asarray(np.concatenate([linear, shift[:, None]], axis=1), np.float32)


def _peaks(score: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Return rows and columns (n, 2) of the cells that say more than `threshold` and their neighbours, best first."""
    highest = cv2.dilate(score, np.ones((3, 3), np.uint8))
    places = np.argwhere((score >= highest) & (score > threshold))
    return places[np.argsort(-score[places[:, 0], places[:, 1]])]


def _same(one: Candidate, other: Candidate) -> bool:
    apart = np.hypot(one.center[0] - other.center[0], one.center[1] - other.center[1])
    return bool(apart < NEAR * max(one.radius, other.radius))
