"""Small clips, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from livefill.capture import PatternSource
from livefill.sinks.file import VideoFileSink
from livefill.types import Frame

RATE = Fraction(30000, 1001)


def frames(count: int = 5, size: tuple[int, int] = (96, 64), rate: Fraction = RATE) -> Iterator[Frame]:
    return iter(PatternSource(size, float(rate), count))


def write(path: Path, count: int = 5, size: tuple[int, int] = (96, 64), **options: object) -> Path:
    with VideoFileSink(path, size, RATE, **options) as sink:  # type: ignore[arg-type]
        for frame in frames(count, size):
            sink.write(frame)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def timestamps(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]
