"""What a webcam does to a picture: light, white balance, blur, noise, compression, low resolution.

Pictures are RGB uint8 (h, w, 3). Functions take their randomness from a generator: a seed gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB

__all__ = ["Light", "Webcam", "expose", "light", "near", "shoot", "webcam"]

Random = np.random.Generator
STREAK = 9  # pixels of the longest motion blur
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


def near(look: Light, random: Random) -> Light:
    """Draw nearly the same light."""
    gains = [float(gain * np.exp(random.normal(0, 0.05))) for gain in look.gain]
    return Light((gains[0], gains[1], gains[2]), look.gamma, look.contrast, look.saturation, look.slope)


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


@dataclass(frozen=True, slots=True)
class Webcam:
    """What a webcam does wrong, the same in every picture; None where it does not."""

    shrink: float | None  # low resolution: how much smaller the picture once was
    blur: float | None  # standard deviation in pixels
    streak: tuple[float, float] | None  # motion blur: half its length in x and y
    noise: float | None  # standard deviation in levels
    coarse: bool  # whether the noise is as coarse as the scaler makes it
    gray: bool  # whether it has no colour
    quality: int | None  # of JPEG

    def see(self, image: RGB) -> RGB:
        """Take a picture without noise and compression."""
        height, width = image.shape[:2]
        if self.shrink is not None:
            small = cv2.resize(image, None, fx=self.shrink, fy=self.shrink, interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        if self.blur is not None:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), self.blur), np.uint8)
        return image if self.streak is None else _streaked(image, self.streak)

    def shoot(self, image: RGB, random: Random) -> RGB:
        """Take a picture; every one has noise of its own."""
        image = self.see(image)
        if self.noise is not None:
            image = self._noisy(image, random, self.noise)
        if self.quality is not None:
            _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        return image

    def _noisy(self, image: RGB, random: Random, sigma: float) -> RGB:
        height, width = image.shape[:2]
        # One large table of noise, read at a random place: drawing normal numbers would cost more than all the rest.
        table = _noise_table()
        y, x = random.integers(0, table.shape[0] - height), random.integers(0, table.shape[1] - width)
        grain = table[y : y + height, x : x + width]
        if self.coarse:
            grain = cv2.GaussianBlur(grain, (3, 3), 0) * 2
        if self.gray:
            grain = cv2.merge([grain[..., 0]] * 3)
        return np.asarray(cv2.add(image, np.ascontiguousarray(grain) * np.float32(sigma), dtype=cv2.CV_8U), np.uint8)


def webcam(random: Random, strength: float = 1.0) -> Webcam:
    """Draw a webcam: low resolution, blur, noise, compression, each sometimes; with `strength` 0 never."""

    def sometimes(odds: float, low: float, high: float) -> float | None:
        value = float(random.uniform(low, high))
        return value if random.random() < odds * strength else None

    angle, quality = float(random.uniform(0, np.pi)), sometimes(0.5, 25, 92)
    length = sometimes(0.12, 1, STREAK / 2)
    return Webcam(
        sometimes(0.3, 0.3, 0.9),
        sometimes(0.25, 0.4, 1.6),
        None if length is None else (length * float(np.cos(angle)), length * float(np.sin(angle))),
        sometimes(0.6, 1, 10),
        random.random() < 0.4,
        random.random() < 0.5,
        None if quality is None else int(quality),
    )


def shoot(image: RGB, random: Random, strength: float = 1.0) -> RGB:
    """Take one picture with some webcam."""
    return webcam(random, strength).shoot(image, random)


def _streaked(image: RGB, step: tuple[float, float]) -> RGB:
    """Motion blur along a line of up to STREAK pixels."""
    kernel = np.zeros((STREAK, STREAK), np.float32)
    middle = np.array([STREAK // 2, STREAK // 2])
    ends = [tuple(np.rint(middle + sign * np.array(step)).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], (1.0,), 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


_TABLE: list[NDArray[np.float32]] = []


def _noise_table() -> NDArray[np.float32]:
    if not _TABLE:
        _TABLE.append(np.random.default_rng(0).standard_normal((1024, 1024, 3), np.float32))
    return _TABLE[0]
