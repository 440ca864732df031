"""Measure: how fast the whole program is on this machine, and where the time goes."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np

from livefill.app import calibrate, stages_for
from livefill.capture import FileSource, LiveSource
from livefill.capture.base import BaseSource
from livefill.config import DEFAULT_MODEL
from livefill.demo import demo_clip, demo_profile
from livefill.errors import EndOfStream
from livefill.pipeline import Shown, Stages, run
from livefill.profile import Profile, load_profile
from livefill.sinks.null import NullSink
from livefill.stats import Stats
from livefill.types import Frame

__all__ = ["measure"]

WARM_UP = 10  # frames that are not counted


class Scaled(BaseSource):
    """Gives another source's frames at one size, again and again."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path = path
        self._inner = FileSource(path)
        self.size, self.rate = size, self._inner.rate
        self._seq, self._start, self._time = 0, 0.0, 0.0

    def read(self) -> Frame:
        """Return the next frame; the clip begins anew after its end."""
        try:
            frame = self._inner.read()
        except EndOfStream:
            self._inner.close()
            self._inner = FileSource(self._path)
            self._start = self._time + float(1 / self.rate)
            frame = self._inner.read()
        image = _scaled(frame.image, self.size)
        self._time = self._start + frame.time
        self._seq += 1
        return Frame(self._seq - 1, self._time, image)

    def close(self) -> None:
        """Close the file."""
        self._inner.close()


def measure(
    clip: Path | None,
    *,
    size: tuple[int, int],
    seconds: float,
    profile: str | None = None,
    backend: str = "auto",
    model: str = DEFAULT_MODEL,
) -> dict[str, Any]:
    """Run the loop on a clip, half of `seconds` as fast as it goes and half played live; return the numbers.

    Without a clip the bundled one is used. The profile is the one named, else one made from the clip itself.
    """
    with ExitStack() as stack:
        stages, spec = stages_for(_person(clip, profile), backend=backend, model=model)
        stack.callback(stages.close)
        path = clip or demo_clip()
        fps, per_stage, frames = _as_fast_as_it_goes(path, size, stages, seconds / 2)
        live = _live(path, size, stages, seconds / 2)
    summary = live.summary()
    return {
        "fps": round(fps, 2),
        "live_fps": round(summary.fps, 2),
        "latency_ms": {
            "p50": round(summary.age_p50, 2),
            "p95": round(summary.age_p95, 2),
            "p99": round(summary.age_p99, 2),
        },
        "stages_ms": {name: round(ms, 2) for name, ms in per_stage.items()},
        "dropped": summary.dropped,
        "frames": frames,
        "size": f"{size[0]}x{size[1]}",
        "backend": f"{spec.backend} ({spec.name}, {spec.size}x{spec.size}, {spec.device})",
        "chosen": spec.reason or "by name",
        "machine": _machine(),
        "clip": str(clip or "bundled demo"),
        "profile": profile or ("bundled" if clip is None else "made from the clip itself"),
    }


def _person(clip: Path | None, profile: str | None) -> Profile:
    if profile is not None:
        return load_profile(profile)
    if clip is None:
        return demo_profile()
    with FileSource(clip) as source:
        return calibrate(source, "bench")[0]


def _as_fast_as_it_goes(
    path: Path, size: tuple[int, int], stages: Stages, seconds: float
) -> tuple[float, dict[str, float], int]:
    """Return frames per second, mean milliseconds per stage, and how many frames were measured."""
    stats, start, count = Stats(), 0.0, 0
    sink = NullSink()
    with Scaled(path, size) as source:

        def between(shown: Shown | None) -> bool:
            nonlocal start, count, stats
            count += shown is not None
            if count == WARM_UP and not start:
                start = perf_counter()
            return not start or perf_counter() - start < seconds

        run(source, stages, sink, stats=stats, between=between)
        taken = perf_counter() - start
    measured = count - WARM_UP
    return measured / taken, dict(stats.summary().stages), measured


def _live(path: Path, size: tuple[int, int], stages: Stages, seconds: float) -> Stats:
    """Play the clip like a camera and return what was counted."""
    stats, end = Stats(), perf_counter() + seconds
    with LiveSource(lambda: Scaled(path, size)) as source:

        def between(shown: Shown | None) -> bool:
            if shown is not None:
                stats.tick(shown.after.time)
            stats.dropped = source.dropped
            return perf_counter() < end

        run(source, stages, NullSink(), stats=stats, between=between)
    return stats


def _scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:  # type: ignore[type-arg]
    """Cut the picture to the shape of `size` and scale it, so that faces keep their proportions."""
    height, width = image.shape[:2]
    share = min(width / size[0], height / size[1])
    w, h = round(size[0] * share), round(size[1] * share)
    left, top = (width - w) // 2, (height - h) // 2
    part = np.ascontiguousarray(image[top : top + h, left : left + w])
    return part if (w, h) == size else cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}"
    return f"{_processor()}, {cv2.getNumberOfCPUs()} cores, {system}, OpenCV {cv2.__version__}"


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text().splitlines()
    except OSError:
        return
