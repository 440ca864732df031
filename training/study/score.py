"""Scores every method on every test clip: the measures of `training.metrics`, in the hole inside the face's outline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.features import AlexLPIPS, Expressions
from training.metrics import ClipScore, Identity, Pooled, frechet
from training.study.methods import Filled

__all__ = ["Row", "load_clip", "score"]

Bytes = NDArray[np.uint8]
Clip = dict[str, Bytes]
Row = dict[str, float]


def load_clip(path: Path) -> Clip:
    """Read a recording."""
    with np.load(path) as stored:
        return dict(stored)


def score(fill: Callable[[Clip], Filled], paths: list[Path]) -> tuple[dict[str, Row], Row]:
    """Return the measures of each clip by name, and those of all together: Frechet distance, frames a second."""
    eyes, reader, who = AlexLPIPS(), Expressions(), Identity() if Identity.available() else None
    pooled, rows, seconds, frames = Pooled(), {}, 0.0, 0
    for path in paths:
        clip = load_clip(path)
        with torch.no_grad():
            filled = fill(clip)
        seconds, frames = seconds + filled.seconds, frames + len(filled.frames)
        points = clip["points"].astype(np.float32)
        width = float(np.ptp(points[..., 0], axis=1).mean())
        scorer = ClipScore(width, pooled, eyes, reader, who, read_every=1)
        for image, truth, mask, shape in zip(filled.frames, clip["truth"], clip["mask"], points, strict=True):
            scorer.add(np.ascontiguousarray(image), np.ascontiguousarray(truth), mask > 127, shape)
        row = scorer.result()
        row.pop("kept")  # what is visible is left as it was, by every method
        rows[path.stem] = row
    return rows, {"frechet": frechet(pooled.filled, pooled.true), "fps": frames / max(seconds, 1e-9)}
