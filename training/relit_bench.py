"""Calibrate the people of a benchmark in another light: an exam of what a profile of another day is worth.

    python -m training.relit_bench BENCH OUT [--seed 1]

For each clip of BENCH, OUT gets the same one with another calibrate.mp4, as another time of day, another lamp or
another camera would have shown it (`training.camera.light`). A light in which livefill keeps no picture is drawn anew.
Score them with `python -m training.evaluate OUT`. What is there already is kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from livefill.app import calibrate
from livefill.capture import FileSource
from livefill.errors import CalibrationError
from livefill.sinks.file import VideoFileSink
from livefill.types import Frame
from training import camera
from training.benchmark import clips_of

__all__ = ["main", "relight"]

STRENGTH = 0.8  # of the other light: 1 is another room at another time of day
TRIES = 20


def relight(clip: Path, out: Path, random: np.random.Generator) -> camera.Light:
    """Write a clip that was calibrated in another light, and return that; raises `CalibrationError` if none will do."""
    draft = out.with_name(f".{out.name}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(clip, draft)
    rate = float(json.loads((clip / "meta.json").read_text())["fps"])
    with FileSource(clip / "calibrate.mp4") as source:
        frames = list(source)
    height, width = frames[0].image.shape[:2]
    for _ in range(TRIES):
        look = camera.light(random, STRENGTH)
        with VideoFileSink(draft / "calibrate.mp4", (width, height), rate, crf=12) as sink:
            for frame in frames:
                sink.write(Frame(frame.seq, frame.time, camera.expose(frame.image, look)))
        try:
            with FileSource(draft / "calibrate.mp4") as source:
                calibrate(source, clip.name)
        except CalibrationError:
            continue
        draft.rename(out)
        return look
    raise CalibrationError(f"in none of {TRIES} lights a picture of {clip.name} can serve as a reference")


def main() -> None:
    """Relight all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    clips = clips_of(options.bench)
    for number, clip in enumerate(clips):
        if not (options.out / clip.name).exists():
            look = relight(clip, options.out / clip.name, np.random.default_rng([options.seed, number]))
            print(f"{number + 1} of {len(clips)}: {clip.name}, {look}", flush=True)


if __name__ == "__main__":
    main()
