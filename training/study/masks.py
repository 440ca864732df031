"""What the study hides: the paper's static and moving masks, worn ones, and things that look real.

A mask is float32 (h, w), 1 where the picture is hidden; a setting gives one for each frame of a clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import EYES, LIPS, eye_distance, face_hull, fill_polygon
from livefill.types import Mask, Points

__all__ = ["PAINTED", "SETTINGS", "paint"]

Random = np.random.Generator
SQUARE = (0.375, 0.5)  # of the face's square, the side of a static mask (LGTSM, arXiv 1907.01131, section 4)
FACE = 2.4  # eye distances that the face's square is wide
STROKES, CORNERS = (2, 4), (4, 8)  # of a moving mask: strokes, and corners of each
BRUSH = (0.18, 0.42)  # eye distances
SPEED, JITTER = 0.04, 0.02  # eye distances a frame: of a stroke, and of its corners
NOSE_TIP, CHIN = 4, 152


def static(faces: Sequence[Points], shape: tuple[int, int], random: Random) -> list[Mask]:
    """One square over some of the face, in the same place in every frame."""
    unit = eye_distance(faces[0])
    side = random.uniform(*SQUARE) * FACE * unit
    middle = faces[0].mean(0) + random.uniform(-0.45, 0.45, 2) * unit
    mask = np.zeros(shape, np.float32)
    (x0, y0), (x1, y1) = (np.rint(middle + sign * side / 2).astype(int) for sign in (-1, 1))
    mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 1
    return [mask] * len(faces)


def moving(faces: Sequence[Points], shape: tuple[int, int], random: Random) -> list[Mask]:
    """Free-form strokes that wander over the face (after LGTSM, section 4: strokes of many corners that move)."""
    unit = eye_distance(faces[0])
    strokes = [_stroke(faces[0].mean(0), unit, random) for _ in range(int(random.integers(*STROKES, endpoint=True)))]
    masks = []
    for _ in faces:
        mask = np.zeros(shape, np.uint8)
        for corners, speed, width in strokes:
            line = np.rint(corners * 8).astype(np.int32)
            cv2.polylines(mask, [line], False, (1,), max(1, round(width)), cv2.LINE_8, 3)
            trembling = (random.random(len(corners)) < 0.5)[:, None]
            corners += speed + random.normal(0, JITTER * unit, corners.shape) * trembling
        masks.append(mask.astype(np.float32))
    return masks


def _stroke(
    middle: NDArray[np.float32], unit: float, random: Random
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return a stroke's corners (n, 2), its speed (2,) in pixels a frame, and its width in pixels."""
    count = int(random.integers(*CORNERS, endpoint=True))
    turns = np.cumsum(random.normal(0, 0.9, count)) + random.uniform(0, 2 * np.pi)
    steps = random.uniform(0.25, 0.6, (count, 1)) * unit * np.column_stack([np.cos(turns), np.sin(turns)])
    corners = np.cumsum(steps, 0)
    corners += middle + random.normal(0, 0.35 * unit, 2) - corners.mean(0)
    return corners, random.normal(0, SPEED * unit, 2), float(random.uniform(*BRUSH) * unit)


def eyes(faces: Sequence[Points], shape: tuple[int, int], random: Random) -> list[Mask]:
    """What a headset hides: eyes and brows, worn with the face."""
    up, down, out = random.uniform(0.35, 0.55), random.uniform(0.3, 0.45), random.uniform(0.25, 0.45)
    masks = []
    for points in faces:
        right, left = points[33], points[263]
        along = left - right
        unit = float(np.hypot(*along))
        along = along / unit
        below = np.array([-along[1], along[0]])
        corners = [
            right - unit * (out * along + up * below), left + unit * (out * along - up * below),
            left + unit * (out * along + down * below), right - unit * (out * along - down * below),
        ]  # fmt: skip
        masks.append(fill_polygon(shape, np.asarray(corners, np.float32)).astype(np.float32))
    return masks


def lower(faces: Sequence[Points], shape: tuple[int, int], random: Random) -> list[Mask]:
    """What a mask for breathing hides: nose, mouth and chin, worn with the face."""
    high = random.uniform(0.25, 0.6)  # of the way from the eyes to the nose's tip
    masks = []
    for points in faces:
        brow = points[list(EYES[0]) + list(EYES[1])].mean(0)
        cut = brow + high * (points[NOSE_TIP] - brow)
        down = points[CHIN] - brow
        hull = face_hull(points)
        grown = hull.mean(0) + 1.04 * (hull - hull.mean(0))
        face = fill_polygon(shape, grown.astype(np.float32))
        rows, columns = np.mgrid[: shape[0], : shape[1]]
        below = (columns - cut[0]) * down[0] + (rows - cut[1]) * down[1] > 0
        lips = fill_polygon(shape, face_hull(points[list(LIPS)]))
        masks.append(((face > 0) & below | (lips > 0)).astype(np.float32))
    return masks


PAINTED: dict[str, Callable[[Sequence[Points], tuple[int, int], Random], list[Mask]]] = {
    "static": static,
    "moving": moving,
    "eyes": eyes,
    "lower": lower,
}
SETTINGS = (*PAINTED, "real")  # real: hands, cups, masks, microphones as the networks of livefill learn from


def paint(setting: str, faces: Sequence[Points], shape: tuple[int, int], random: Random) -> list[Mask]:
    """Return the masks (h, w) of a clip whose landmarks are `faces`, each (468, 2) in pixels."""
    return PAINTED[setting](faces, shape, random)
