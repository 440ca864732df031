"""A drawn face whose landmarks are known exactly, for what needs no real one."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import BROWS, EYES, LIPS, apply, compose, face_hull
from livefill.profile import Profile, Reference
from livefill.types import RGB, Affine, Frame, Mask, Points, Track

POINTS = 468
CHIN, CROWN, UPPER_LIP, LOWER_LIP = 152, 10, 13, 14


def face(center: tuple[float, float] = (128, 128), width: float = 110, *, mouth: float = 0.0) -> Points:
    """Landmarks of an upright face; `mouth` is how far it is open, in face widths."""
    points = np.zeros((POINTS, 2), np.float32)
    free = np.ones(POINTS, bool)

    def put(indices: tuple[int, ...], x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        points[list(indices)] = np.column_stack([x, y])
        free[list(indices)] = False

    for outline, side in zip(EYES, (-1, 1), strict=True):  # both begin at the outer corner and go over the upper lid
        around = np.pi * (1 + np.arange(len(outline)) * 2 / len(outline))
        put(outline, side * (0.21 - 0.09 * np.cos(around)), -0.15 + 0.035 * np.sin(around))
    for brow, side in zip(BROWS, (-1, 1), strict=True):
        along = np.linspace(0.34, 0.1, 5)
        put(brow[:5], side * along, np.full(5, -0.30))
        put(brow[5:], side * along[::-1], np.full(5, -0.26))
    around = np.pi * (1 + np.arange(len(LIPS)) * 2 / len(LIPS))
    put(LIPS, 0.17 * np.cos(around), 0.33 + (0.05 + mouth / 2) * np.sin(around) + mouth / 2)
    put((UPPER_LIP, LOWER_LIP), np.zeros(2), np.array([0.33, 0.335 + mouth]))
    put((234, 454), np.array([-0.5, 0.5]), np.zeros(2))
    put((CROWN, CHIN), np.zeros(2), np.array([-0.62, 0.62 + mouth]))
    rest = np.arange(POINTS) + 0.5
    radius, turn = np.sqrt(rest / len(rest)), rest * np.pi * (3 - np.sqrt(5))
    x, y = 0.5 * radius * np.cos(turn), 0.62 * radius * np.sin(turn)
    skin = (np.hypot(x / 0.21, (y - 0.33) / 0.08) > 1) & (y < 0.6)  # the mouth has landmarks of its own
    y = y + np.where(y > 0.33, mouth * np.exp(-((x / 0.25) ** 2)), 0)
    points[free] = np.column_stack([x, y])[skin][: free.sum()]
    return np.asarray(points * width + center, np.float32)


def depth(points: Points) -> NDArray[np.float32]:
    """Depth of an upright face's landmarks, as on an egg; it grows away from the camera."""
    width = float(np.ptp(points[:, 0]))
    x, y = ((points - points.mean(0)) / width).T
    return np.asarray(-0.45 * width * np.sqrt(np.maximum(1 - (x / 0.55) ** 2 - (y / 0.75) ** 2, 0)), np.float32)


def turned(points: Points, yaw: float) -> Points:
    """Landmarks after the head has turned by `yaw` degrees, seen from far away."""
    middle, z = points.mean(0), depth(points)
    x = points[:, 0] - middle[0]
    angle = np.deg2rad(yaw)
    moved = np.column_stack([x * np.cos(angle) + z * np.sin(angle) + middle[0], points[:, 1]])
    return np.asarray(moved, np.float32)


def picture(points: Points, size: tuple[int, int] = (256, 256), *, seed: int = 0) -> RGB:
    """Draw a face with its landmarks there, textured, before a plain wall."""
    width, height = size
    wall = np.linspace(90, 130, width, dtype=np.float32)[None, :, None] * np.ones((height, 1, 3), np.float32)
    image = wall * np.array([0.8, 1.0, 1.1], np.float32)
    skin = np.array([205, 160, 135], np.float32)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    reach = float(np.ptp(points[:, 0]))
    shade = 12 * np.sin(x / reach * 9 + seed) * np.cos(y / reach * 7)  # something for flow to hold on to
    hull = _mask(size, face_hull(points))[..., None]
    image = image * (1 - hull) + (skin + shade[..., None]) * hull
    parts = [(BROWS[0], (70, 45, 30)), (BROWS[1], (70, 45, 30)), (LIPS, (175, 80, 85))]
    parts += [(EYES[0], (235, 235, 235)), (EYES[1], (235, 235, 235))]
    for indices, colour in parts:
        part = _mask(size, points[list(indices)])[..., None]
        image = image * (1 - part) + np.array(colour, np.float32) * part
    for eye in EYES:
        middle = points[list(eye)].mean(0)
        pupil = cv2.circle(np.zeros((height, width), np.float32), _pixel(middle), max(1, int(0.03 * reach)), (1.0,), -1)
        image = image * (1 - pupil[..., None]) + 30 * pupil[..., None]
    noise = np.random.default_rng(seed).normal(0, 1.5, (height, width, 1))
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def person(name: str = "default", *, size: tuple[int, int] = (256, 256), mouths: tuple[float, ...] = (0.0,)) -> Profile:
    """A profile of the drawn face, with one reference for each opening of the mouth."""
    references = []
    for mouth in mouths:
        points = face((size[0] / 2, size[1] / 2), 0.43 * size[0], mouth=mouth)
        references.append(Reference(picture(points, size), points, depth(points)))
    return Profile(name, tuple(references))


def somebody_else(profile: Profile) -> Profile:
    """Somebody whose face lies where the profile's does, with other features in other places."""

    def other(image: RGB, seed: int) -> RGB:
        noise = np.random.default_rng(seed).normal(0, 45, (48, 64)).astype(np.float32)
        features = cv2.resize(noise, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
        return np.clip(cv2.GaussianBlur(image, (0, 0), 8) + features, 0, 255).astype(np.uint8)

    changed = tuple(replace(one, image=other(one.image, seed)) for seed, one in enumerate(profile.references))
    return Profile("somebody", changed)


def move(degrees: float = 0.0, scale: float = 1.0, shift: tuple[float, float] = (0, 0), about: float = 128) -> Affine:
    """A similarity about the middle of the picture."""
    angle = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    to_origin = np.array([[1, 0, -about], [0, 1, -about]], np.float32)
    back = np.column_stack([linear, np.array(shift) + about]).astype(np.float32)
    return compose(back, to_origin)


def moved(reference: Reference, by: Affine) -> tuple[RGB, Points]:
    """The reference after the whole picture has moved."""
    size = reference.image.shape[1::-1]
    image = cv2.warpAffine(reference.image, by, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(image, np.uint8), np.asarray(apply(by, reference.points), np.float32)


def block(shape: tuple[int, ...], box: tuple[int, int, int, int]) -> Mask:
    """A mask that is 1 in left, top, right, bottom."""
    mask = np.zeros(shape[:2], np.float32)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = 1
    return mask


def covered(image: RGB, mask: Mask, colour: tuple[int, int, int] = (30, 60, 200)) -> RGB:
    """Paint over the picture where the mask is 1."""
    return np.where(mask[..., None] > 0.5, np.array(colour, np.uint8), image)


def step(image: RGB, points: Points, mask: Mask, *, seq: int = 0, rate: float = 30) -> tuple[Frame, Track]:
    """One frame and what a faultless tracker says about it."""
    return Frame(seq, seq / rate, image), Track(points, mask, 1.0)


def psnr(a: RGB, b: RGB, where: NDArray[np.bool_] | None = None) -> float:
    """Peak signal to noise ratio in dB, of the pixels `where`."""
    difference = a.astype(np.float64) - b
    chosen = difference if where is None else difference[where]
    return float(10 * np.log10(255**2 / max(float((chosen**2).mean()), 1e-9)))


def _mask(size: tuple[int, int], outline: NDArray[np.float32]) -> NDArray[np.float32]:
    canvas = np.zeros(size[::-1], np.float32)
    cv2.fillPoly(canvas, [np.rint(outline).astype(np.int32)], (1.0,))
    return canvas


def _pixel(point: NDArray[np.float32]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
