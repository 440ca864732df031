"""A benchmark's clips, and their files that say the truth: what is covered, and where the landmarks are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livefill.types import Points

__all__ = ["clips_of", "read_masks", "read_points", "write_masks"]


def clips_of(bench: Path) -> list[Path]:
    """Return the folders of a benchmark's clips, by name."""
    return sorted(path for path in bench.iterdir() if (path / "meta.json").exists())


def read_masks(clip: Path) -> NDArray[np.bool_]:
    """Return what is covered in each frame (t, h, w)."""
    with np.load(clip / "mask.npz") as stored:
        return np.unpackbits(stored["bits"], axis=-1, count=int(stored["shape"][-1])).astype(bool)


def write_masks(clip: Path, masks: NDArray[np.bool_]) -> None:
    """Write what `read_masks` reads."""
    np.savez(clip / "mask.npz", bits=np.packbits(masks, axis=-1), shape=np.array(masks.shape))


def read_points(clip: Path) -> Points:
    """Return the true landmarks of each frame (t, 468, 2), in pixels."""
    with np.load(clip / "landmarks.npz") as stored:
        return np.asarray(stored["points"], np.float32)[..., :2]
