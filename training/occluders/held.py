"""Hands as they come before a face: bare or gloved, in many gestures, with a forearm or a sleeve."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB
from training.occluders.anatomy import HandPose
from training.occluders.hand import HandLook, HandPlace, render_hand
from training.occluders.solids import Canvas, Surface, light, sample, tube
from training.occluders.textures import Image, noise, paint, pattern, skin

__all__ = ["hand", "sleeve"]

SIDE = 256  # pixels of the canvas


def hand(random: np.random.Generator) -> tuple[RGB, Image]:
    """Return a hand with its forearm as RGB (h, w, 3) and alpha (h, w)."""
    towards = light(random)
    gloved = random.random() < 0.1
    colour = paint(random) if gloved else skin(random)
    rgb = [round(255 * float(c)) for c in colour]
    pose = _gesture(random)
    look = HandLook(
        (rgb[0], rgb[1], rgb[2]),
        pose,
        int(random.integers(1 << 30)),
        (float(towards[0]), float(towards[1]), float(towards[2])),
        bare=not gloved,
    )
    scale = SIDE / random.uniform(24, 34)
    turn = float(np.clip(random.normal(0, 0.45), -1.2, 1.2))
    length = scale * (19.5 - 3.2 * min(float(np.median(pose.bend)), 1.8))  # from the wrist to the finger tips
    wrist = np.array([SIDE / 2 - 0.5 * length * np.sin(turn), 8 + length * np.cos(turn)])
    roll = random.normal(0, 0.5) + (np.pi if random.random() < 0.45 else 0)
    place = HandPlace((float(wrist[0]), float(wrist[1])), scale, turn, float(roll), float(random.normal(0, 0.3)))
    picture, alpha = render_hand((SIDE, SIDE), look, place)
    canvas = Canvas(SIDE, towards)
    canvas.layer = np.dstack([picture / np.float32(255) * alpha[..., None], alpha]).astype(np.float32)
    if gloved or random.random() < 0.55:
        down = np.array([-np.sin(turn), np.cos(turn)])
        cuff = wrist + down * scale * random.uniform(0.5, 7) * (0.3 if gloved else 1)
        sleeve(canvas, random, cuff, down, scale * random.uniform(3.1, 4.2))
    return _mirrored(*canvas.finish(SIDE), random)


def sleeve(
    canvas: Canvas, random: np.random.Generator, cuff: NDArray[np.float64], down: NDArray[np.float64], radius: float
) -> None:
    """Draw a sleeve of `radius` pixels from the `cuff` (2,) in the direction `down` (2,) out of the picture."""
    far = cuff + down * 2 * canvas.size
    wide = radius * random.uniform(1.6, 3.4)
    part = tube(canvas.size, np.array([cuff, far], np.float32), np.array([radius, wide], np.float32))
    columns, rows = np.meshgrid(np.arange(canvas.size, dtype=np.float32), np.arange(canvas.size, dtype=np.float32))
    across = (columns - cuff[0]) * down[1] - (rows - cuff[1]) * down[0]
    along = (columns - cuff[0]) * down[0] + (rows - cuff[1]) * down[1]
    mouth = along - 0.28 * np.sqrt(np.maximum(radius**2 - across**2, 0)) * random.uniform(-1, 1)
    cut = np.clip(mouth + 0.5, 0, 1) * part.alpha
    folds = noise(random, (canvas.size, canvas.size), coarse=random.uniform(5, 10), octaves=3) * radius * 0.9
    dy, dx = np.gradient(folds)
    normal = part.normal + np.stack([-dx, -dy, np.zeros_like(dx)], -1) * 0.6
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    size = np.float32(canvas.size)
    worn = Surface(
        np.asarray(cut, np.float32),
        np.asarray(normal, np.float32),
        np.asarray(0.5 + across / size, np.float32),
        np.asarray(np.abs(along) / (1.5 * size), np.float32),
    )
    cloth = sample(pattern(random, (192, 192), plain=0.6), worn)
    canvas.shade(np.asarray(cut, np.float32), blur=radius * 0.12, depth=0.4)
    canvas.lay(worn, cloth, gloss=float(random.choice([0, 0, 0.15])), sharp=8)
    if random.random() < 0.5:
        hem = np.exp(-(((mouth - radius * 0.45) / (0.04 * radius + 0.6)) ** 2))
        canvas.layer[..., :3] *= 1 - 0.3 * (hem * cut)[..., None]


def _gesture(random: np.random.Generator) -> HandPose:
    """Return a gesture: flat, spread, fist, pointing, holding, at rest."""
    kind = int(random.choice(6, p=(0.24, 0.18, 0.14, 0.12, 0.16, 0.16)))
    slack = np.abs(random.normal(0, 0.06, 4))
    if kind == 0:
        bend, spread, thumb = slack + 0.05, random.uniform(0.02, 0.1), random.uniform(0, 0.5)
    elif kind == 1:
        bend, spread, thumb = slack + 0.03, random.uniform(0.13, 0.26), random.uniform(0.3, 0.8)
    elif kind == 2:
        bend, spread, thumb = slack + random.uniform(1.25, 1.5), 0.03, random.uniform(-0.35, 0.1)
    elif kind == 3:
        bend, spread, thumb = slack + 1.35, random.uniform(0.03, 0.12), random.uniform(-0.3, 0.5)
        bend[: int(random.integers(1, 4))] = random.uniform(0.03, 0.2)
    elif kind == 4:
        bend, spread, thumb = slack + random.uniform(0.5, 0.95), random.uniform(0.03, 0.12), random.uniform(0, 0.6)
    else:
        bend = slack + random.uniform(0.2, 0.5) + 0.12 * np.arange(4) * random.uniform(-0.5, 1)
        spread, thumb = random.uniform(0.02, 0.14), random.uniform(0, 0.6)
    b = np.maximum(bend, 0.02)
    return HandPose(float(spread), (float(b[0]), float(b[1]), float(b[2]), float(b[3])), float(thumb))


def _mirrored(picture: RGB, alpha: Image, random: np.random.Generator) -> tuple[RGB, Image]:
    """Return it as a left hand half of the time."""
    if random.random() < 0.5:
        return picture, alpha
    return np.ascontiguousarray(cv2.flip(picture, 1)), np.ascontiguousarray(alpha[:, ::-1])
