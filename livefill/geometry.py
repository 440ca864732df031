"""Where things are: similarity transforms, the face crop, and what a face's landmarks say of its pose.

Points are float32 (n, 2) in pixels, x then y. An affine A (2, 3) takes (x, y, 1) to (x', y').
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import Affine, Mask, Points

__all__ = [
    "BROWS",
    "EYES",
    "LIPS",
    "apply",
    "beside",
    "compose",
    "crop_transform",
    "distances",
    "enlarge",
    "eye_distance",
    "face_hull",
    "fill_polygon",
    "grid",
    "grow",
    "inner",
    "invert",
    "pose_shape",
    "sample",
    "scaled",
    "similarity",
    "step_of",
    "turn",
    "turned",
]

Pixels = TypeVar("Pixels", bound=NDArray[Any])
Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom
Field = NDArray[np.float32]  # (h, w, 2): for each pixel the place to look at

# Indices of MediaPipe's face mesh: closed outlines, in order.
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
EYES = (RIGHT_EYE, LEFT_EYE)
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
EYE_CORNERS = (33, 263)
CHEEKS = (234, 454)
LIDS = 0.05  # face widths around the eyes that still belong to them, less and less
STIFFNESS = 0.02  # of a head's pose against what few landmarks say


def apply(affine: Affine, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move points (..., 2) by an affine."""
    return np.asarray(cv2.transform(points.reshape(-1, 1, 2), affine), np.float32).reshape(points.shape)


def invert(affine: Affine) -> Affine:
    """Return the affine that undoes this one."""
    return np.asarray(cv2.invertAffineTransform(affine), np.float32)


def compose(outer: Affine, inner: Affine) -> Affine:
    """Return the affine that does `inner`, then `outer`."""
    linear = outer[:, :2] @ inner[:, :2]
    shift = outer[:, :2] @ inner[:, 2] + outer[:, 2]
    return _affine(linear, shift)


def similarity(source: Points, target: Points, weights: NDArray[np.float32] | None = None) -> Affine:
    """Fit rotation, scale and shift that take `source` to `target`, least squares (Umeyama 1991, section III).

    Where no point has any weight, all count the same.
    """
    # In the complex plane to turn and to scale is to multiply by one number.
    a, b = (np.asarray(points, np.float64, order="C").view(np.complex128)[:, 0] for points in (source, target))
    if weights is None or not weights.any():
        share = np.full(len(a), 1 / len(a))
    else:
        share = weights.astype(np.float64) / weights.sum(dtype=np.float64)
    mean_a, mean_b = share @ a, share @ b
    a = a - mean_a
    pull = share * a
    turn = np.vdot(pull, b) / max(np.vdot(pull, a).real, 1e-9)
    shift = mean_b - turn * mean_a
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32)


def _affine(linear: NDArray[Any], shift: NDArray[Any]) -> Affine:
    return np.asarray(np.concatenate([linear, shift[:, None]], axis=1), np.float32)


def pose_shape(
    shape: Points,
    depth: NDArray[np.float32],
    points: Points,
    weights: NDArray[np.float32],
    *,
    stiffness: float = STIFFNESS,
) -> Points:
    """Lay a rigid face, landmarks and their depth, onto `points`; those of small weight follow the others.

    The camera is affine (Koenderink, van Doorn 1991): eight numbers by least squares, drawn towards the plain
    similarity by `stiffness`, so that few visible points do not bend the face.
    """
    flat, bent = _bent(shape, depth, points, weights, stiffness)
    return np.asarray(flat + bent, np.float32)


def _bent(
    shape: Points, depth: NDArray[np.float32], points: Points, weights: NDArray[np.float32], stiffness: float
) -> tuple[Points, NDArray[np.float64]]:
    """Return a face as the plain similarity lays it on `points`, and by how much turning it moves each landmark."""
    to_points = similarity(shape, points, weights)
    flat, scale = apply(to_points, shape), np.hypot(to_points[0, 0], to_points[1, 0])
    solid = np.ones((len(shape), 4))
    solid[:, :2] = flat - flat.mean(0)
    solid[:, 2] = (depth - depth.mean()) * scale
    weighted = solid * (weights / max(float(weights.sum()), 1e-6))[:, None]
    spread = float(np.vdot(solid[:, :2], solid[:, :2])) / (2 * len(solid))
    normal = solid.T @ weighted
    normal.flat[::5] += stiffness * spread * np.array([1, 1, 1, 1e-6])
    _, moved = cv2.solve(normal, weighted.T @ (points - flat), flags=cv2.DECOMP_CHOLESKY)  # half of numpy's time
    return flat, solid @ moved


def turned(
    shape: Points, depth: NDArray[np.float32], points: Points, weights: NDArray[np.float32] | None = None
) -> float:
    """How far a head is turned from the pose of `shape`: by what that moves the landmarks, in eye distances."""
    shape, depth, seen = shape[::4], depth[::4], points[::4]  # a pose has few degrees of freedom
    weight = np.ones(len(seen), np.float32) if weights is None else weights[::4]
    _, bent = _bent(shape, depth, seen, weight, STIFFNESS)
    return float(np.hypot(bent[:, 0], bent[:, 1]).mean()) / max(eye_distance(points), 1e-6)


def eye_distance(points: Points) -> float:
    """Distance of the outer eye corners in pixels: the unit in which landmark errors are given."""
    return float(np.hypot(*(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]])))


def inner(points: Points) -> NDArray[np.float32]:
    """Return how much each landmark (468,) is bound to what is seen there, 0..1.

    A face's outline is no texture: it moves along the cheek when the head turns. The mouth moves by itself.
    """
    unit, hull = eye_distance(points), face_hull(points)
    edge = np.stack([np.linspace(a, b, 12) for a, b in zip(hull, np.roll(hull, -1, axis=0), strict=True)]).reshape(
        -1, 2
    )
    from_edge = distances(points, edge.astype(np.float32)).min(1) / unit
    from_mouth = distances(points, points[[*LIPS, *INNER_LIPS]]).min(1) / unit
    free = np.clip((from_edge - 0.12) / 0.15, 0, 1) * np.clip((from_mouth - 0.05) / 0.1, 0.1, 1)
    return np.asarray(free, np.float32)


def face_hull(points: Points) -> NDArray[np.float32]:
    """Return the convex outline (k, 2) of the landmarks."""
    return np.asarray(cv2.convexHull(points.astype(np.float32)), np.float32)[:, 0]


def fill_polygon(shape: tuple[int, ...], polygon: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a filled polygon as a uint8 picture (h, w) of 0 and 1."""
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(canvas, [np.rint(polygon).astype(np.int32)], (1,))
    return canvas


def beside(points: Points, side: int, *, close: float, soft: float) -> Mask:
    """Return where a picture (side, side) shows no face whose landmarks are `points`, nor what surrounds it closely.

    That goes as far as `close` face widths, and ends over `soft` more.
    """
    face = np.minimum(fill_polygon((side, side), face_hull(points)), 1)
    away = cv2.distanceTransform(1 - face, cv2.DIST_L2, 3)
    width = float(np.ptp(points[:, 0]))
    return np.asarray(np.clip((away - close * width) / (soft * width), 0, 1), np.float32)


def near_eyes(points: Points, side: int) -> Mask:
    """Return the eyes of a picture (side, side) with landmarks `points`: 1 in them, 0 from LIDS face widths on."""
    outside = np.ones((side, side), np.uint8)
    for eye in EYES:
        outside[fill_polygon((side, side), points[list(eye)]) > 0] = 0
    away = cv2.distanceTransform(outside, cv2.DIST_L2, 3) / np.float32(LIDS * np.ptp(points[:, 0]))
    return np.asarray(np.maximum(1 - away, 0), np.float32)


def crop_transform(points: Points, size: int, *, face_share: float = 0.44) -> Affine:
    """Return the similarity that takes the frame to a size x size crop.

    The eyes lie level, the face is `face_share` of the crop wide, and the head has room on every side.
    """
    right, left = points[EYE_CORNERS[0]], points[EYE_CORNERS[1]]
    hull = face_hull(points)
    # The smallest circle changes little when the mouth opens or the head turns, so the crop does not breathe.
    center, radius = cv2.minEnclosingCircle(hull)
    angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    scale = face_share * size / (1.75 * radius)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    linear = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([size / 2, size / 2]) - linear @ np.array(center)
    return _affine(linear, shift)


@lru_cache(maxsize=16)
def grid(shape: tuple[int, int], step: float = 1.0) -> Field:
    """Return the pixel centres (h, w, 2) of a picture shrunk by `step`; read-only, as it is handed out again."""
    offset = (step - 1) / 2
    places = np.empty((*shape, 2), np.float32)
    places[..., 0] = np.arange(shape[1]) * step + offset
    places[..., 1] = (np.arange(shape[0]) * step + offset)[:, None]
    places.flags.writeable = False
    return places


def scaled(to_crop: Affine, factor: float) -> Affine:
    """Return what cuts the same crop, `factor` times as large; pixel centres lie at whole numbers."""
    grown = to_crop * np.float32(factor)
    grown[:, 2] += np.float32((factor - 1) / 2)
    return grown


def sample(field: Field | Mask, places: Field) -> NDArray[np.float32]:
    """Read a field at fractional places (h, w, 2), replicating its border."""
    read = cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(read, np.float32)


def enlarge(image: NDArray[np.float32], to_image: Affine, box: Box) -> NDArray[np.float32]:
    """Bring a picture to a box of another; beyond its border it goes on as it ends.

    `to_image` takes the other's pixels to this one's. Where the other is much finer it is done in two steps, `turn` and
    `grow`, which cost a fifth of what turning it at once does.
    """
    step = step_of(to_image)
    return grow(turn(image, to_image, box, step), box, step)


def step_of(to_image: Affine) -> int:
    """Return how many pixels of another picture are as wide as one of this."""
    return max(1, int(1 / float(np.hypot(to_image[0, 0], to_image[1, 0]))))


def turn(image: NDArray[np.float32], to_image: Affine, box: Box, step: int) -> NDArray[np.float32]:
    """Bring a picture to every `step`-th pixel of a box of another, which `to_image` takes to this one's."""
    left, top, right, bottom = box
    place = to_image.copy()
    place[:, :2] *= step
    place[:, 2] = apply(to_image, np.array([left, top], np.float32) + np.float32((step - 1) / 2))
    size, flags = (-(-(right - left) // step), -(-(bottom - top) // step)), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def grow(image: Pixels, box: Box, step: int) -> Pixels:
    """Bring what `turn` gave to every pixel of the box."""
    left, top, right, bottom = box
    if step > 1:
        size = image.shape[1] * step, image.shape[0] * step
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return image[: bottom - top, : right - left]  # type: ignore[return-value]


def distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distance of every point (n, 2) of `a` from every point (m, 2) of `b`."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)
