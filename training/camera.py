"""What a webcam does to a picture: light, white balance, blur, noise, compression, low resolution.

Pictures are RGB uint8 (h, w, 3). Functions take their randomness from a generator: a seed gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB

__all__ = ["Light", "expose", "light", "shoot"]

Random = np.random.Generator
LEVELS = np.arange(256, dtype=np.float32) / 255


@dataclass(frozen=True, slots=True)
class Light:
    """How a picture is exposed: gain per channel, gamma, contrast, saturation, and a slope of brightness."""

    gain: tuple[float, float, float]
    gamma: float
    contrast: float
    saturation: float
    slope: tuple[float, float]  # change of brightness from one side to the other, in x and y


def light(random: Random, strength: float = 1.0) -> Light:
    """Draw a light; `strength` 0 leaves everything as it is, 1 is another room at another time of day."""
    s = strength
    exposure = np.exp(random.normal(-0.05 * s, 0.22 * s))
    warm, green = random.normal(0, 0.08 * s), random.normal(0, 0.03 * s)
    gain = (exposure * np.exp(warm), exposure * np.exp(green), exposure * np.exp(-warm))
    slope = random.normal(0, 0.18 * s, 2)
    return Light(
        (float(gain[0]), float(gain[1]), float(gain[2])),
        float(np.exp(random.normal(0, 0.2 * s))),
        float(np.exp(random.normal(0, 0.12 * s))),
        float(np.exp(random.normal(0, 0.2 * s))),
        (float(slope[0]), float(slope[1])),
    )


def expose(image: RGB, look: Light) -> RGB:
    """Show a picture in another light."""
    curves = np.stack([np.clip(LEVELS * gain, 0, 1) ** look.gamma for gain in look.gain], axis=-1)
    curves = np.clip((curves - 0.45) * look.contrast + 0.45, 0, 1) * 255
    lit = cv2.LUT(image, curves.astype(np.uint8)[None])
    if abs(look.saturation - 1) > 0.02:
        gray = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        lit = cv2.addWeighted(lit, look.saturation, gray, 1 - look.saturation, 0)
    if max(abs(look.slope[0]), abs(look.slope[1])) > 0.02:
        height, width = image.shape[:2]
        across = np.linspace(-look.slope[0], look.slope[0], 8, dtype=np.float32)[None]
        down = np.linspace(-look.slope[1], look.slope[1], 8, dtype=np.float32)[:, None]
        plane = cv2.resize(np.exp(across + down), (width, height), interpolation=cv2.INTER_LINEAR)
        lit = cv2.multiply(lit, cv2.merge([plane] * 3), dtype=cv2.CV_8U)
    return np.asarray(lit, np.uint8)


def shoot(image: RGB, random: Random, strength: float = 1.0) -> RGB:
    """Take the picture with a webcam: low resolution, blur, noise, compression, each sometimes."""
    height, width = image.shape[:2]
    if random.random() < 0.3 * strength:
        factor = random.uniform(0.3, 0.9)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if random.random() < 0.25 * strength:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.6)), np.uint8)
    if random.random() < 0.12 * strength:
        image = _streak(image, random)
    if random.random() < 0.6 * strength:
        image = _noise(image, random, random.uniform(1, 10))
    if random.random() < 0.5 * strength:
        quality = int(random.uniform(25, 92))
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return image


def _streak(image: RGB, random: Random) -> RGB:
    """Motion blur along a random line of up to nine pixels."""
    side = 9
    kernel = np.zeros((side, side), np.float32)
    angle, length = random.uniform(0, np.pi), random.uniform(1, side / 2)
    step = np.array([np.cos(angle), np.sin(angle)]) * length
    middle = np.array([side // 2, side // 2])
    ends = [tuple(np.rint(middle + sign * step).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], (1.0,), 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _noise(image: RGB, random: Random, sigma: float) -> RGB:
    """Noise of the sensor, partly coloured, partly as coarse as the scaler makes it."""
    height, width = image.shape[:2]
    # One large table of noise, read at a random place: drawing normal numbers would cost more than all the rest.
    table = _noise_table()
    y, x = random.integers(0, table.shape[0] - height), random.integers(0, table.shape[1] - width)
    grain = table[y : y + height, x : x + width]
    if random.random() < 0.4:
        grain = cv2.GaussianBlur(grain, (3, 3), 0) * 2
    if random.random() < 0.5:
        grain = cv2.merge([grain[..., 0]] * 3)
    return np.asarray(cv2.add(image, np.ascontiguousarray(grain) * np.float32(sigma), dtype=cv2.CV_8U), np.uint8)


_TABLE: list[NDArray[np.float32]] = []


def _noise_table() -> NDArray[np.float32]:
    if not _TABLE:
        _TABLE.append(np.random.default_rng(0).standard_normal((1024, 1024, 3), np.float32))
    return _TABLE[0]
