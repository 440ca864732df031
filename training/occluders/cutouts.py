"""Photographs of hands on black, cut out and given every skin and maybe a sleeve."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from livefill.types import RGB
from training.occluders.held import sleeve
from training.occluders.solids import Canvas, light
from training.occluders.textures import Image, skin

__all__ = ["cutout", "photographs"]

SIDE = 256  # pixels of the canvas
BLACK = 34  # below this the photograph's ground is black


def photographs(folder: Path) -> list[Path]:
    """Return the photographs in `folder`, in order."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def cutout(path: Path, random: np.random.Generator) -> tuple[RGB, Image]:
    """Return the hand of a photograph on black as RGB (h, w, 3) and alpha (h, w), with some other skin."""
    photograph = cv2.imread(str(path))
    if photograph is None:
        raise ValueError(f"{path} is not a picture.")
    picture = np.asarray(cv2.cvtColor(photograph, cv2.COLOR_BGR2RGB), np.uint8)
    alpha = _alpha(picture)
    rows, columns = (np.flatnonzero(alpha.max(axis) > 0.5) for axis in (1, 0))
    if not len(rows):
        raise ValueError(f"{path} shows nothing but black.")
    picture = _recoloured(picture, alpha, random)
    top, low, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    layer = np.dstack([picture / np.float32(255) * alpha[..., None], alpha])[top:low, left:right]
    return _placed(np.asarray(layer, np.float32), random)


def _alpha(picture: RGB) -> Image:
    """Return how much of each pixel is the hand (h, w): without holes, islands, or a dark fringe."""
    bright = (np.asarray(cv2.GaussianBlur(picture, (0, 0), 1)).max(-1) > BLACK).astype(np.uint8)
    bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    bright = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bright)
    if len(stats) > 1:
        bright = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    inner = cv2.erode(bright, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    return np.asarray(cv2.GaussianBlur(inner.astype(np.float32), (0, 0), 1.2))


def _recoloured(picture: RGB, alpha: Image, random: np.random.Generator) -> RGB:
    """Return the picture with the hand's mean colour moved to some skin's, in LAB."""
    lab = np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))
    inside = alpha > 0.9
    mean = lab[inside].mean(0)
    target = np.asarray(cv2.cvtColor(skin(random).reshape(1, 1, 3), cv2.COLOR_RGB2LAB))[0, 0]
    target[0] *= random.uniform(0.8, 1.0)  # the mean of a hand is darker than its lit skin
    contrast = np.array([np.clip(target[0] / mean[0], 0.45, 1.1), 0.7, 0.7], np.float32)
    moved = np.asarray(cv2.cvtColor(np.asarray((lab - mean) * contrast + target, np.float32), cv2.COLOR_LAB2RGB))
    return np.asarray(np.rint(255 * np.clip(moved, 0, 1)), np.uint8)


def _placed(layer: Image, random: np.random.Generator) -> tuple[RGB, Image]:
    """Return the hand's `layer` (h, w, 4) upright, turned a little, in a sleeve where it has a wrist."""
    height, width = layer.shape[:2]
    foot = np.flatnonzero(layer[int(height * 0.95), :, 3] > 0.5)
    wrist = len(foot) > 0.2 * width and len(foot) > 0.18 * height and random.random() < 0.9
    scale = SIDE * (random.uniform(0.55, 0.7) if wrist else 0.9) / max(height, width)
    turn = random.normal(0, 0.3)
    c, s = np.cos(turn), np.sin(turn)
    middle = np.array([width / 2, height / 2])
    centre = np.array([SIDE * 0.5, SIDE * (0.36 if wrist else 0.5)])
    linear = scale * np.array([(c, -s), (s, c)])
    matrix = np.column_stack([linear, centre - linear @ middle])
    canvas = Canvas(SIDE, light(random))
    warped = cv2.warpAffine(layer, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA)
    canvas.layer = np.ascontiguousarray(warped, np.float32)
    if wrist:
        down = np.array([-s, c])
        start = matrix @ np.array([float(foot.mean()), height * 0.93, 1])
        sleeve(canvas, random, start, down, scale * len(foot) * random.uniform(0.54, 0.7))
    picture, alpha = canvas.finish(SIDE)
    if random.random() < 0.5:
        return np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    return picture, alpha
