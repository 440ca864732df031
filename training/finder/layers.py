"""How things are laid into a scene, and what they hide of the faces that are there already.

Pictures are RGB uint8 (h, w, 3) and are painted in place; alphas are float32 (h, w), 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import face_hull
from livefill.types import RGB, Affine, Points

__all__ = ["Face", "crown", "fading", "hide", "lay", "resized", "torso"]

Random = np.random.Generator
Floats = NDArray[np.float32]
Colour = tuple[float, ...]
ENOUGH = 0.3  # of the landmarks must be seen: a face that shows less need not be found
FINE = 4  # bits of a pixel's fraction in what is drawn


@dataclass
class Face:
    """A face in the picture."""

    points: Points
    seen: NDArray[np.bool_] = field(default_factory=lambda: np.ones(468, np.bool_))  # nothing lies before it

    def circle(self) -> tuple[tuple[float, float], float]:
        """Return centre and radius of the smallest circle around it."""
        (x, y), radius = cv2.minEnclosingCircle(face_hull(self.points))
        return (float(x), float(y)), float(radius)

    def row(self, width: int, height: int) -> Floats:
        """Return x, y, radius, angle, 1 (a face) or -1 (too little is seen to say), and how much of it is covered."""
        (x, y), radius = self.circle()
        across = self.points[263] - self.points[33]
        inside = ((self.points >= 0) & (self.points < (width, height))).all(1)
        covered = 1 - float(self.seen[inside].mean()) if inside.any() else 1.0
        is_face = (inside & self.seen).mean() >= ENOUGH and 0 <= x < width and 0 <= y < height
        angle = float(np.arctan2(across[1], across[0]))
        return np.array([x, y, radius, angle, 1 if is_face else -1, covered], np.float32)


def hide(faces: list[Face], alpha: Floats, corner: tuple[int, int] = (0, 0)) -> None:
    """Note which landmarks cannot be seen any more behind what was laid with its upper left `corner` (x, y) there."""
    height, width = alpha.shape
    for face in faces:
        x, y = (np.rint(face.points).astype(int) - corner).T
        under = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        face.seen[under] &= alpha[y[under], x[under]] < 0.5


def lay(picture: RGB, faces: list[Face], image: RGB, alpha: Floats, place: Affine) -> None:
    """Blend an image into the picture where `place` takes it; it is shrunk by halves first, so that it stays smooth."""
    scale = float(np.sqrt(abs(np.linalg.det(place[:, :2]))))
    halvings = max(0, int(-np.log2(max(scale, 1e-3))))
    if halvings:
        size = (max(2, alpha.shape[1] >> halvings), max(2, alpha.shape[0] >> halvings))
        place = resized(place, 2**halvings)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    high, wide = alpha.shape
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)]) @ place[:, :2].T + place[:, 2]
    left, top = (int(edge) for edge in np.clip(np.floor(corners.min(0)), 0, picture.shape[1::-1]))
    right, bottom = (int(edge) for edge in np.clip(np.ceil(corners.max(0)) + 1, 0, picture.shape[1::-1]))
    size = (right - left, bottom - top)
    if min(size) < 1:
        return
    there = np.column_stack([place[:, :2], place[:, 2] - (left, top)])
    layer = np.asarray(cv2.warpAffine(image, there, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    cover = np.asarray(cv2.warpAffine(alpha, there, size), np.float32)
    under = picture[top:bottom, left:right]
    under[:] = cv2.blendLinear(np.ascontiguousarray(under), layer, 1 - cover, cover)
    hide(faces, cover, (left, top))


def resized(place: Affine, factor: float) -> Affine:
    """Return what an affine becomes for a picture that is `factor` times smaller than the one it was for."""
    shift = place[:, 2] + place[:, :2].sum(1) * (factor - 1) / 2
    return np.column_stack([place[:, :2] * factor, shift]).astype(np.float32)


def fading(matte: NDArray[np.uint8]) -> Floats:
    """Return a matte as an alpha that falls to nothing at the borders, so that no straight edge is seen."""
    side = len(matte)
    away = np.arange(side, dtype=np.float32) / side
    across = np.minimum(np.minimum(away, away[::-1]) / 0.1, 1)
    down = np.minimum(np.minimum(away / 0.08, away[::-1] / 0.04), 1)
    return np.asarray(matte * (across[None] * down[:, None] / 255), np.float32)


def torso(picture: RGB, faces: list[Face], points: Points, cloth: RGB | Colour, random: Random) -> None:
    """Paint a neck and shoulders below the face whose landmarks are `points`; it need not be one of the `faces`."""
    unit = float(np.ptp(points[:, 0])) / 2
    chin = points[152]
    side, low = random.uniform(1.5, 2.6) * unit, unit * random.uniform(0.15, 0.7)
    neck = 0.55 * unit
    half = [(neck, -0.5 * unit), (neck, low - 0.2 * unit), (side, low + 0.5 * unit), (1.1 * side, 14 * unit)]
    outline = np.array(half + [(-across, down) for across, down in reversed(half)]) + chin
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(outline * 2**FINE).astype(np.int32)], (255,), cv2.LINE_AA, shift=FINE)
    _fill(picture, faces, inside, cloth)


def crown(
    picture: RGB, faces: list[Face], points: Points, colour: Colour, random: Random, *, whole: bool = False
) -> None:
    """Paint the top of a head, or all of it, behind the face whose landmarks are `points`."""
    chin, up = points[152], points[10] - points[152]
    middle = chin + up * (0.6 if whole else random.uniform(0.72, 0.85))
    wide = float(np.ptp(points[:, 0])) / 2 * random.uniform(1.05, 1.3)
    high = float(np.hypot(*up)) * random.uniform(0.55, 0.68)
    angle = float(np.degrees(np.arctan2(up[0], -up[1])))
    centre, axes = ((round(float(a) * 2**FINE), round(float(b) * 2**FINE)) for a, b in (middle, (wide, high)))
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(inside, centre, axes, angle, 0, 360, (255,), -1, cv2.LINE_AA, shift=FINE)
    _fill(picture, faces, inside, colour)


def _fill(picture: RGB, faces: list[Face], inside: NDArray[np.uint8], paint: RGB | Colour) -> None:
    cover = inside / np.float32(255)
    layer = paint if isinstance(paint, np.ndarray) else np.full_like(picture, np.clip(paint, 0, 255))
    picture[:] = cv2.blendLinear(picture, layer, 1 - cover, cover)
    hide(faces, cover)
