"""The bundled person's video, cut into small pieces, and what a command says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from livefill.capture import FileSource
from livefill.profile import Profile
from livefill.sinks.file import VideoFileSink
from livefill.types import RGB, Frame


@dataclass(frozen=True)
class Demo:
    """The bundled person."""

    calibration: Path
    clip: Path
    profile: Profile

    def clean(self, count: int) -> list[Frame]:
        """The first frames without an occluder."""
        return read(self.calibration, count)

    def frames(self, *, start: float = 0.0, count: int = 10**6, every: int = 1) -> list[Frame]:
        """Frames of the clip with the hand, from the share `start` of its length on."""
        with FileSource(self.clip) as source:
            first = int(start * source.frames)
            wanted = range(first, first + count * every, every)
            return [frame for frame in source if frame.seq in wanted]


@dataclass(frozen=True)
class Clips:
    """Small clips at 10 fps."""

    clean: Path  # the bundled person, nine frames
    hand: Path  # the same, and a hand that comes in: twelve frames
    nobody: Path  # the test pattern, six frames


def small(image: RGB) -> RGB:
    """Halve a picture."""
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def write(path: Path, images: list[RGB], *, crf: int = 10) -> Path:
    """Write pictures as a video of ten frames a second."""
    height, width = images[0].shape[:2]
    with VideoFileSink(path, (width, height), 10, crf=crf) as sink:
        for seq, image in enumerate(images):
            sink.write(Frame(seq, seq / 10, image))
    return path


def read(path: Path, count: int = 10**6) -> list[Frame]:
    """Return the first frames of a video."""
    with FileSource(path) as source:
        return [frame for frame, _ in zip(source, range(count), strict=False)]


@dataclass(frozen=True)
class Said:
    """What a command has said."""

    code: int
    out: str
    err: str
