"""A hand that comes up, covers the mouth, stays in motion, and leaves; and how it falls into a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask
from training.occluders.anatomy import HandPose
from training.occluders.hand import HandLook, HandPlace, render_hand

__all__ = ["SPAN", "cover", "hand_at", "over_the_mouth"]

SPAN = (14, 34, 92, 108)  # frames: it comes, has come, goes, is gone
TURN = 1.02  # radians from upright: the fingers lie across the mouth, on the other cheek
AWAY = (-170.0, 560.0)  # pixels from its place over the mouth to where it cannot be seen
SHUTTER = 0.35  # of a frame's time
SHADOWS = ((6, 9, 7, 0.38), (12, 20, 26, 0.3))  # pixels right, down, of blur; depth


def over_the_mouth(frame: int, mouth: tuple[float, float], scale: float) -> HandPlace | None:
    """Return where the hand is in this frame, or None; `mouth` in pixels, `scale` in pixels per centimetre."""
    if not SPAN[0] < frame < SPAN[3]:
        return None
    away = 1 - _ease((frame - SPAN[0]) / (SPAN[1] - SPAN[0])) + _ease((frame - SPAN[2]) / (SPAN[3] - SPAN[2]))
    t = frame / 30
    turn = TURN + 0.06 * np.sin(2.1 * t) - 0.35 * away
    reach = 10.6 * scale  # from the wrist to what covers the mouth
    x = mouth[0] - reach * np.sin(TURN) + AWAY[0] * away + 11 * np.sin(1.7 * t + 0.4)
    y = mouth[1] + 1.7 * scale + reach * np.cos(TURN) + AWAY[1] * away + 9 * np.sin(2.3 * t)
    return HandPlace((float(x), float(y)), scale, float(turn), float(0.12 + 0.1 * np.sin(1.3 * t)))


def hand_at(frame: int) -> HandPose:
    """Return how the hand is held in this frame."""
    t = frame / 30
    curl = [float(0.30 + 0.07 * np.sin(2.6 * t + 0.5 * k) + 0.03 * k) for k in range(4)]
    spread, thumb = 0.055 + 0.025 * np.sin(1.9 * t), 0.42 + 0.08 * np.sin(1.5 * t)
    return HandPose(float(spread), (curl[0], curl[1], curl[2], curl[3]), float(thumb))


def cover(
    picture: NDArray[np.float32], look: HandLook, place: HandPlace, velocity: tuple[float, float]
) -> tuple[NDArray[np.float32], Mask]:
    """Return `picture` with the hand and its shadow in it, and the hand's alpha."""
    image, alpha = _blurred(*render_hand((picture.shape[1], picture.shape[0]), look, place), velocity)
    shaded = picture * _shadow(alpha)[..., None]
    return np.asarray(shaded * (1 - alpha[..., None]) + image, np.float32), alpha


def _blurred(image: RGB, alpha: Mask, velocity: tuple[float, float]) -> tuple[NDArray[np.float32], Mask]:
    """Return the hand, multiplied by its alpha, as seen while the shutter is open."""
    layer = np.dstack([image * alpha[..., None], alpha]).astype(np.float32)
    length = max(1, round(SHUTTER * float(np.hypot(*velocity))))
    if length > 1:
        kernel = np.zeros((length | 1, length | 1), np.float32)
        middle, way = length // 2, np.array(velocity) / np.hypot(*velocity) * length / 2
        start, end = (np.rint(middle + sign * way).astype(int).tolist() for sign in (-1, 1))
        cv2.line(kernel, start, end, (1.0,), 1, cv2.LINE_AA)
        layer = np.asarray(cv2.filter2D(layer, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32)
    return layer[..., :3], np.ascontiguousarray(layer[..., 3])


def _shadow(alpha: Mask) -> Mask:
    light = np.ones_like(alpha)
    for right, down, blur, depth in SHADOWS:
        moved = cv2.warpAffine(alpha, np.array([(1.0, 0, right), (0, 1.0, down)]), alpha.shape[::-1])
        light *= 1 - depth * cv2.GaussianBlur(moved, (0, 0), blur)
    return light


def _ease(t: float) -> float:
    """Return the way covered of a reach with the least jerk (Flash, Hogan 1985)."""
    t = min(max(t, 0.0), 1.0)
    return t**3 * (10 - 15 * t + 6 * t * t)
