"""Record the study's clips: every mask setting, seen with the true landmarks and with tracked ones.

    python -m training.study.data DATA CLIPS --train 240 --test 12

DATA is what `training.observer.data` makes. CLIPS gets train/ and test/: recordings as `training.clips.record` makes
them, at 128 pixels, named SETTING_LANDMARKS_NUMBER.npz. Test clips show people who are held out. What is there is kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import Frame, Track
from training.clips.record import Studio, record
from training.clips.scenes import Moment
from training.study.masks import PAINTED, SETTINGS, paint

__all__ = ["LANDMARKS", "SIZE", "main", "make", "name_of"]

SIZE = 128  # pixels of a clip, as in the papers
LANDMARKS = ("oracle", "tracked")
RATE = 30
GREY = 128  # level of what is hidden by a painted mask
WARM = 2  # frames for which the tracker sees the face uncovered


def name_of(setting: str, landmarks: str, number: int) -> str:
    """Return the file name of a clip."""
    return f"{setting}_{landmarks}_{number:05d}.npz"


def make(data: Path, out: Path, *, part: str, scenes: dict[str, int], seed: int) -> None:
    """Record so many scenes of each setting, each with both kinds of landmarks."""
    out.mkdir(parents=True, exist_ok=True)
    studio = Studio(data, part=part, size=SIZE)
    done, count = 0, sum(scenes.values())
    for setting, wanted in scenes.items():
        for number in range(wanted):
            paths = {landmarks: out / name_of(setting, landmarks, number) for landmarks in LANDMARKS}
            if not all(path.exists() for path in paths.values()):
                random = np.random.default_rng([seed, SETTINGS.index(setting), number])
                for landmarks, clip in _clips(studio, setting, random).items():
                    _write(paths[landmarks], clip)
            done += 1
            if done % 20 == 0 or done == count:
                print(f"{done} of {count} scenes of {part}", flush=True)


def _clips(studio: Studio, setting: str, random: np.random.Generator) -> dict[str, dict[str, NDArray[np.uint8]]]:
    """Record one scene with both kinds of landmarks; empty where the tracker lost the face."""
    scene = studio.scene(random)
    pictures = scene.references()
    moments = list(scene.moments())
    if setting in PAINTED:
        moments = _hidden(moments, setting, random)
    told, seen = (studio.calibrate(pictures, told=told) for told in (True, False))
    if told is None or seen is None:
        return {landmarks: {} for landmarks in LANDMARKS}
    oracle = [(one, Track(one.points[:, :2].astype(np.float32), one.mask, 1.0)) for one in moments]
    # Whose landmarks follow the face, the same has marked the references, as in a calibration: what is wrong with
    # them all the time is wrong in both, and does no harm.
    tracker = studio.tracker(seen)
    for early in range(-WARM, 0):
        tracker.track(Frame(early, early / RATE, moments[0].clean))
    tracked = []
    for number, one in enumerate(moments):
        track = tracker.track(Frame(number, number / RATE, one.covered))
        # Only the landmarks are tracked: all methods are told the same mask, the true one.
        tracked.append((one, None if track is None else Track(track.landmarks, one.mask, track.score)))
    return {
        "oracle": record(oracle, told, size=SIZE) or {},
        "tracked": record(tracked, seen, size=SIZE) or {},
    }


def _hidden(moments: list[Moment], setting: str, random: np.random.Generator) -> list[Moment]:
    """Hide the uncovered frames behind painted masks."""
    shape = moments[0].clean.shape[:2]
    masks = paint(setting, [one.points[:, :2] for one in moments], (shape[0], shape[1]), random)
    hidden = []
    for one, mask in zip(moments, masks, strict=True):
        covered = np.where(mask[..., None] > 0.5, np.uint8(GREY), one.clean)
        hidden.append(Moment(covered, one.clean, mask, one.points))
    return hidden


def _write(path: Path, clip: dict[str, NDArray[np.uint8]]) -> None:
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        np.savez(file, **clip)
    draft.replace(path)


def main() -> None:
    """Record both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--train", type=int, default=240, help="scenes to learn from, of all settings together")
    parser.add_argument("--test", type=int, default=12, help="scenes of each setting to test on")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    each = -(-options.train // len(SETTINGS))
    make(options.data, options.clips / "train", part="train", scenes=dict.fromkeys(SETTINGS, each), seed=options.seed)
    tests = dict.fromkeys(SETTINGS, options.test)
    make(options.data, options.clips / "test", part="held out", scenes=tests, seed=options.seed + 1)


if __name__ == "__main__":
    main()
