"""Put things before a face: held over it or worn, in its light, with their shadows.

What is laid is drawn (`training/occluders`); how it lies, how large it is and what colour a hand has is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import eye_distance
from livefill.types import RGB
from training import camera
from training.occluders.library import Sprite
from training.occluders.library import load as load_sprites
from training.occluders.worn import WORN, worn

__all__ = ["LENGTH", "Held", "Thing", "Wardrobe", "Worn", "blend", "shadowed"]

# How long a thing is, in eye distances (about nine centimetres): from, to. A hand comes with some of its arm.
LENGTH = {
    "hand": (1.6, 4.6),
    "cutout": (1.6, 4.0),
    "mug": (0.8, 2.2),
    "phone": (1.2, 2.8),
    "microphone": (0.8, 4.0),
    "paper": (1.0, 4.0),
    "food": (0.6, 2.4),
    "strands": (1.0, 4.0),
    "shape": (0.5, 3.6),
}
SKIN = ("hand", "cutout")
CHEEKS = np.array([50, 101, 205, 280, 330, 425, 151, 9, 195])  # and forehead, and nose: the skin that is seen
Random = np.random.Generator
Floats = NDArray[np.float32]


class Wardrobe:
    """Things to cover faces with."""

    def __init__(self, sprites: list[Sprite]) -> None:
        kinds = sorted({sprite.kind for sprite in sprites})
        self._sprites = {kind: [s for s in sprites if s.kind == kind] for kind in kinds}
        self._kinds = kinds
        self._odds = np.array([4.0 if kind in SKIN else 1.0 for kind in kinds])
        self._odds /= self._odds.sum()

    @classmethod
    def open(cls, folder: Path) -> Wardrobe:
        """Load a folder of sprites."""
        return cls(load_sprites(folder))

    def cover(self, crop: RGB, points: Floats, random: Random) -> tuple[RGB, Floats]:
        """Put one or two things before the face of a crop; return it, and what of it they cover (h, w), 0..1."""
        total = np.zeros(crop.shape[:2], np.float32)
        for _ in range(1 if random.random() < 0.8 else 2):
            layer, alpha = self.pick(crop, points, random).lay(points, crop.shape[1::-1])
            if random.random() < 0.15:
                layer, alpha = _dragged(layer, alpha, random)
            if random.random() < 0.6:
                crop = shadowed(crop, alpha, random)
            crop = blend(crop, layer, alpha)
            total = np.maximum(total, alpha)
        return crop, total

    def pick(self, crop: RGB, points: Floats, random: Random) -> Thing:
        """Pick a thing to lay before the face (468, 3) of a crop, in its light: worn, or held at some place of it."""
        if random.random() < 0.27:
            kind = WORN[int(random.integers(len(WORN)))] if random.random() < 0.5 else "mask"
            return Worn(kind, int(random.integers(1 << 30)))
        kind = self._kinds[int(random.choice(len(self._kinds), p=self._odds))]
        sprite = self._sprites[kind][int(random.integers(len(self._sprites[kind])))]
        unit = eye_distance(points[:, :2])
        size = unit * np.exp(random.uniform(*np.log(LENGTH[sprite.kind])))
        scale = size / max(sprite.alpha.shape)
        angle = random.normal(0, 0.5) if random.random() < 0.8 else random.uniform(-np.pi, np.pi)
        mirror = -1 if random.random() < 0.5 else 1
        # Some point of the thing lies on some point of the face.
        rows, columns = np.nonzero(sprite.alpha[::8, ::8] > 0.5)
        pick = int(random.integers(max(1, len(rows))))
        anchor = np.array([columns[pick], rows[pick]], np.float32) * 8 if len(rows) else np.zeros(2, np.float32)
        target = points[int(random.integers(len(points))), :2] + random.normal(0, 0.15 * unit, 2)
        image = camera.expose(sprite.image, camera.light(random, 0.7))
        if sprite.kind in SKIN and random.random() < 0.6:
            image = _tinted(image, sprite.alpha, _skin(crop, points), random)  # mostly it is one's own hand
        elif random.random() < 0.5:
            gain = float(crop.mean()) / max(cv2.mean(image, (sprite.alpha > 0.5).astype(np.uint8))[1], 20.0)
            image = np.asarray(cv2.convertScaleAbs(image, alpha=float(np.clip(gain, 0.4, 1.6) ** 0.7)), np.uint8)
        return Held(image, sprite.alpha, anchor, target.astype(np.float32), float(scale), float(angle), mirror)


class Thing(Protocol):
    """Something before a face, the same in every picture of a clip."""

    def lay(
        self, points: Floats, size: tuple[int, ...], *, shift: tuple[float, float] = (0, 0), turn: float = 0
    ) -> tuple[RGB, Floats]:
        """Return it as a picture (h, w, 3) of `size` (width, height), and its alpha (h, w).

        What is worn follows the landmarks (468, 3); what is held has its own place, moved by `shift` pixels and turned
        by `turn` radians.
        """
        ...


@dataclass(frozen=True)
class Worn:
    """Something drawn onto the landmarks."""

    kind: str
    style: int

    def lay(
        self, points: Floats, size: tuple[int, ...], *, shift: tuple[float, float] = (0, 0), turn: float = 0
    ) -> tuple[RGB, Floats]:
        """See `Thing`."""
        return worn(self.kind, points, (size[0], size[1]), self.style)


@dataclass(frozen=True)
class Held:
    """A cut-out, so large and so turned, whose anchor lies at the target."""

    image: RGB
    alpha: Floats
    anchor: Floats  # (2,) pixels of the cut-out
    target: Floats  # (2,) pixels of the picture
    scale: float
    angle: float
    mirror: int

    def lay(
        self, points: Floats, size: tuple[int, ...], *, shift: tuple[float, float] = (0, 0), turn: float = 0
    ) -> tuple[RGB, Floats]:
        """See `Thing`."""
        cos, sin = np.cos(self.angle + turn) * self.scale, np.sin(self.angle + turn) * self.scale
        linear = np.array([[cos * self.mirror, -sin], [sin * self.mirror, cos]])
        place = np.column_stack([linear, self.target + shift - linear @ self.anchor])
        flags, size = cv2.INTER_AREA if self.scale < 0.6 else cv2.INTER_LINEAR, (size[0], size[1])
        layer = cv2.warpAffine(self.image, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(self.alpha, place, size, flags=flags)
        return np.asarray(layer, np.uint8), np.asarray(alpha, np.float32)


def blend(image: RGB, layer: RGB, alpha: Floats) -> RGB:
    """Lay a picture over another where `alpha` (h, w) is 1."""
    return np.asarray(cv2.blendLinear(image, layer, 1 - alpha, alpha), np.uint8)


def _skin(crop: RGB, points: Floats) -> Floats:
    """Return the colour (3,) of a face's skin."""
    x, y = np.clip(np.rint(points[CHEEKS, :2].T), 0, len(crop) - 1).astype(int)
    return np.asarray(np.median(crop[y, x], axis=0), np.float32)


def _tinted(layer: RGB, alpha: Floats, colour: Floats, random: Random) -> RGB:
    """Give a hand about the colour of the skin of a face."""
    pixels = layer[::3, ::3][alpha[::3, ::3] > 0.5]
    own = np.median(pixels, axis=0) if len(pixels) else colour
    gain = (colour + 5) / (own + 5) * np.exp(random.normal(0, 0.12) + random.normal(0, 0.05, 3))
    return np.asarray(cv2.multiply(layer, (*np.clip(gain, 0.3, 2.5).tolist(), 0), dtype=cv2.CV_8U), np.uint8)


def shadowed(crop: RGB, alpha: Floats, random: Random) -> RGB:
    """Darken what lies behind a thing, a little beside it."""
    shift = np.float32([[1, 0, random.normal(0, 6)], [0, 1, abs(random.normal(0, 6))]])
    size = alpha.shape[::-1]
    soft = cv2.resize(alpha, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(soft, (0, 0), random.uniform(0.7, 2.5))
    soft = cv2.warpAffine(cv2.resize(soft, size), shift, size)
    shade = 1 - np.float32(random.uniform(0.1, 0.5)) * soft
    return np.asarray(cv2.multiply(crop, cv2.merge([shade] * 3), dtype=cv2.CV_8U), np.uint8)


def _dragged(layer: RGB, alpha: Floats, random: Random) -> tuple[RGB, Floats]:
    """Blur a thing by its own motion."""
    length = int(random.integers(3, 14)) | 1
    kernel = np.zeros((length, length), np.float32)
    angle = random.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length // 2)
    a, b = (np.rint(length // 2 + sign * reach).astype(int) for sign in (-1, 1))
    cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), (1.0,), 1)
    kernel /= kernel.sum()
    return np.asarray(cv2.filter2D(layer, -1, kernel), np.uint8), np.asarray(
        cv2.filter2D(alpha, -1, kernel), np.float32
    )
