"""Put a generated face before a webcam: a wall that stands still, a sensor that is not perfect."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask
from training.faces.motion import Moment

__all__ = ["HEIGHT", "WIDTH", "place", "sensor", "wall_behind", "widened"]

WIDTH, HEIGHT = 960, 720
SIDE = 738  # of the generated square in the frame: a little more than the frame's height, so that the head may move
ROOM = 24  # pixels around the person that are still taken from the generated picture: fine hair
READ_NOISE = 1.6  # grey levels


def place(picture: RGB, matte: Mask, wall: NDArray[np.float32], moment: Moment) -> NDArray[np.float32]:
    """Return the frame: `picture` before the `wall` as far as its `matte` reaches, moved as the moment says."""
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    turn = np.asarray(cv2.getRotationMatrix2D((SIDE / 2, SIDE), float(np.degrees(moment.tilt)), 1), np.float64)
    turn[:, 2] += ((WIDTH - SIDE) / 2 + moment.shift[0], (HEIGHT - SIDE) / 2 + moment.shift[1])
    size, mode = (WIDTH, HEIGHT), cv2.INTER_LANCZOS4
    person = cv2.warpAffine(small, turn, size, flags=mode, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    alpha = cv2.warpAffine(matte, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[..., None]
    return np.asarray(wall + alpha * (person - wall), np.float32)


def widened(matte: Mask) -> Mask:
    """Return a matte (SIDE, SIDE) with room for hair and a soft end, also towards the sides of the picture."""
    small = cv2.resize(matte, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * ROOM + 1, 2 * ROOM + 1))
    wide = cv2.GaussianBlur(cv2.dilate(small, disc), (0, 0), ROOM / 2)
    edge = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]) / ROOM
    return np.asarray(wide * np.clip(edge - 0.2, 0, 1), np.float32)


def wall_behind(picture: RGB, matte: Mask) -> NDArray[np.float32]:
    """Return an empty wall (HEIGHT, WIDTH, 3): the smooth light that is seen around the person, and a faint grain."""
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    x, y = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))
    free = matte < 0.02
    colours, *_ = np.linalg.lstsq(_bowl(x[free], y[free]), small[free], rcond=None)
    x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    grain = cv2.GaussianBlur(np.random.default_rng(0).standard_normal((HEIGHT, WIDTH, 1)).astype(np.float32), (0, 0), 6)
    return np.asarray(np.clip(_bowl(x, y) @ colours + 14 * grain[..., None], 2, 253), np.float32)


def sensor(frame: NDArray[np.float32], random: np.random.Generator) -> RGB:
    """Return what the webcam makes of it: a little soft, with the noise of light and of the chip."""
    soft = cv2.GaussianBlur(frame, (0, 0), 0.55)
    noise = random.standard_normal(frame.shape, np.float32) * (READ_NOISE + 0.05 * np.sqrt(np.maximum(soft, 0)))
    return np.asarray(np.clip(np.rint(soft + cv2.GaussianBlur(noise, (0, 0), 0.5)), 0, 255), np.uint8)


def _bowl(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)
