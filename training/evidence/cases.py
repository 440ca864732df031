"""Record what the tracker weighs, with the truth: faces of synthetic scenes, covered by something.

    python -m training.evidence.cases DATA CASES --count 2000 --seed 5 --jobs 2 [--part "held out"]

DATA is what `training.observer.data` makes. Scenes (`training.clips.scenes`) run through the tracker; every third
frame's view is noted. CASES gets a file for every hundred scenes; what is there is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.evidence import Evidence, View, Weighed, features, gathered
from livefill.geometry import eye_distance, scaled
from livefill.observer import MASK, SIZE
from livefill.pyramid import cut
from livefill.tracking.observing import ObserverTracker
from livefill.types import RGB, Frame, Mask, Points
from training.clips.record import RATE, Studio
from training.clips.scenes import Moment

__all__ = ["Case", "cases", "known", "load", "main", "misled", "relit", "store", "weakened"]

Floats = NDArray[np.float32]
Random = np.random.Generator
EVERY = 3  # frames of a scene between two cases
WARM = 4  # uncovered frames before a scene
OFF = 0.12  # eye distances: landmarks that are worse belong to another problem
TOGETHER = 100  # scenes of a file


class Case(NamedTuple):
    """What was to be weighed in one frame, and the truth."""

    view: View
    truth: Mask  # what is covered, 0..1


class _Witness(Evidence):
    """Weighs as ever, and remembers the last view."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.view: View | None = None

    def weigh(self, view: View) -> Weighed:
        """Note the view."""
        self.view = view
        return self._evidence.weigh(view)


def cases(studio: Studio, numbers: range, seed: int) -> Iterator[Case]:
    """Run the scenes of these numbers through the tracker."""
    witness = _Witness(Evidence.open())
    for number in numbers:
        random = np.random.default_rng([seed, number])
        scene, profile = studio.stage(random, told=False)
        if profile is None:
            continue
        tracker, first = studio.tracker(profile, evidence=witness), int(random.integers(EVERY))
        for frame, moment in enumerate(scene.moments()):
            if frame == 0:
                for early in range(-WARM, 0):
                    tracker.track(Frame(early, early / RATE, moment.clean))
            witness.view = None
            track = tracker.track(Frame(frame, frame / RATE, moment.covered))
            if frame % EVERY == first and track is not None and witness.view and _follows(track.landmarks, moment):
                yield Case(witness.view, _truth(tracker, moment))


def _follows(points: Points, moment: Moment) -> bool:
    truth = moment.points[:, :2]
    return float(np.linalg.norm(points - truth, axis=1).mean()) < OFF * eye_distance(truth)


def _truth(tracker: ObserverTracker, moment: Moment) -> Mask:
    assert tracker.to_crop is not None
    return cut(moment.mask, scaled(tracker.to_crop, MASK / SIZE), MASK)


def known(view: View) -> Floats:
    """Return the features of a view, (len(FEATURES), n, n)."""
    zones, compared, colours = gathered(view)
    return features(view.mask, compared, zones, colours=colours, turned=view.turned)


def weakened(mask: Mask, random: Random) -> Mask:
    """Take belief from a mask in smooth blobs; nothing is added. On drawn things the observer is surer than on real."""
    odds = np.log((mask + 0.01) / (1.01 - mask))
    blobs = cv2.resize(random.random((8, 8)).astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
    share = 1 / (1 + np.exp((blobs - random.uniform(0.3, 0.7)) * 14))
    odds = odds - share * random.uniform(0, 5) * (odds > -1)
    return np.asarray(np.minimum(1 / (1 + np.exp(-odds)), mask), np.float32)


def misled(expected: RGB, random: Random) -> RGB:
    """Move, light and blur what is expected a little, smoothly: real faces are less as expected than drawn ones."""
    side, seen = len(expected), expected
    reach = abs(float(random.normal()))
    if random.random() < 0.8:
        moved = reach * _waves(side, 2, int(random.integers(3, 12)), random)
        places = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).astype(np.float32) + moved
        seen = np.asarray(cv2.remap(seen, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)  # type: ignore[call-overload]
    strength, cells = abs(float(random.normal(0, 0.06))), int(random.integers(3, 7))
    light = 1 + strength * _waves(side, 1, cells, random) + 0.015 * _waves(side, 3, 4, random)
    lit = seen * light
    if random.random() < 0.4:
        lit = cv2.GaussianBlur(lit, (0, 0), random.uniform(0.4, 1.3))
    return np.asarray(np.clip(np.rint(lit), 0, 255), np.uint8)


def relit(crop: RGB, random: Random) -> RGB:
    """Show a crop darker or brighter, in another colour of light, and noisy: not as while calibrating."""
    gain = np.exp(random.normal(-0.15, 0.4) + random.normal(0, 0.06, 3))
    noise = abs(float(random.normal(0, 3))) * random.standard_normal(crop.shape)
    return np.asarray(np.clip(np.rint(crop * np.clip(gain, 0.3, 1.6) + noise), 0, 255), np.uint8)


def _waves(side: int, channels: int, cells: int, random: Random) -> Floats:
    coarse = random.standard_normal((cells, cells, channels)).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).reshape(side, side, channels)


def store(seen: list[Case], path: Path) -> None:
    """Write cases into one file."""
    views = [case.view for case in seen]
    half = {name: np.array([getattr(view, name) for view in views], np.float16) for name in ("inside", "seen", "mask")}
    whole = {
        name: np.array([getattr(view, name) for view in views]) for name in ("crop", "expected", "points", "turned")
    }
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        np.savez(file, **half, **whole, truth=np.array([case.truth for case in seen], np.float16))
    draft.replace(path)


def load(path: Path) -> list[Case]:
    """Read them again."""
    with np.load(path) as stored:
        parts = {name: stored[name] for name in stored.files}
    for name in ("inside", "seen", "mask", "truth"):
        parts[name] = parts[name].astype(np.float32)
    truths, turns = parts.pop("truth"), parts.pop("turned")
    rows = (dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True))
    return [
        Case(View(**row, turned=float(turned)), truth) for row, turned, truth in zip(rows, turns, truths, strict=True)
    ]


def _work(data: Path, out: Path, starts: range, count: int, seed: int, part: str) -> None:
    cv2.setNumThreads(1)
    studio = Studio(data, part=part)
    for start in starts:
        path = out / f"{seed:03d}_{start:06d}.npz"
        if not path.exists():
            store(list(cases(studio, range(start, min(start + TOGETHER, count)), seed)), path)
            print(path, flush=True)


def main() -> None:
    """Record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=2000, help="scenes")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--part", choices=("train", "held out"), default="train")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shares = [
        (
            options.data,
            options.out,
            range(job * TOGETHER, options.count, options.jobs * TOGETHER),
            options.count,
            options.seed,
            options.part,
        )
        for job in range(options.jobs)
    ]
    with get_context("spawn").Pool(options.jobs) as pool:
        pool.starmap(_work, shares)


if __name__ == "__main__":
    main()
