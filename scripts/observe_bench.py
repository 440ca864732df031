"""Measure the observer on a benchmark: landmarks, masks, frames without a face, jitter, time.

usage: python scripts/observe_bench.py [--bench DIR] [--json OUT] [--tracker observer|mediapipe] [--untaught]

A benchmark is a folder of clips, each with calibrate.mp4, occluded.mp4, clean.mp4, mask.npz and landmarks.npz (the
teacher's landmarks on the clean frames). Each clip is calibrated first, and then observed frame by frame as if live.
Where MediaPipe is installed, calibration learns from it what the observer gets wrong about the person (not --untaught).

  all, covered    mean distance of the landmarks from the teacher's, in eye distances; of those under the occluder
  clear           the same on the clean frames
  lost            frames in which there is no face
  iou             of the mask with the true one, inside the face's outline, over frames with 2 % of it covered or more
  false           share of the face that is called covered on the clean frames
  jitter          root mean square of the landmarks' second difference, in eye distances, on a picture that stands still
                  but for the camera's noise
  ms              median time of one frame
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

BENCH = Path(__file__).parents[2] / "shared" / "data" / "bench"
Floats = NDArray[np.float32]
STILL = 40  # frames of the picture that stands still


@dataclass(frozen=True)
class Truth:
    """What is known about a clip."""

    points: Floats  # (n, 468, 2)
    mask: NDArray[np.bool_]  # (n, h, w)


def read_truth(clip: Path) -> Truth:
    """Read a clip's landmarks and masks."""
    with np.load(clip / "mask.npz") as stored:
        mask = np.unpackbits(stored["bits"], axis=-1, count=int(stored["shape"][-1])).astype(bool)
    with np.load(clip / "landmarks.npz") as stored:
        return Truth(stored["points"].astype(np.float32)[..., :2], mask)


def tracks(tracker: object, images: Iterator[NDArray[np.uint8]]) -> Iterator[tuple[object, float]]:
    """Observe pictures one after the other; yield each track and the milliseconds it took."""
    from livefill.types import Frame

    for i, image in enumerate(images):
        start = perf_counter()
        track = tracker.track(Frame(i, i / 30, image))  # type: ignore[attr-defined]
        yield track, 1000 * (perf_counter() - start)


def outline(points: Floats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return where the face is (h, w)."""
    from livefill.geometry import face_hull, fill_polygon

    return fill_polygon(shape, face_hull(points)) > 0


def still(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield one picture again and again, each time with new noise of the sensor."""
    random = np.random.default_rng(0)
    for _ in range(STILL):
        noise = random.standard_normal(image.shape, np.float32) * 2
        yield np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def measure(clip: Path, which: str, teach: bool) -> dict[str, float]:
    """Observe one clip; with `teach` calibration learns from MediaPipe, where it is installed."""
    from livefill.app import calibrate
    from livefill.capture import FileSource
    from livefill.geometry import eye_distance

    cv2.setNumThreads(1)
    with FileSource(clip / "calibrate.mp4") as source:
        profile, _ = calibrate(source, clip.name, tracker=which, teach=teach)
    truth = read_truth(clip)

    def fresh() -> object:
        if which == "observer":
            from livefill.tracking import ObserverTracker
            from livefill.tracking.corrected import CorrectedTracker

            observer = ObserverTracker(profile)
            return observer if profile.bias is None else CorrectedTracker(observer, profile.bias)
        from livefill.tracking import MeshTracker

        return MeshTracker()

    def frames(name: str) -> Iterator[NDArray[np.uint8]]:
        with FileSource(clip / name) as source:
            for frame in source:
                yield frame.image

    everywhere, covered, overlaps, times, lost = [], [], [], [], 0
    for i, (track, took) in enumerate(tracks(fresh(), frames("occluded.mp4"))):
        times.append(took)
        points, mask = truth.points[i], truth.mask[i]
        face = outline(points, mask.shape)
        own = np.zeros_like(mask)
        if track is None:
            lost += 1
        else:
            error = np.linalg.norm(track.landmarks - points, axis=1) / eye_distance(points)  # type: ignore[attr-defined]
            pixels = np.clip(points.astype(int), 0, np.array(mask.shape[::-1]) - 1)
            hidden = mask[pixels[:, 1], pixels[:, 0]]
            everywhere.append(error.mean())
            if hidden.any():
                covered.append(error[hidden].mean())
            own = track.occluder > 0.5  # type: ignore[attr-defined]
        if (mask & face).sum() >= 0.02 * face.sum():
            overlaps.append((own & mask & face).sum() / (((own | mask) & face).sum()))
    clear, false = [], []
    for i, (track, took) in enumerate(tracks(fresh(), frames("clean.mp4"))):
        times.append(took)
        if track is not None:
            points = truth.points[i]
            clear.append(np.linalg.norm(track.landmarks - points, axis=1).mean() / eye_distance(points))  # type: ignore[attr-defined]
            face = outline(points, track.occluder.shape)  # type: ignore[attr-defined]
            false.append(float((track.occluder > 0.5)[face].mean()))  # type: ignore[attr-defined]
    seen = [t.landmarks for t, _ in tracks(fresh(), still(next(frames("clean.mp4")))) if t is not None]  # type: ignore[attr-defined]
    shake = np.diff(np.array(seen[10:]), n=2, axis=0) if len(seen) > 12 else np.full((1, 1, 2), np.nan)
    jitter = np.sqrt((shake**2).sum(-1).mean()) / eye_distance(truth.points[0])

    def mean(values: list[float]) -> float:
        return float(np.mean(values)) if values else float("nan")

    return {
        "all": mean(everywhere),
        "covered": mean(covered),
        "clear": mean(clear),
        "lost": lost,
        "iou": mean(overlaps),
        "false": mean(false) if false else float("nan"),
        "jitter": float(jitter),
        "ms": float(np.median(times)),
    }


def main() -> None:
    """Measure all clips and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=BENCH)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tracker", choices=("observer", "mediapipe"), default="observer")
    parser.add_argument("--untaught", action="store_true", help="calibrate as if MediaPipe were not installed")
    parser.add_argument("--jobs", type=int, default=1, help="more than one spoils the times")
    options = parser.parse_args()
    if not options.bench.is_dir():
        sys.exit(f"there is no benchmark at {options.bench}: name one with --bench")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    clips = sorted(path for path in options.bench.iterdir() if (path / "calibrate.mp4").exists())
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(measure, clip, options.tracker, not options.untaught) for clip in clips]
        rows = {}
        for clip, job in zip(clips, jobs, strict=True):
            rows[clip.name] = job.result()
            sys.stdout.write(line(clip.name, rows[clip.name]))
            sys.stdout.flush()
    names = next(iter(rows.values()))
    rows["mean"] = {
        name: float((np.nansum if name == "lost" else np.nanmean)([row[name] for row in rows.values()]))
        for name in names
    }
    sys.stdout.write(line("mean", rows["mean"]))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1))


def line(name: str, row: dict[str, float]) -> str:
    """One line of the table."""
    return f"{name:5s} " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()) + "\n"


if __name__ == "__main__":
    main()
