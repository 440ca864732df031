"""Eyeglasses, drawn on landmarks. They belong to the person: they are no occluder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask
from training.occluders.overlay import Layer, Pose, ribbon, superellipse
from training.occluders.textures import paint, vector

__all__ = ["glasses"]

Floats = NDArray[np.float32]
EYES = ((33, 133, 159, 145), (263, 362, 386, 374))  # landmarks around each eye


@dataclass(frozen=True)
class Frame:
    """A pair of glasses; lengths are in face widths."""

    colour: Floats
    rim: float  # its thickness; 0 has no rim
    brow: float  # extra thickness of the upper half
    half: float  # half a lens' width
    high: float  # half its height
    square: float  # 2 is an ellipse, more is a rectangle
    narrow: float  # how much narrower the lens is below
    drop: float  # how far its middle lies below the eyes' line
    tint: Floats
    dark: float  # the tint's alpha
    shine: float  # the reflection's alpha
    slant: float  # the reflection's place and slope


def glasses(points: NDArray[np.float32], size: tuple[int, int], style: int) -> tuple[RGB, Mask]:
    """Return eyeglasses as a picture RGB (h, w, 3) of `size` (width, height), and its alpha (h, w).

    `points` (468, 3) are landmarks in pixels, z growing away from the camera. The same `style` is the same pair.
    """
    points = np.asarray(points, np.float32)
    layer, what, place = Layer(size), _style(style), _Place(points)
    thick = max(what.rim, 0.013) * place.pose.scale
    half, gap = place.half(what), place.apart - place.half(what)
    arms = []
    for side, ear in ((-1, 127), (1, 356)):
        hinge = place.at(vector(side * (place.apart + half), what.drop - 0.3 * what.high, -0.06)[None])[0]
        arms.append(ribbon(np.stack([hinge, place.pose.at(points[ear], 0, -0.02)]), max(1.0, 0.8 * thick)))
    layer.fill(*arms, colour=what.colour)
    _lenses(layer, place, what)
    t = np.linspace(-1, 1, 9, dtype=np.float32)
    bow = 0.02 * (1 - t * t)
    bridge = np.stack([gap * t, what.drop - 0.35 * what.high - bow, -0.1 - bow], 1)
    layer.band(place.at(bridge), max(1.2, thick), what.colour)
    return layer.finish()


class _Place:
    """Where the eyes are; lengths are in face widths."""

    def __init__(self, points: Floats) -> None:
        left, right = (points[list(eye)].mean(0) for eye in EYES)
        self.pose, self.middle = Pose(points), (left + right) / 2
        self.apart = float(np.linalg.norm(right - left)) / self.pose.scale / 2  # half the eyes' distance

    def half(self, what: Frame) -> float:
        """Return half a lens' width: there is room for the nose between two."""
        return min(what.half, self.apart - 0.03)

    def at(self, local: Floats) -> Floats:
        """Return the pixels (n, 2) of `local` (n, 3) to the right of, below and behind the middle of the eyes."""
        return self.pose.seen(self.middle, local)

    def outlines(self, what: Frame, *, grow: float = 0.0, lift: float = 0.0) -> list[Floats]:
        """Return the outline (48, 2) of both lenses, wider by `grow`, and higher by `lift`."""
        x, y = superellipse(what.square, 48).T
        wide, x = self.half(what) + grow, x * (1 - what.narrow * np.clip(y, 0, 1))
        down = what.drop + (what.high + grow) * y - lift * (y < 0)
        away = ((side, 0.5 * (wide * x * side + self.half(what)) ** 2 - 0.07) for side in (-1, 1))
        return [self.at(np.stack([side * self.apart + wide * x, down, z], 1)) for side, z in away]

    def reflections(self, what: Frame) -> list[Floats]:
        """Return the outline (48, 2) of a streak of light on each lens."""
        x, y = superellipse(what.square, 48).T
        across = 0.9 * self.half(what) * (np.clip(0.8 * x + 0.4 * y * what.slant, -0.4, 0.25) - 0.1 + 0.2 * what.slant)
        down, away = what.drop + 0.9 * what.high * y, np.full_like(y, -0.07)
        return [self.at(np.stack([side * self.apart + across, down, away], 1)) for side in (-1, 1)]


def _lenses(layer: Layer, place: _Place, what: Frame) -> None:
    inner, scale = place.outlines(what), place.pose.scale
    layer.fill(*inner, colour=what.tint, alpha=what.dark)
    if what.shine > 0:
        layer.fill(*place.reflections(what), colour=np.ones(3, np.float32), alpha=what.shine, blur=1.5)
    if what.rim == 0:
        edges = [ribbon(np.concatenate([edge, edge[:1]]), 1.0) for edge in inner]
        layer.fill(*edges, colour=np.full(3, 0.85, np.float32), alpha=0.3)
        return
    outer = place.outlines(what, grow=what.rim, lift=what.brow)
    rings = [np.concatenate([out, out[:1], edge[:1], edge[::-1]]) for out, edge in zip(outer, inner, strict=True)]
    layer.fill(*rings, colour=what.colour)
    lit = [edge[30:44] for edge in place.outlines(what, grow=0.6 * what.rim, lift=0.7 * what.brow)]
    light = np.asarray(np.clip(what.colour * 1.3 + 0.1, 0, 1), np.float32)
    layer.fill(*(ribbon(edge, max(1.0, 0.25 * what.rim * scale)) for edge in lit), colour=light, alpha=0.4)


@lru_cache(maxsize=64)
def _style(style: int) -> Frame:
    random = np.random.default_rng((style, 9))
    kind = random.random()
    rim = 0.0 if kind < 0.12 else random.uniform(0.008, 0.014) if kind < 0.45 else random.uniform(0.016, 0.03)
    metal = np.array([(0.75, 0.62, 0.35), (0.65, 0.65, 0.68), (0.1, 0.1, 0.1), (0.7, 0.45, 0.38)], np.float32)
    dark = np.array([(0.06, 0.06, 0.07), (0.25, 0.15, 0.08), (0.12, 0.13, 0.25)], np.float32)
    colour = metal[int(random.integers(4))] if rim < 0.016 else dark[int(random.integers(3))]
    if rim >= 0.016 and random.random() < 0.35:
        colour = paint(random)
    tinted = random.random()
    return Frame(
        colour=colour,
        rim=float(rim),
        brow=float(random.uniform(0, 0.02) if rim > 0.016 and random.random() < 0.3 else 0),
        half=float(random.uniform(0.155, 0.195)),
        high=float(random.uniform(0.1, 0.165)),
        square=float(random.uniform(2, 4.5)),
        narrow=float(random.uniform(0, 0.25)),
        drop=float(random.uniform(0.01, 0.05)),
        tint=np.asarray(paint(random) * 0.5, np.float32) if tinted < 0.3 else np.array((0.9, 0.95, 1.0), np.float32),
        dark=float(
            random.uniform(0.3, 0.93) if tinted < 0.12 else random.uniform(0.08, 0.25) if tinted < 0.3 else 0.03
        ),
        shine=float(random.uniform(0.05, 0.35) if random.random() < 0.6 else 0),
        slant=float(random.uniform(-1, 1)),
    )
