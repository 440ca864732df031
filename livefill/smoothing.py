"""One Euro filter (Casiez, Roussel, Vogel 2012): steady when a point rests, without lag when it moves."""

from __future__ import annotations

import numpy as np

from livefill.types import Points

__all__ = ["OneEuro"]


class OneEuro:
    """Smooths landmarks over time. Speeds are in face widths a second, so the size of the face does not matter."""

    def __init__(self, *, cutoff: float = 3.0, beta: float = 20.0, speed_cutoff: float = 1.0) -> None:
        """`cutoff` in Hz at rest; `beta` in Hz per unit of speed; `speed_cutoff` in Hz for the speed itself."""
        self._cutoff = cutoff
        self._beta = beta
        self._speed_cutoff = speed_cutoff
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next points are taken as they are."""
        self._points: Points | None = None
        self._speed = np.zeros(1, np.float32)
        self._time = 0.0

    def __call__(self, points: Points, time: float) -> Points:
        """Return the smoothed points at `time` in seconds."""
        if self._points is None or time <= self._time:
            self._points, self._time = points, time
            self._speed = np.zeros((len(points), 1), np.float32)
            return points
        dt = time - self._time
        width = max(float(np.ptp(points[:, 0])), 1.0)
        speed = np.linalg.norm(points - self._points, axis=1, keepdims=True) / (width * dt)
        self._speed = self._speed + _share(self._speed_cutoff, dt) * (speed - self._speed)
        share = _share(self._cutoff + self._beta * self._speed, dt)
        self._points = np.asarray(self._points + share * (points - self._points), np.float32)
        self._time = time
        return self._points


def _share(cutoff: float | np.ndarray, dt: float) -> float | np.ndarray:  # type: ignore[type-arg]
    tau = 1 / (2 * np.pi * cutoff)
    return 1 / (1 + tau / dt)
