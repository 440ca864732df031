"""Record what the running program would hand to the generator, with the truth, scene by scene.

    python -m training.clips.record DATA CLIPS --count 1600 --seed 1 --jobs 2

DATA is what `training.observer.data` makes. Three scenes in four are seen by livefill's own tracker, with all its
errors; the rest with the true landmarks and the true mask, some of them perturbed. CLIPS gets one file per scene; what
is there is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.backends.reference import ReferenceSession
from livefill.backends.runtimes import open_network
from livefill.calibration import KEPT, PICTURES, Calibrator
from livefill.detection import ObserverDetector
from livefill.errors import CalibrationError
from livefill.evidence import Evidence
from livefill.filler import Filler
from livefill.finder import Finder
from livefill.geometry import apply, crop_transform, eye_distance
from livefill.observer import Observer
from livefill.profile import Profile, Reference
from livefill.pyramid import cut
from livefill.tracking.observing import ObserverTracker
from livefill.types import RGB, Bank, Frame, Inputs, ModelSpec, Outputs, Points, State, Track
from training.clips.scenes import Cast, Moment, Scene
from training.covering import Wardrobe

__all__ = ["FACE_SHARE", "REFERENCES", "SHORTEST", "SIZE", "Recorder", "main", "record"]

SIZE = 256  # of a crop, for the `fast` generator; `hq` wants 512
FACE_SHARE, REFERENCES = 0.58, 3
RATE = 30  # frames a second
SHORTEST = 9  # frames of a recording that is kept
WARM = 2  # uncovered frames before the first, in most scenes: the tracker knows the face
Random = np.random.Generator
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Recorder:
    """A session that fills like `ReferenceSession`, and keeps what it was shown."""

    def __init__(self, size: int = SIZE) -> None:
        self.spec: ModelSpec = replace(ReferenceSession(size, face_share=FACE_SHARE).spec, references=REFERENCES)
        self.bank: list[dict[str, Bytes]] = []
        self.steps: list[dict[str, Bytes]] = []

    def remember(self, references: Sequence[Inputs]) -> Bank:
        """Keep the references."""
        self.bank = [{name: _bytes(one[name]) for name in ("crop", "drawing")} for one in references]
        return None

    def initial_state(self) -> State:
        """No light yet."""
        return None

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        """Keep what is seen; fill with what is expected."""
        self.steps.append({name: _bytes(inputs[name]) for name in ("crop", "mask", "drawing", "expected")})
        return {"fill": inputs["expected"], "trust": np.ones(inputs["mask"].shape, np.float32)}, None


def _bytes(image: NDArray[np.float32]) -> Bytes:
    return np.asarray(np.rint(image * 255), np.uint8)


class Studio:
    """Records scenes; its networks are opened once."""

    def __init__(self, data: Path, *, part: str, size: int = SIZE) -> None:
        self._size = size
        self._cast = Cast.open(data / "people", data / "people.npz", part=part)
        self._wardrobe = Wardrobe.open(data / "sprites")
        self._observer = Observer.open()
        self._finder = Finder(open_network("finder", keys=("size",)).run)

    def record(self, seed: int, number: int) -> dict[str, Bytes] | None:
        """Record a scene; None if the tracker did not follow the face long enough."""
        random = np.random.default_rng([seed, number])
        told = random.random() < 0.25
        scene, profile = self.stage(random, told=told)
        if profile is None:
            return None
        return record(self._tracks(scene, profile, random, told=told), profile, size=self._size)

    def stage(self, random: Random, *, told: bool) -> tuple[Scene, Profile | None]:
        """Draw a scene, and calibrate its person: with the teacher's landmarks if they are `told`, else our own."""
        scene = self.scene(random)
        return scene, self.calibrate(scene.references(), told=told)

    def scene(self, random: Random) -> Scene:
        """Draw a scene."""
        person = self._cast.numbers[int(random.integers(len(self._cast.numbers)))]
        if random.random() < 0.45:  # clips are few, and a mouth that talks teaches more
            talking = [one for one in self._cast.numbers if self._cast.talks(one)]
            person = talking[int(random.integers(len(talking)))] if talking else person
        return Scene(self._cast, self._wardrobe, person, random)

    def tracker(self, profile: Profile, *, evidence: Evidence | None = None) -> ObserverTracker:
        """Return livefill's own tracker of a person."""
        return ObserverTracker(profile, observer=self._observer, finder=self._finder, evidence=evidence)

    def calibrate(self, pictures: list[tuple[RGB, Floats]], *, told: bool) -> Profile | None:
        """Make a profile of pictures with the teacher's landmarks, if they are `told`; else as livefill calibrates."""
        if told:
            known = [Reference(image, points[:, :2].copy(), points[:, 2].copy()) for image, points in pictures]
            return Profile("someone", tuple(known[:KEPT]), expressions=tuple(known[KEPT:PICTURES]))
        detector = ObserverDetector(SIZE, observer=self._observer, finder=self._finder)
        calibrator = Calibrator(detector=detector)
        for number, (image, _) in enumerate(pictures):
            calibrator.look(Frame(number, number / RATE, image))
        try:
            return calibrator.profile("someone")
        except CalibrationError:
            return None  # turned too far, too dark

    def _tracks(
        self, scene: Scene, profile: Profile, random: Random, *, told: bool
    ) -> list[tuple[Moment, Track | None]]:
        moments = list(scene.moments())
        if told:
            return [(moment, Track(points, mask, 1.0)) for moment, points, mask in _told(moments, random)]
        tracker = self.tracker(profile)
        if random.random() < 0.7:
            for early in range(-WARM, 0):
                tracker.track(Frame(early, early / RATE, moments[0].clean))
        return [(one, tracker.track(Frame(number, number / RATE, one.covered))) for number, one in enumerate(moments)]


def _told(moments: list[Moment], random: Random) -> list[tuple[Moment, Points, NDArray[np.float32]]]:
    """Return the truth, in half of the scenes blurred: moved landmarks, a mask too large or too small."""
    wrong = random.random() < 0.5
    unit = eye_distance(moments[0].points[:, :2])
    shift = random.normal(0, 0.02 * unit, 2) * wrong
    scale, grow = float(np.exp(random.normal(0, 0.02) * wrong)), int(random.integers(-2, 5)) * wrong
    told = []
    for moment in moments:
        points, mask = moment.points[:, :2], moment.mask
        points = (points - points.mean(0)) * scale + points.mean(0) + shift + random.normal(0, 0.002 * unit, 2) * wrong
        if grow:
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(grow) + 1,) * 2)
            mask = np.asarray((cv2.dilate if grow > 0 else cv2.erode)(mask, kernel), np.float32)
        told.append((moment, np.asarray(points, np.float32), mask))
    return told


def record(seen: list[tuple[Moment, Track | None]], profile: Profile, *, size: int = SIZE) -> dict[str, Bytes] | None:
    """Fill a scene and return what the session was shown, frame by frame, from where it was shown the most frames.

    crop, expected, truth (t, size, size, 3); mask (t, size, size); drawing (t, size, size, 2); the references' crops
    and drawings as bank_crop and bank_drawing; and points (t, 468, 2), the true landmarks in the crop, float32.
    """
    recorder = Recorder(size)
    filler = Filler(profile, recorder)
    runs: list[list[dict[str, Bytes]]] = [[]]
    for number, (moment, track) in enumerate(seen):
        before = len(recorder.steps)
        filler.fill(Frame(number, number / RATE, moment.covered), track)
        if len(recorder.steps) == before or track is None:
            runs.append([])
            continue
        to_crop = crop_transform(track.landmarks, size, face_share=FACE_SHARE)
        off = _off(moment, track)
        if off > 0.3:  # eye distances: it follows something else
            runs.append([])
            continue
        runs[-1].append(
            {
                **recorder.steps[-1],
                "truth": cut(moment.clean, to_crop, size),
                "points": apply(to_crop, moment.points[:, :2]),
            }
        )
    best = max(runs, key=len)
    if len(best) < SHORTEST:
        return None
    clip = {name: np.stack([step[name] for step in best]) for name in best[0]}
    return clip | {f"bank_{name}": np.stack([one[name] for one in recorder.bank]) for name in ("crop", "drawing")}


def _off(moment: Moment, track: Track) -> float:
    truth = moment.points[:, :2]
    return float(np.linalg.norm(track.landmarks - truth, axis=1).mean()) / eye_distance(truth)


def _work(data: Path, out: Path, numbers: range, seed: int, part: str, size: int) -> None:
    cv2.setNumThreads(1)
    studio = Studio(data, part=part, size=size)
    for done, number in enumerate(numbers, 1):
        path = out / f"{seed:03d}_{number:06d}.npz"
        if not path.exists():
            clip = studio.record(seed, number)
            draft = path.with_suffix(".part")
            with draft.open("wb") as file:
                np.savez(file, **(clip or {}))
            draft.replace(path)
        if done % 50 == 0:
            print(f"{done} of {len(numbers)} scenes", flush=True)


def main() -> None:
    """Record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=("train", "held out"), default="train")
    parser.add_argument("--size", type=int, default=SIZE, help="side of the crops")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shares = [
        (
            options.data,
            options.out,
            range(job, options.count, options.jobs),
            options.seed,
            options.part,
            options.size,
        )
        for job in range(options.jobs)
    ]
    with get_context("spawn").Pool(options.jobs) as pool:
        pool.starmap(_work, shares)


if __name__ == "__main__":
    main()
