"""Fit the weights of `livefill.evidence`: how the network's mask, surprise, colour and place are weighed.

    python -m training.observer.evidence DATA [--scenes 140] [--held-out 60]

Scenes of synthetic people (training.clips.scenes) run through the tracker; what its judge is shown is noted beside the
truth. On drawn things the network is surer than on real ones: in two thirds of the samples its belief is taken away in
smooth blobs, so that the rest of the evidence is learned to matter. Prints what to put into `livefill/evidence.py`,
and on held-out people the mask's IoU, and which share of the face is called covered wrongly, and missed, by lean.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from livefill.evidence import BIAS, FEATURES, WEIGHTS, Colours, features
from livefill.geometry import eye_distance, scaled
from livefill.matte import reconcile
from livefill.observer import MASK, SIZE
from livefill.pyramid import cut
from livefill.tracking.observing import ObserverTracker
from livefill.types import Frame, Mask, Points
from livefill.zones import Zones
from training.clips.record import RATE, Studio
from training.clips.scenes import Moment

__all__ = ["Case", "cases", "fit", "main", "measure", "weakened"]

Floats = NDArray[np.float32]
Random = np.random.Generator
LEANS = (0.0, 0.7, 1.5, 2.0)
EVERY = 4  # frames of a scene between two cases
WARM = 4  # uncovered frames before a scene
OFF = 0.12  # eye distances: landmarks that are worse belong to another problem
STEPS, BATCH, RATE_OF_LEARNING = 2500, 8192, 4e-3


class Case(NamedTuple):
    """What the judge was shown of one frame, and the truth, at the mask's size."""

    mask: Mask
    surprise: Floats
    zones: Zones
    colour: Colours
    turned: float
    truth: NDArray[np.bool_]

    @property
    def face(self) -> NDArray[np.bool_]:
        """Where the face is."""
        return self.zones.face > 0

    def known(self, mask: Mask | None = None) -> Floats:
        """Return the features, (n, n, len(FEATURES)), with another mask if one is given."""
        seen = self.mask if mask is None else mask
        return features(seen, self.surprise, self.zones, colour=self.colour.odds, turned=self.turned)


def cases(studio: Studio, count: int, seed: int) -> Iterator[Case]:
    """Run `count` scenes through the tracker."""
    for number in range(count):
        random = np.random.default_rng([seed, number])
        scene, profile = studio.stage(random, told=False)
        if profile is None:
            continue
        shown: list[tuple[Mask, Floats, Zones, Colours, float]] = []

        def judge(
            mask: Mask, surprise: Floats, zones: Zones, *, colour: Colours, turned: float, shown: list = shown
        ) -> Mask:  # type: ignore[type-arg]
            shown.append((mask, surprise, zones, colour, turned))
            return reconcile(mask, surprise, zones, colour=colour, turned=turned)

        tracker = studio.tracker(profile, judge=judge)
        for frame, moment in enumerate(scene.moments()):
            if frame == 0:
                for early in range(-WARM, 0):
                    tracker.track(Frame(early, early / RATE, moment.clean))
            shown.clear()
            track = tracker.track(Frame(frame, frame / RATE, moment.covered))
            if track is not None and shown and frame % EVERY == EVERY - 1 and _follows(track.landmarks, moment):
                yield Case(*shown[-1], _truth(tracker, moment))


def _follows(points: Points, moment: Moment) -> bool:
    truth = moment.points[:, :2]
    return float(np.linalg.norm(points - truth, axis=1).mean()) < OFF * eye_distance(truth)


def _truth(tracker: ObserverTracker, moment: Moment) -> NDArray[np.bool_]:
    assert tracker.to_crop is not None
    return np.asarray(cut(moment.mask, scaled(tracker.to_crop, MASK / SIZE), MASK) > 0.5)


def weakened(mask: Mask, random: Random) -> Mask:
    """Take belief from a mask in smooth blobs; nothing is added."""
    odds = np.log((mask + 0.01) / (1.01 - mask))
    blobs = cv2.resize(random.random((8, 8)).astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
    share = 1 / (1 + np.exp((blobs - random.uniform(0.3, 0.7)) * 14))
    odds = odds - share * random.uniform(0, 5) * (odds > -1)
    return np.asarray(np.minimum(1 / (1 + np.exp(-odds)), mask), np.float32)


def fit(seen: list[Case], seed: int = 0) -> tuple[Floats, float]:
    """Return weights and bias by logistic regression over the pixels of the faces."""
    random = np.random.default_rng(seed)
    rows, truths = [], []
    for case in seen:
        face = case.face
        for turn in range(3):
            mask = case.mask if turn == 0 else weakened(case.mask, random)
            some = np.flatnonzero(face.ravel())[turn % 2 :: 2]
            rows.append(case.known(mask).reshape(-1, len(FEATURES))[some])
            truths.append(case.truth.ravel()[some])
    x, y = torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(truths)).float()
    mean, spread = x.mean(0), x.std(0) + 1e-6
    torch.manual_seed(seed)
    line = torch.nn.Linear(len(FEATURES), 1)
    optimiser = torch.optim.AdamW(line.parameters(), RATE_OF_LEARNING, weight_decay=1e-3)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        some = torch.randint(len(x), (BATCH,))
        loss = F.binary_cross_entropy_with_logits(line((x[some] - mean) / spread)[:, 0], y[some])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        slower.step()
    weights = (line.weight[0].detach() / spread).numpy()
    return weights, float(line.bias.detach()) - float(weights @ mean.numpy())


def measure(seen: list[Case], weights: Floats, bias: float) -> tuple[float, float, float]:
    """Return the mean IoU in the face, and the shares of the face that are called covered wrongly, and missed."""
    rows = []
    for case in seen:
        face = case.face
        truth, said = case.truth & face, (case.known() @ weights + bias > 0) & face
        if truth.sum() > 0.02 * face.sum():
            wrong, missed = (said & ~truth).sum() / face.sum(), (truth & ~said).sum() / face.sum()
            rows.append(((said & truth).sum() / max(int((said | truth).sum()), 1), wrong, missed))
    iou, wrong, missed = np.mean(rows, axis=0)
    return float(iou), float(wrong), float(missed)


def main() -> None:
    """Fit, and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="what training.observer.data has made")
    parser.add_argument("--scenes", type=int, default=140)
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    weights, bias = fit(list(cases(Studio(options.data, part="train"), options.scenes, options.seed)))
    print("WEIGHTS =", [round(float(value), 3) for value in weights], "\nBIAS =", round(bias, 3))
    held_out = list(cases(Studio(options.data, part="held out"), options.held_out, options.seed + 1))
    for title, line, base in (("new", weights, bias), ("shipped", WEIGHTS, BIAS)):
        for lean in LEANS:
            iou, wrong, missed = measure(held_out, line, base + lean)
            print(f"{title:8} lean {lean:.1f}: IoU {iou:.3f}, called covered {wrong:.4f}, missed {missed:.4f}")


if __name__ == "__main__":
    main()
