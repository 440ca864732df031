"""A hand around a thing that is held."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.occluders.held import sleeve
from training.occluders.solids import Canvas, tube
from training.occluders.textures import noise, paint, skin, vector

__all__ = ["Grip"]


class Grip:
    """A hand around a thing: its back and arm lie behind, its fingers before it."""

    def __init__(self, canvas: Canvas, random: np.random.Generator, edges: tuple[float, float], likely: float) -> None:
        """`edges` are the thing's left and right in pixels; `likely` is how likely it is held at all, 0..1."""
        self.canvas, self.random = canvas, random
        self.held = bool(random.random() < likely)
        self.way = int(random.choice([-1, 1]))  # that the fingers point
        self.edge = edges[0] if self.way > 0 else edges[1]
        self.reach = (edges[1] - edges[0]) * random.uniform(0.3, 0.5)
        self.thick = canvas.size * random.uniform(0.034, 0.042)  # a finger's radius, pixels
        self.top = canvas.size * random.uniform(0.36, 0.5)  # where the index finger is
        colour = paint(random) if random.random() < 0.08 else skin(random)
        mottle = 0.92 + 0.16 * noise(random, (canvas.size, canvas.size), coarse=40, octaves=1)
        self.colour = np.asarray(colour * mottle[..., None], np.float32)

    def behind(self) -> None:
        """Draw what the thing hides: to be called before it is drawn."""
        if not self.held:
            return
        thick, size, random = self.thick, self.canvas.size, self.random
        foot = self.top + thick * 10.5
        lean = -self.way * random.uniform(-0.3, 0.5)
        wrist = np.array([self.edge + self.way * thick * random.uniform(0, 1.5), foot + 2.5 * thick])
        palm = np.array([(self.edge, self.top - 0.3 * thick), (self.edge, self.top + 5 * thick), wrist], np.float32)
        radii = np.array([1.3, 2.0, 2.6], np.float32) * thick
        self.canvas.lay(tube(size, palm, radii), self.colour, gloss=0.05, sharp=10)
        down = np.array([np.sin(lean), np.cos(lean)])
        arm = np.stack([wrist, wrist + down * 2 * size]).astype(np.float32)
        self.canvas.lay(tube(size, arm, np.array([2.5, 5], np.float32) * thick), self.colour, gloss=0.05, sharp=10)
        if random.random() < 0.7:
            sleeve(self.canvas, random, wrist + down * thick * random.uniform(0, 5), down, 3.3 * thick)

    def before(self) -> None:
        """Draw the fingers, or the thumb alone: to be called after the thing is drawn."""
        if not self.held:
            return
        thick, thumb = self.thick, self.random.random() < 0.25
        start = self.edge - self.way * 0.7 * thick
        for k in range(1 if thumb else 4):
            y = self.top + 2.0 * thick * (k + 2 * thumb)
            reach = self.way * self.reach * (0.9, 1.0, 0.94, 0.76)[k] * self.random.uniform(0.92, 1.08)
            tip = (start + reach, y + (0.2 - 2.5 * thumb) * thick)
            points = np.array([(start, y), (start + reach * 0.5, y - (0.2 + thumb) * thick), tip], np.float32)
            radii = np.array([1.05, 1.0, 0.8], np.float32) * thick * (1.2 if thumb else 1)
            finger = tube(self.canvas.size, points, radii)
            self.canvas.shade(finger.alpha, blur=thick * 0.5, shift=(0, thick * 0.3), depth=0.3)
            self.canvas.lay(finger, self.colour, gloss=0.06, sharp=12)
            self._nail(points, radii[2])

    def _nail(self, points: NDArray[np.float32], radius: float) -> None:
        way = (points[2] - points[1]) / (np.linalg.norm(points[2] - points[1]) + 1e-6)
        line = np.stack([points[2] - 0.15 * radius * way, points[2] + 0.35 * radius * way]).astype(np.float32)
        nail = tube(self.canvas.size, line, np.full(2, 0.5 * radius, np.float32))
        paler = np.clip(self.colour * vector(1.1, 1.12, 1.15), 0, 1)
        self.canvas.lay(nail, paler, gloss=0.25, sharp=25, alpha=0.7)
