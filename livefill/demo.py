"""The bundled clip through the whole program: calibrate, fill, and show before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from time import perf_counter

import numpy as np

from livefill import interrupt
from livefill.app import calibrate, stages_for
from livefill.capture import FileSource
from livefill.composite import paste
from livefill.errors import SinkError
from livefill.profile import Profile
from livefill.sheet import write_picture
from livefill.sinks.file import VideoFileSink
from livefill.types import RGB, Frame

__all__ = ["DemoResult", "demo_clip", "demo_profile", "run_demo"]

RESULTS = ("before_after.mp4", "before_after.png")
ROWS = 4  # moments on the contact sheet


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What `livefill demo` has made."""

    video: Path
    sheet: Path
    frames: int
    size: tuple[int, int]
    fps: float  # of observing, filling and pasting, without reading and writing the files
    device: str


def demo_clip(name: str = "demo") -> Path:
    """Return the path of a bundled clip: `demo`, a hand before a face, or `demo_calibrate`, the face alone."""
    with as_file(files("livefill") / "assets" / f"{name}.mp4") as path:
        return Path(path)


def demo_profile() -> Profile:
    """Calibrate on the bundled clip; nothing is saved."""
    with FileSource(demo_clip("demo_calibrate")) as source:
        return calibrate(source, "demo")[0]


def run_demo(folder: Path, *, on_frame: Callable[[int, int], None] = lambda done, total: None) -> DemoResult:
    """Write before and after, side by side, as a video and as a contact sheet."""
    with _made(folder):
        return _fill(folder, on_frame)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder where there is none; where nothing comes of it, it goes again."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise SinkError(f"{folder} is a file: name a folder, in which {' and '.join(RESULTS)} are to lie") from error
    except OSError as error:
        raise SinkError(f"{folder} cannot be made: {error.strerror}") from error
    try:
        yield
    except BaseException:
        with suppress(OSError):  # what is in one of them stays, and so does that one
            for one in missing:
                one.rmdir()
        raise


def _fill(folder: Path, on_frame: Callable[[int, int], None]) -> DemoResult:
    stages, spec = stages_for(demo_profile())
    video, sheet = (folder / name for name in RESULTS)
    pairs: list[RGB] = []
    covered: list[int] = []  # how many pixels were filled, per frame
    taken = 0.0
    try:
        with FileSource(demo_clip()) as source:
            width, height = source.size
            with VideoFileSink(video, (2 * width, height), source.rate) as sink:
                for frame in source:
                    interrupt.check()
                    start = perf_counter()
                    track = stages.tracker.track(frame)
                    shown = paste(frame, stages.filler.fill(frame, track))
                    taken += perf_counter() - start
                    covered.append(0 if track is None else int(track.occluder.sum()))
                    pairs.append(np.hstack([frame.image, shown.image]))
                    sink.write(Frame(frame.seq, frame.time, pairs[-1]))
                    on_frame(len(pairs), source.frames)
    finally:
        stages.close()
    write_picture(sheet, [[pairs[i]] for i in _moments(covered)])
    device = f"{spec.name} ({spec.backend}, {spec.device})"
    return DemoResult(video, sheet, len(pairs), (width, height), len(pairs) / taken, device)


def _moments(covered: list[int]) -> list[int]:
    """Return frames to show: spread over the part in which something was filled."""
    filled = np.flatnonzero(np.array(covered) > 0)
    span = filled if len(filled) >= ROWS else np.arange(len(covered))
    return [int(span[i]) for i in np.linspace(0, len(span) - 1, ROWS + 2).astype(int)[1:-1]]
