"""Recorded clips as batches for the generator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from training.clips.record import REFERENCES
from training.model import Inputs

__all__ = ["Batch", "Clips", "recordings", "to_batch"]

Bytes = NDArray[np.uint8]
Random = np.random.Generator


class Batch(NamedTuple):
    """Some clips of equal length; bytes, channels first. n = clips x frames, s = side."""

    crop: Tensor  # (n, 3, s, s)
    mask: Tensor  # (n, 1, s, s)
    expected: Tensor  # (n, 3, s, s)
    drawing: Tensor  # (n, 2, s, s)
    truth: Tensor  # (n, 3, s, s)
    bank_crop: Tensor  # (clips x references, 3, s, s)
    bank_drawing: Tensor  # (clips x references, 2, s, s)

    def inputs(self) -> Inputs:
        """Return what the generator sees."""
        return Inputs(*(part.float() / 255 for part in (self.crop, self.mask, self.expected, self.drawing)))

    def references(self) -> Inputs:
        """Return the bank's pictures: uncovered, and as they are expected."""
        crop, drawing = self.bank_crop.float() / 255, self.bank_drawing.float() / 255
        return Inputs(crop, torch.zeros_like(crop[:, :1]), crop, drawing)


def recordings(folder: Path) -> list[Path]:
    """Return the files of a folder that hold a clip: scenes that could not be followed left empty ones."""
    return [path for path in sorted(folder.glob("*.npz")) if path.stat().st_size > 1000]


class Clips(IterableDataset[Batch]):
    """Endless batches of `clips` windows of `frames` frames; the same seed gives the same ones."""

    def __init__(self, paths: list[Path], *, clips: int, frames: int, seed: int) -> None:
        if not paths:
            raise ValueError("there are no recordings: make them with python -m training.clips.record")
        self._paths, self._clips, self._frames, self._seed = paths, clips, frames, seed

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        random = np.random.default_rng([self._seed, 0 if worker is None else worker.id])
        while True:
            yield to_batch([self._draw(random) for _ in range(self._clips)])

    def _draw(self, random: Random) -> dict[str, Bytes]:
        while True:
            with np.load(self._paths[int(random.integers(len(self._paths)))]) as stored:
                clip = {name: stored[name] for name in Batch._fields}
            if len(clip["mask"]) >= self._frames:
                return augmented(_window(clip, self._frames, random), random)


def _window(clip: dict[str, Bytes], frames: int, random: Random) -> dict[str, Bytes]:
    """Return some successive frames, half of the time backwards."""
    start = int(random.integers(len(clip["mask"]) - frames + 1))
    part = {name: value if name.startswith("bank") else value[start : start + frames] for name, value in clip.items()}
    if random.random() < 0.5:
        part = {name: value if name.startswith("bank") else value[::-1] for name, value in part.items()}
    return part


def augmented(clip: dict[str, Bytes], random: Random) -> dict[str, Bytes]:
    """Mirror half of the clips, and show each in a light of its own: crop, truth and expectation alike."""
    if random.random() < 0.5:
        clip = {name: value[:, :, ::-1] for name, value in clip.items()}
    gain = np.exp(random.normal(0, 0.1) + random.normal(0, 0.06, 3)) * random.choice([1, 1, 0.7])
    gamma = float(np.exp(random.normal(0, 0.12)))
    levels = np.arange(256)[:, None] / 255
    curves = np.rint(255 * np.clip(levels * gain, 0, 1) ** gamma).astype(np.uint8)
    lit = ("crop", "truth", "expected", "bank_crop")
    return {name: _through(curves, value) if name in lit else value for name, value in clip.items()}


def _through(curves: Bytes, images: Bytes) -> Bytes:
    flat = np.ascontiguousarray(images).reshape(-1, images.shape[-2], 3)
    return np.asarray(cv2.LUT(flat, curves[None]), np.uint8).reshape(images.shape)


def to_batch(clips: list[dict[str, Bytes]]) -> Batch:
    """Stack clips; a bank of fewer references than the generator takes repeats them."""

    def joined(name: str) -> Tensor:
        parts = [clip[name][..., None] if name == "mask" else clip[name] for clip in clips]
        if name.startswith("bank"):
            parts = [part[np.arange(REFERENCES) % len(part)] for part in parts]
        return torch.from_numpy(np.ascontiguousarray(np.concatenate(parts))).permute(0, 3, 1, 2)

    return Batch(*(joined(name) for name in Batch._fields))
