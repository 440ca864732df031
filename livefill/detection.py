"""Faces in single pictures, and what covers them: with what the calibration looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.backends.runtimes import open_network
from livefill.config import TRACKERS
from livefill.errors import TrackerError
from livefill.finder import Finder, crop_of
from livefill.geometry import apply, compose, crop_transform, face_hull, fill_polygon, invert, scaled
from livefill.landmarker import FaceMesh, Hands
from livefill.observer import FACE_SHARE, MASK, SIZE, Observation, Observer
from livefill.pyramid import Pyramid, cut
from livefill.types import RGB, Affine, Mask, Points

__all__ = ["Detector", "Face", "MeshDetector", "ObserverDetector", "open_detector"]

LIKELY = 0.5  # what the network must say of a face
HANDS_EVERY = 3  # pictures between two searches for hands
ELSEWHERE = 3  # pictures between two looks for other faces
AROUND = np.float32(1.2)  # times as large as the face's outline is what surrounds it closely


@dataclass(frozen=True, slots=True)
class Face:
    """One face in a picture."""

    points: Points  # (468, 2) in the picture
    depth: NDArray[np.float32]  # (468,) pixels, away from the camera
    covered: Mask  # (n, n) of the crop that `crop_transform` cuts for it, 1 where something covers the face
    cover: float  # share of the face that is covered
    around: float  # the same of the face and what surrounds it closely, a hand at the chin as well


class Detector(Protocol):
    """Finds faces."""

    thorough: bool  # whether whatever covers a face gives it at least some doubt

    def find(self, image: RGB) -> list[Face]:
        """Return the faces in a picture, the largest first."""
        ...

    def close(self) -> None:
        """Release the networks."""
        ...


def open_detector(tracker: str, size: int) -> Detector:
    """Return the detector that goes with a tracker; `size` is the side of its crops."""
    if tracker == "observer":
        return ObserverDetector(size)
    if tracker == "mediapipe":
        return MeshDetector(size)
    raise TrackerError(f"unknown tracker {tracker!r}: choose one of {', '.join(TRACKERS)}")


class ObserverDetector:
    """Finds faces with livefill's own networks; a face of the last picture is looked for where it was."""

    thorough = True

    def __init__(self, size: int, *, observer: Observer | None = None, finder: Finder | None = None) -> None:
        """`size` is the side of the crop in which is said what is covered."""
        self._size = size
        self._observer = observer or Observer.open()
        self._finder = finder or Finder(open_network("finder", keys=("size",)).run)
        self._last: Observation | None = None
        self._count = 0

    def find(self, image: RGB) -> list[Face]:
        """Return the faces in a picture, the largest first."""
        found: list[Observation] = []
        picture = Pyramid(image)
        if self._last is not None:
            again = self._observer.look(picture, self._last.points, None)
            if again.face > LIKELY:
                found.append(again)
        if not found or self._count % ELSEWHERE == 0:
            for candidate in self._finder.find(image):
                first = self._observer.look_at(picture, crop_of(candidate, SIZE, FACE_SHARE))
                if first.face < LIKELY / 2 or any(_one(first, other) for other in found):
                    continue
                second = self._observer.look(picture, first.points, None)
                if second.face > LIKELY and not any(_one(second, other) for other in found):
                    found.append(second)
        self._count += 1
        found.sort(key=lambda seen: -float(np.ptp(seen.points[:, 0])))
        self._last = found[0] if found else None
        return [self._face(seen, image) for seen in found]

    def close(self) -> None:
        """Nothing is held that would have to be released."""

    def _face(self, seen: Observation, image: RGB) -> Face:
        to_crop = crop_transform(seen.points, self._size)
        there = compose(to_crop, invert(scaled(seen.to_crop, MASK / SIZE)))
        side = (self._size, self._size)
        mask = np.asarray(cv2.warpAffine(seen.mask, there, side), np.float32)
        return _face(seen.points, seen.depth, mask, to_crop)


class MeshDetector:
    """Finds faces with MediaPipe's face mesh, and takes hands for the only thing that covers them.

    The mesh is asked as the trackers ask it, following a face: references and frames then err alike.
    """

    thorough = False

    def __init__(self, size: int) -> None:
        """`size` is the side of the crop in which is said what is covered."""
        self._size = size
        self._mesh = FaceMesh(video=True, faces=2)
        self._hands = Hands()
        self._hand: Mask | None = None
        self._count = 0

    def find(self, image: RGB) -> list[Face]:
        """Return the faces in a picture, the largest first."""
        faces = []
        for i, found in enumerate(self._mesh.settle(image)):
            points, depth = found[:, :2].copy(), found[:, 2].copy()
            to_crop = crop_transform(points, self._size)
            hand = self._look_for_hands(cut(image, to_crop, self._size)) if i == 0 else None
            covered = np.zeros((self._size, self._size), np.float32) if hand is None else hand
            faces.append(_face(points, depth, covered, to_crop))
        return faces

    def close(self) -> None:
        """Release the networks."""
        self._mesh.close()
        self._hands.close()

    def _look_for_hands(self, crop: RGB) -> Mask:
        if self._count % HANDS_EVERY == 0 or self._hand is None:
            self._hand = self._hands.find(crop)
        self._count += 1
        return self._hand


def _face(points: Points, depth: NDArray[np.float32], covered: Mask, to_crop: Affine) -> Face:
    """Return a face whose mask is `covered`, in the crop that `to_crop` cuts for it."""
    hull = face_hull(apply(to_crop, points))
    middle = hull.mean(0)
    face, near = (fill_polygon(covered.shape, middle + grown * (hull - middle)) for grown in (1, AROUND))
    cover, around = (float((covered * part).sum()) / max(float(face.sum()), 1.0) for part in (face, near))
    return Face(points, depth, covered, cover, around)


def _one(a: Observation, b: Observation) -> bool:
    """Say whether two looks saw the same face."""
    apart = float(np.linalg.norm(a.points.mean(0) - b.points.mean(0)))
    return apart < 0.5 * max(float(np.ptp(a.points[:, 0])), float(np.ptp(b.points[:, 0])))
