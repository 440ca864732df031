"""A moving test pattern: a source for trying things out and for tests."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from livefill.capture.base import BaseSource
from livefill.errors import EndOfStream
from livefill.types import RGB, Frame

BITS = 16  # the number of the frame is written along the upper edge, one square per bit
SQUARE = 8  # pixels; survives compression


class PatternSource(BaseSource):
    """A colour gradient, a ball that circles, and the number of the frame written into the pixels."""

    def __init__(self, size: tuple[int, int] = (640, 480), fps: float = 30, frames: int = 0) -> None:
        self.size = size
        self.rate = Fraction(fps).limit_denominator(1001)
        self.frames = frames  # 0: endless
        self._next = 0
        self._background = _gradient(*size)

    def read(self) -> Frame:
        """Return the next picture; `EndOfStream` after `frames` of them."""
        if self.frames and self._next >= self.frames:
            raise EndOfStream("the test pattern has ended")
        seq = self._next
        self._next += 1
        return Frame(seq, float(seq / self.rate), _draw(self._background, seq))

    def close(self) -> None:
        """Nothing is held."""


def read_number(image: RGB) -> int:
    """Return the frame number that `PatternSource` wrote into the pixels, modulo 65536."""
    row = image[SQUARE // 2, SQUARE // 2 : BITS * SQUARE : SQUARE].mean(axis=1) > 127
    return int(sum(1 << bit for bit, lit in enumerate(row) if lit))


def _gradient(width: int, height: int) -> RGB:
    x = np.linspace(40, 215, width, dtype=np.float32)[None, :]
    y = np.linspace(40, 215, height, dtype=np.float32)[:, None]
    image: RGB = np.stack(np.broadcast_arrays(x, y, 255 - (x + y) / 2), axis=-1).astype(np.uint8)
    return image


def _draw(background: RGB, seq: int) -> RGB:
    image = background.copy()
    height, width = image.shape[:2]
    angle = seq * 0.1
    centre = (round(width * (0.5 + 0.3 * np.cos(angle))), round(height * (0.5 + 0.3 * np.sin(angle))))
    cv2.circle(image, centre, max(2, height // 12), (255, 240, 200), -1, cv2.LINE_AA)
    lit = (seq >> np.arange(BITS) & 1).astype(np.uint8) * 255
    strip = np.repeat(lit, SQUARE)[: min(width, BITS * SQUARE)]
    image[:SQUARE, : len(strip)] = strip[None, :, None]
    return image
