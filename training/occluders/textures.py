"""Colours and textures: skins, paints, noise, cloth, print. All are sRGB float32, 0..1."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["SKINS", "Image", "knit", "noise", "paint", "pattern", "photograph", "skin", "vector"]

Image = NDArray[np.float32]  # (h, w, 3) or (h, w), 0..1 where it is a colour
Colour = NDArray[np.float32]  # (3,)

# from very dark to very light
SKINS = np.array(
    [(66, 42, 33), (102, 67, 50), (146, 99, 74), (188, 138, 108), (222, 176, 150), (242, 208, 190)], np.float32
)


def vector(*values: float) -> Colour:
    """Return `values` as an array (n,): a colour, a place, a direction."""
    return np.array(values, np.float32)


def skin(random: np.random.Generator) -> Colour:
    """Return the sRGB colour (3,), 0..1, of some skin: every tone is as likely."""
    tone = random.uniform(0, len(SKINS) - 1)
    low = min(int(tone), len(SKINS) - 2)
    colour = SKINS[low] + (tone - low) * (SKINS[low + 1] - SKINS[low])
    warmth = random.normal(0, 6) * np.array([0.6, -0.1, -1.0]) + random.normal(0, 4)
    return np.asarray(np.clip(colour + warmth, 15, 252) / 255, np.float32)


def paint(random: np.random.Generator) -> Colour:
    """Return the sRGB colour (3,), 0..1, of a painted, dyed or moulded thing: often white, grey or black."""
    kind = random.random()
    if kind < 0.22:
        colour = random.uniform(0.02, 0.2) + random.normal(0, 0.01, 3)
    elif kind < 0.44:
        colour = random.uniform(0.75, 0.98) + random.normal(0, 0.02, 3)
    elif kind < 0.56:
        colour = random.uniform(0.25, 0.7) + random.normal(0, 0.02, 3)
    else:
        hsv = np.array([[[random.uniform(0, 180), random.uniform(60, 235), random.uniform(60, 240)]]], np.uint8)
        colour = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] / 255.0
    return np.asarray(np.clip(colour, 0, 1), np.float32)


def noise(random: np.random.Generator, size: tuple[int, int], *, coarse: float = 4, octaves: int = 5) -> Image:
    """Return smooth noise (h, w), 0..1; `coarse` is the number of its largest features along the longer side."""
    width, height = size
    result = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = coarse * 2.0**octave / max(size)
        if octave and cells > 0.8:  # finer than the pixels
            break
        shape = (max(2, round(height * cells) + 1), max(2, round(width * cells) + 1))
        grid = random.standard_normal(shape, np.float32) * np.float32(0.55**octave)
        result += cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    low, high = float(result.min()), float(result.max())
    return np.asarray((result - low) / (high - low + 1e-9), np.float32)


def photograph(random: np.random.Generator, size: tuple[int, int]) -> Image:
    """Return what a photograph out of focus may look like (h, w, 3): noise of many octaves in related colours."""
    ramp = np.stack([paint(random) for _ in range(4)])
    where = noise(random, size, coarse=random.uniform(1.5, 5), octaves=6) * 3
    low = np.clip(where.astype(int), 0, 2)
    colour = ramp[low] + (where - low)[..., None] * (ramp[low + 1] - ramp[low])
    light = 0.6 + 0.8 * noise(random, size, coarse=random.uniform(2, 12), octaves=4)
    return np.asarray(np.clip(colour * light[..., None], 0, 1), np.float32)


def knit(random: np.random.Generator, size: tuple[int, int], colour: Colour | None = None) -> Image:
    """Return cloth (h, w, 3) of coarse yarn."""
    base = paint(random) if colour is None else colour
    x, y = _grid(size)
    pitch = random.uniform(4, 9)
    rows = np.sin(2 * np.pi * (y + 0.35 * pitch * np.abs(np.sin(np.pi * x / pitch))) / pitch)
    columns = np.abs(np.sin(np.pi * x / pitch))
    light = 0.78 + 0.14 * rows + 0.16 * columns + 0.12 * (noise(random, size, coarse=30) - 0.5)
    return np.asarray(np.clip(base * light[..., None], 0, 1), np.float32)


def pattern(random: np.random.Generator, size: tuple[int, int], *, plain: float = 0.3) -> Image:
    """Return some texture (h, w, 3); `plain` is how likely it has one colour."""
    if random.random() < plain:
        return np.asarray(np.tile(paint(random), (size[1], size[0], 1)), np.float32)
    return PATTERNS[int(random.integers(len(PATTERNS)))](random, size)


def _grid(size: tuple[int, int]) -> tuple[Image, Image]:
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    return x, y


def _turned(random: np.random.Generator, size: tuple[int, int]) -> tuple[Image, Image]:
    """Return pixel coordinates along and across some direction."""
    x, y = _grid(size)
    turn = random.choice([0, 0, np.pi / 2, random.uniform(0, np.pi)])
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return c * x + s * y, c * y - s * x


def _between(random: np.random.Generator, where: Image) -> Image:
    first, second = paint(random), paint(random)
    return np.asarray(first + where[..., None] * (second - first), np.float32)


def _stripes(random: np.random.Generator, size: tuple[int, int]) -> Image:
    along, _ = _turned(random, size)
    wave = np.sin(2 * np.pi * along / (max(size) * random.uniform(0.02, 0.25)))
    return _between(random, np.clip(0.5 + random.choice([0.6, 8]) * (wave - random.uniform(-0.6, 0.6)), 0, 1))


def _checks(random: np.random.Generator, size: tuple[int, int]) -> Image:
    along, across = _turned(random, size)
    pitch = max(size) * random.uniform(0.04, 0.25)
    first, second = (np.clip(0.5 + 6 * np.sin(2 * np.pi * t / pitch), 0, 1) for t in (along, across))
    if random.random() < 0.5:
        return _between(random, np.abs(first - second))
    tartan = _between(random, 0.6 * first)
    return np.asarray(tartan + 0.4 * second[..., None] * (paint(random) - tartan), np.float32)


def _dots(random: np.random.Generator, size: tuple[int, int]) -> Image:
    along, across = _turned(random, size)
    pitch = max(size) * random.uniform(0.05, 0.2)
    u, v = along % pitch - pitch / 2, across % pitch - pitch / 2
    return _between(random, np.clip(pitch * random.uniform(0.2, 0.42) - np.hypot(u, v), 0, 1))


def _gradient(random: np.random.Generator, size: tuple[int, int]) -> Image:
    along, _ = _turned(random, size)
    return _between(random, (along - along.min()) / (np.ptp(along) + 1e-9))


def _speckle(random: np.random.Generator, size: tuple[int, int]) -> Image:
    return _between(random, noise(random, size, coarse=random.uniform(8, 60), octaves=3))


def _print(random: np.random.Generator, size: tuple[int, int]) -> Image:
    """Return a plain ground with a few figures: a logo, a label."""
    image = np.asarray(np.tile(paint(random), (size[1], size[0], 1)), np.float32)
    for _ in range(int(random.integers(1, 5))):
        centre = (int(random.uniform(0.2, 0.8) * size[0]), int(random.uniform(0.2, 0.8) * size[1]))
        axes = (int(size[0] * random.uniform(0.04, 0.25)) + 1, int(size[1] * random.uniform(0.03, 0.25)) + 1)
        colour = tuple(paint(random).tolist())
        if random.random() < 0.5:
            cv2.ellipse(image, centre, axes, random.uniform(0, 90), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            low, high = np.array(centre) - axes, np.array(centre) + axes
            cv2.rectangle(image, low.tolist(), high.tolist(), colour, -1, cv2.LINE_AA)
    return image


PATTERNS: tuple[Callable[[np.random.Generator, tuple[int, int]], Image], ...] = (
    _stripes,
    _checks,
    _dots,
    _gradient,
    _speckle,
    _print,
    photograph,
    knit,
)
