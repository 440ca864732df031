"""How a person at a webcam moves: slow sways of the head, and a mouth that talks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIMITS", "Moment", "calibration", "conversation"]

FPS = 30
# Standard deviations within which the generator keeps the person who they are, and does not change their hair.
LIMITS = {"yaw": 0.6, "pitch": 0.3, "mouth": 2.4, "smile": 0.6, "brow": 0.4}
SWAY, TILT = 7.0, 0.014  # pixels and radians by which the head also moves in the picture


@dataclass(frozen=True, slots=True)
class Moment:
    """Pose and expression in one frame."""

    amounts: dict[str, float]  # attribute: standard deviations from the person's own
    shift: tuple[float, float]  # pixels of the frame
    tilt: float  # radians about the neck


def calibration(seed: int, count: int = 36) -> list[Moment]:
    """Return a look around: a little to either side, the mouth closed but for a moment."""
    t = np.arange(count) / max(count - 1, 1)
    random = np.random.default_rng([seed, 1])
    speaks = 0.7 * LIMITS["mouth"] * _pulse(t, 0.7, 0.11)
    return _moments(random, t * count / FPS, yaw=np.sin(2 * np.pi * t), mouth=speaks, smile=_pulse(t, 0.32, 0.12))


def conversation(seed: int, count: int = 120) -> list[Moment]:
    """Return a person who talks a little, pausing now and then."""
    t = np.arange(count) / FPS
    random = np.random.default_rng([seed, 2])
    syllables = np.clip(0.5 + 0.5 * _wave(random, t, 0.62) + 0.4 * _wave(random, t, 0.97), 0, 1.2) / 1.2
    talks = np.clip(0.9 + 0.6 * _wave(random, t, 2.3), 0, 1) * np.clip(4 * t, 0, 1)
    mouth = LIMITS["mouth"] * syllables * talks
    return _moments(random, t, yaw=_wave(random, t, 3.4), mouth=mouth, smile=_wave(random, t, 2.9))


def _moments(
    random: np.random.Generator,
    t: NDArray[np.float64],
    *,
    yaw: NDArray[np.float64],
    mouth: NDArray[np.float64],
    smile: NDArray[np.float64],
) -> list[Moment]:
    curves = {
        "yaw": LIMITS["yaw"] * yaw,
        "pitch": LIMITS["pitch"] * _wave(random, t, 2.7),
        "mouth": mouth,
        "smile": LIMITS["smile"] * smile,
        "brow": LIMITS["brow"] * _wave(random, t, 1.9),
    }
    x = SWAY * (0.6 * yaw + 0.4 * _wave(random, t, 4.1))
    y, tilt = 0.4 * SWAY * _wave(random, t, 3.1), TILT * _wave(random, t, 3.7)
    return [
        Moment({name: float(curve[i]) for name, curve in curves.items()}, (float(x[i]), float(y[i])), float(tilt[i]))
        for i in range(len(t))
    ]


def _wave(random: np.random.Generator, t: NDArray[np.float64], period: float) -> NDArray[np.float64]:
    """Return a slow wave within -1..1 that does not quite repeat."""
    a, b = random.uniform(0, 2 * np.pi, 2)
    return np.asarray(0.7 * np.sin(2 * np.pi * t / period + a) + 0.3 * np.sin(2 * np.pi * t / (0.57 * period) + b))


def _pulse(t: NDArray[np.float64], middle: float, width: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(((t - middle) / width) ** 2)))
