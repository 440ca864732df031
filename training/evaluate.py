"""Score a session through livefill's own filler on a benchmark of covered clips.

    python -m training.evaluate BENCH [--mode live|offline|oracle] [--backend NAME] [--model NAME] [--json OUT]

A benchmark is a folder of clips, each with calibrate.mp4, occluded.mp4, clean.mp4 (the truth), mask.npz, landmarks.npz
(MediaPipe's, on the truth) and meta.json. Live mode uses livefill's own landmarks and masks, offline mode the same
observed in both directions of time, oracle mode the true ones, as arXiv 2402.09100 does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from livefill.app import calibrate
from livefill.backends import open_session
from livefill.capture import BaseSource, FileSource
from livefill.composite import paste
from livefill.config import DEFAULT_MODEL, MODELS
from livefill.filler import Filler
from livefill.hindsight import Hindsight
from livefill.settler import Settler
from livefill.sinks.file import VideoFileSink
from livefill.tracking import open_tracker
from livefill.types import Frame, Points, Track, Tracker
from training.benchmark import clips_of, read_masks, read_points
from training.features import AlexLPIPS, Expressions
from training.metrics import ClipScore, Identity, Pooled, frechet

__all__ = ["OracleTracker", "main", "score_clip", "table"]

GROUPS = ("static", "worn", "moving")
LEEWAY = 0.5  # with true landmarks: settling makes good what a tracker gets wrong, and theirs are off by less


class OracleTracker:
    """Knows the truth: landmarks (t, 468, 2) and masks (t, h, w)."""

    stranger = False

    def __init__(self, points: Points, masks: NDArray[np.bool_]) -> None:
        self._truth: Iterator[tuple[Points, NDArray[np.bool_]]] = iter(zip(points, masks, strict=True))

    def track(self, frame: Frame) -> Track | None:
        """Return the truth about the next frame."""
        points, mask = next(self._truth)
        return Track(points, mask.astype(np.float32), 1.0)

    def close(self) -> None:
        """Nothing is held."""


def score_clip(clip: Path, mode: str, backend: str, model: str, videos: Path | None) -> tuple[dict[str, float], Pooled]:
    """Fill one clip and score it."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with FileSource(clip / "calibrate.mp4") as source:
        # The true landmarks are MediaPipe's: so must be those of the reference that is warped onto them.
        profile, _ = calibrate(source, clip.name, **({"tracker": "mediapipe"} if mode == "oracle" else {}))
    masks, points = read_masks(clip), read_points(clip)
    tracker: Tracker = OracleTracker(points, masks) if mode == "oracle" else open_tracker("observer", profile)
    leeway = LEEWAY if mode == "oracle" else 1.0
    filler, pooled = Filler(profile, open_session(backend, model), settler=Settler.open(), leeway=leeway), Pooled()
    width = float(json.loads((clip / "meta.json").read_text())["face_width"])
    score = ClipScore(width, pooled, AlexLPIPS(), Expressions(), Identity() if Identity.available() else None)
    sink = None
    video: BaseSource = FileSource(clip / "occluded.mp4")
    if mode == "offline":
        video = tracker = Hindsight(video).of(tracker)
    with video as covered, FileSource(clip / "clean.mp4") as clean:
        if videos is not None:
            path = videos / f"{clip.name}.mp4"
            sink = VideoFileSink(path, covered.size, covered.rate, crf=10, audio_from=clip / "occluded.mp4")
        for frame, truth, mask, shape in zip(covered, clean, masks, points, strict=True):
            shown = paste(frame, filler.fill(frame, tracker.track(frame)))
            score.add(shown.image, truth.image, mask, shape)
            if sink is not None:
                sink.write(shown)
    if sink is not None:
        sink.close()
    tracker.close()
    filler.close()
    return score.result(), pooled


def table(rows: dict[str, dict[str, float]]) -> str:
    """Return rows of named numbers as a table."""
    keys = list(next(iter(rows.values())))
    lines = [f"{'':8}" + "".join(f"{key:>11}" for key in keys)]
    lines += [
        f"{name:8}" + "".join(f"{row.get(key, float('nan')):11.4f}" for key in keys) for name, row in rows.items()
    ]
    return "\n".join(lines)


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([row[key] for row in rows if key in row])) for key in rows[0]}


def main() -> None:
    """Score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--mode", choices=("live", "offline", "oracle"), default="live")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--model", default=DEFAULT_MODEL, choices=MODELS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--videos", type=Path, help="also write the filled clips there")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    clips = clips_of(options.bench)
    if not clips:
        sys.exit(f"there is no clip in {options.bench}")
    if options.videos is not None:
        options.videos.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = [
            pool.submit(score_clip, clip, options.mode, options.backend, options.model, options.videos)
            for clip in clips
        ]
        done = [job.result() for job in jobs]
    rows = {clip.name: row for clip, (row, _) in zip(clips, done, strict=True)}
    motion = {clip.name: json.loads((clip / "meta.json").read_text())["motion"] for clip in clips}
    means = {g: _mean(some) for g in GROUPS if (some := [row for name, row in rows.items() if motion[name] == g])}
    filled, true = ([one for _, pooled in done for one in getattr(pooled, name)] for name in ("filled", "true"))
    means["mean"] = _mean(list(rows.values())) | {"frechet": frechet(filled, true)}
    print(table(rows))
    print(table({name: means[name] for name in ("mean", *(g for g in GROUPS if g in means))}))
    if options.json is not None:
        options.json.write_text(json.dumps({"model": options.model} | rows | means, indent=1))


if __name__ == "__main__":
    main()
