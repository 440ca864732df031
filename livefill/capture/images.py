"""A picture, or a folder of pictures in the order of their names, as a source."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from livefill.capture.base import BaseSource
from livefill.errors import EndOfStream, SourceError
from livefill.types import RGB, Frame


class ImageSource(BaseSource):
    """Gives every picture once, `fps` apart; all must have one size."""

    def __init__(self, path: Path, fps: float = 30) -> None:
        self.path = path
        self.rate = Fraction(fps).limit_denominator(1001)
        self._files = _pictures(path) if path.is_dir() else [path]
        self.frames = len(self._files)
        self._next = 0
        self.size = _size(_load(self._files[0]))

    def read(self) -> Frame:
        """Return the next picture."""
        if self._next >= len(self._files):
            raise EndOfStream(f"{self.path} has no more pictures")
        seq, file = self._next, self._files[self._next]
        self._next += 1
        image = _load(file)
        if _size(image) != self.size:
            raise SourceError(f"{file} is {_size(image)} pixels, the first picture is {self.size}: give one size.")
        return Frame(seq, float(seq / self.rate), image)

    def close(self) -> None:
        """Nothing is held."""


def _pictures(folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if file.is_file() and cv2.haveImageReader(str(file))]
    if not files:
        raise SourceError(f"The folder {folder} holds no picture that can be read (PNG, JPEG, WebP, …).")
    return sorted(files, key=_natural)


def _natural(file: Path) -> list[tuple[int, str]]:
    # 2.png comes before 10.png
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", file.name)]


def _load(file: Path) -> RGB:
    # Not cv2.imread: on Windows it cannot open paths with letters outside the system's code page.
    try:
        data = np.fromfile(file, np.uint8)
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}.") from error
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if bgr is None:
        raise SourceError(f"{file} is not a picture that can be read (PNG, JPEG, WebP, …).")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _size(image: RGB) -> tuple[int, int]:
    return image.shape[1], image.shape[0]
