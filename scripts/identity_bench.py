"""Measure how well a profile's person is told from others.

usage: python scripts/identity_bench.py [--bench DIR ...] [--people DIR] [--jobs N] [--light | --in-place]

Benchmarks are folders of clips, each with occluded.mp4, landmarks.npz (the teacher's, on the clean frames) and, in that
of --people, calibrate.mp4; further ones (`training.cross_bench` makes one) may show the same people covered otherwise.
Every person's profile is looked at with every clip, as when a face is first found, beginning at the true place with an
error of its own. With --light the pictures are darker to one side, of another colour, and noisy.

A look is of oneself, or of oneself turned so far that livefill would not ask whose face it is, or of somebody else.
Printed are the likeness that one look in a hundred, in twenty, in two does not reach, and the share of looks that are
recognised.

With --in-place every clip follows, without a gap, on the person's own calibration, and is moved to where that person's
face was: for how many frames somebody else is taken for the person, and whether the person is lost.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

BENCH = Path(__file__).parents[2] / "shared" / "data" / "bench"
EVERY_OWN, EVERY_OTHER = 8, 24  # frames from one look to the next
Look = tuple[str, float]  # of whom, and the likeness


def person_of(clip: Path) -> str:
    """Whose clip it is: p03 and p03_worn show the same person."""
    return clip.name.partition("_")[0]


def other_light(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Darken one side, tint, and add a sensor's noise."""
    side = np.linspace(random.uniform(0.5, 1), random.uniform(0.5, 1), image.shape[1])[None, :, None]
    tint = np.exp(random.normal(0, 0.1, 3))
    noise = random.normal(0, random.uniform(2, 9), image.shape)
    return np.clip(image * side * tint + noise, 0, 255).astype(np.uint8)


def looks(person: Path, clips: list[Path], light: bool) -> list[Look]:
    """Look at every clip with the profile of one person."""
    from livefill.app import calibrate
    from livefill.capture import FileSource
    from livefill.geometry import crop_transform, eye_distance, turned
    from livefill.observer import FACE_SHARE, SIZE
    from livefill.tracking import ObserverTracker
    from livefill.tracking.rigid import alike_when
    from livefill.types import Frame

    cv2.setNumThreads(1)
    with FileSource(person / "calibrate.mp4") as source:
        profile, _ = calibrate(source, person.name)
    tracker, found = ObserverTracker(profile), []
    for number, clip in enumerate(clips):
        own, points = person_of(clip) == person.name, np.load(clip / "landmarks.npz")["points"].astype(np.float32)
        with FileSource(clip / "occluded.mp4") as source:
            for frame in source:
                if frame.seq % (EVERY_OWN if own else EVERY_OTHER):
                    continue
                random = np.random.default_rng([number, frame.seq])
                shown = Frame(frame.seq, frame.time, other_light(frame.image, random)) if light else frame
                there = points[frame.seq, :, :2]
                middle, error = there.mean(0), random.normal(0, 0.06, 2) * eye_distance(there)
                there = ((there - middle) * np.exp(random.normal(0, 0.08)) + middle + error).astype(np.float32)
                met = tracker.first_look(shown, crop_transform(there, SIZE, face_share=FACE_SHARE))
                if met is not None:
                    known = profile.references[met.choice]
                    near = alike_when(turned(known.points, known.depth, met.seen.points, met.seen.visible)) > 0
                    found.append(("another" if not own else "oneself" if near else "oneself, turned", met.known))
    return found


def in_place(person: Path, clips: list[Path]) -> list[tuple[bool, int | None]]:
    """Let every clip follow on a person's own; return whether it is theirs, and how many frames were taken for it.

    None stands for all frames.
    """
    from livefill.app import calibrate
    from livefill.capture import FileSource
    from livefill.geometry import similarity
    from livefill.tracking import ObserverTracker
    from livefill.types import Frame

    cv2.setNumThreads(1)
    with FileSource(person / "calibrate.mp4") as source:
        profile, _ = calibrate(source, person.name)
    found = []
    for clip in clips:
        own, tracker, track = person_of(clip) == person.name, ObserverTracker(profile), None
        with FileSource(person / "calibrate.mp4") as source:
            for frame in source:
                track = tracker.track(frame)
        if track is None:
            continue
        there = np.load(clip / "landmarks.npz")["points"][0, :, :2].astype(np.float32)
        moved = similarity(there, track.landmarks, np.ones(len(there), np.float32))
        start, size = frame.time + 1 / 30, frame.image.shape[1::-1]
        lost = None
        with FileSource(clip / "occluded.mp4") as source:
            for frame in source:
                image = frame.image
                if not own:
                    image = cv2.warpAffine(image, moved, size, borderMode=cv2.BORDER_REPLICATE)
                if tracker.track(Frame(frame.seq, start + frame.time, np.asarray(image, np.uint8))) is None:
                    lost = frame.seq
                    break
        found.append((own, lost))
    return found


def tell_in_place(found: list[tuple[bool, int | None]]) -> None:
    """Print who was taken for the person, and for how long."""
    own = [lost for mine, lost in found if mine]
    others = [lost for mine, lost in found if not mine]
    refused = [lost for lost in others if lost is not None]
    sys.stdout.write(f"oneself: {len(own)} clips, lost in {sum(lost is not None for lost in own)}\n")
    sys.stdout.write(f"another: {len(others)} clips, taken for the person to the end in {len(others) - len(refused)}\n")
    if refused:
        told = ", ".join(
            f"{name} {value:.0f}"
            for name, value in zip(("half", "95 %", "most"), np.percentile(refused, [50, 95, 100]), strict=True)
        )
        sys.stdout.write(f"the others' frames until they are refused: {told}\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=Path, default=BENCH)
    parser.add_argument("--bench", type=Path, nargs="*", help="by default that of --people")
    parser.add_argument("--jobs", type=int, default=2)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--light", action="store_true")
    kind.add_argument("--in-place", action="store_true")
    options = parser.parse_args()
    if not options.people.is_dir():
        sys.exit(f"there is no benchmark at {options.people}: name one with --people")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    people = sorted(path for path in options.people.iterdir() if (path / "calibrate.mp4").exists())
    folders = options.bench or [options.people]
    clips = sorted(path for folder in folders for path in folder.iterdir() if (path / "occluded.mp4").exists())
    with ProcessPoolExecutor(options.jobs) as pool:
        if options.in_place:
            tell_in_place(list(chain.from_iterable(pool.map(partial(in_place, clips=clips), people))))
            return
        found = list(chain.from_iterable(pool.map(partial(looks, clips=clips, light=options.light), people)))
    from livefill.tracking.observing import RECOGNISED

    title = f"{'a look at':16} {'looks':>6} {'1 %':>6} {'5 %':>6} {'50 %':>6} {'99 %':>6} {'most':>6}  recognised\n"
    sys.stdout.write(title)
    for whose in ("oneself", "oneself, turned", "another"):
        values = np.array([known for who, known in found if who == whose])
        if len(values):
            told = " ".join(f"{value:6.2f}" for value in np.percentile(values, [1, 5, 50, 99, 100]))
            sys.stdout.write(f"{whose:16} {len(values):6} {told}  {100 * np.mean(values > RECOGNISED):.1f} %\n")


if __name__ == "__main__":
    main()
