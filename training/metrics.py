"""Measures of a filled clip against the truth: in the hole inside the face outline, unless said otherwise.

Pictures are RGB uint8; holes are boolean (h, w). The definitions are those of the benchmark's own scorer; what that
does not have (MSE, the Frechet distance, identity, expression) is defined here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from livefill.geometry import face_hull, fill_polygon
from livefill.types import RGB, Points
from training.features import AlexLPIPS, Expressions, package_file

__all__ = ["ClipScore", "Identity", "Pooled", "frechet", "hole_of", "ssim_map"]

Mask = NDArray[np.bool_]
LOOK_EVERY = 5  # frames between two looks at the whole face, which take longer than all the rest
SMALLEST = 0.005  # share of the face from which a hole counts
CHIPS = (263, 362, 33, 133, 2)  # outer and inner corner of the left eye, of the right, and the base of the nose


def hole_of(mask: Mask, points: Points, face_width: float) -> tuple[Mask, Mask]:
    """Return hole and face: the hull of the landmarks, grown by 4 % of the face's width, and what is covered in it."""
    face = fill_polygon(mask.shape, face_hull(points))
    side = 2 * max(1, int(0.04 * face_width)) + 1
    face = np.asarray(cv2.dilate(face, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), np.uint8)
    return mask & (face > 0), face > 0


def ssim_map(one: RGB, other: RGB) -> NDArray[np.float64]:
    """SSIM of the luma at every pixel (Wang et al. 2004): Gaussian window of 1.5 pixels."""
    a, b = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64) for image in (one, other))

    def mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5), np.float64)

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return np.asarray((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))


@dataclass
class Pooled:
    """What is measured over all clips together: features for the Frechet distance."""

    filled: list[NDArray[np.float32]] = field(default_factory=list)
    true: list[NDArray[np.float32]] = field(default_factory=list)


class Identity:
    """Cosine of two faces' embeddings: dlib's ResNet (King 2017), from the package face-recognition-models (CC0)."""

    def __init__(self) -> None:
        import dlib

        models = package_file("face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat")
        self._dlib, self._embed = dlib, dlib.face_recognition_model_v1(str(models))

    @classmethod
    def available(cls) -> bool:
        """Tell whether both packages are installed."""
        return all(importlib.util.find_spec(name) is not None for name in ("dlib", "face_recognition_models"))

    def embed(self, image: RGB, points: Points) -> NDArray[np.float64]:
        """Return the embedding (128,) of the face with these landmarks."""
        dlib = self._dlib
        low, high = points.min(0), points.max(0)
        box = dlib.rectangle(*(int(v) for v in (*low, *high)))
        parts = [dlib.point(int(x), int(y)) for x, y in points[list(CHIPS)]]
        chip = dlib.get_face_chip(np.ascontiguousarray(image), dlib.full_object_detection(box, parts), 150)
        return np.asarray(self._embed.compute_face_descriptor(chip))


class ClipScore:
    """Scores one clip, frame by frame; what looks at the whole face does so every `LOOK_EVERY` frames."""

    def __init__(
        self,
        face_width: float,
        pooled: Pooled,
        eyes: AlexLPIPS,
        reader: Expressions,
        who: Identity | None,
        *,
        read_every: int = LOOK_EVERY,
    ) -> None:
        """`face_width` is in pixels; the expression is read every `read_every` frames."""
        self._read_every = read_every
        self._width, self._pooled, self._eyes, self._reader, self._who = face_width, pooled, eyes, reader, who
        self._squares = self._count = self._kept = self._outside = 0.0
        self._rows: dict[str, list[float]] = {}
        self._last: tuple[NDArray[np.float64], Mask] | None = None
        self._seen = 0

    def add(self, filled: RGB, truth: RGB, mask: Mask, points: Points) -> None:
        """Compare a frame with the truth, given the true mask and landmarks."""
        hole, face = hole_of(mask, points, self._width)
        error = truth.astype(np.float64) - filled
        side = 2 * max(1, int(0.03 * self._width)) + 1
        near = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
        self._kept += float((error[~near] ** 2).sum())
        self._outside += 3 * int((~near).sum())
        self._seen += 1
        if hole.sum() < SMALLEST * face.sum():
            self._last = None
            return
        self._squares += float((error[hole] ** 2).sum())
        self._count += 3 * int(hole.sum())
        self._note("ssim", float(ssim_map(truth, filled)[hole].mean()))
        if self._last is not None and (both := hole & self._last[1]).any():
            self._note("flicker", float(np.abs(error[both] - self._last[0][both]).mean()))
        self._last = error, hole
        look, read = (not (self._seen - 1) % every for every in (LOOK_EVERY, self._read_every))
        if not look and not read:
            return
        shown = np.where(hole[..., None], filled, truth)
        rows, columns = np.flatnonzero(face.any(1)), np.flatnonzero(face.any(0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        ours, theirs = (_tensor(cv2.resize(image[box], (256, 256))) for image in (shown, truth))
        if read:
            self._read(ours, theirs)
        if look:
            self._look(ours, theirs)
            self._recognise(shown, truth, points)

    def _note(self, name: str, value: float) -> None:
        self._rows.setdefault(name, []).append(value)

    @torch.no_grad()
    def _read(self, ours: Tensor, theirs: Tensor) -> None:
        said, meant = self._reader(ours)[1], self._reader(theirs)[1]
        self._note("expression", float(said.argmax() == meant.argmax()))
        # Which of two expressions is the stronger can be a toss-up; what share of the reading is the same is none.
        self._note("overlap", float(torch.minimum(said.softmax(1), meant.softmax(1)).sum()))

    @torch.no_grad()
    def _look(self, ours: Tensor, theirs: Tensor) -> None:
        self._note("lpips", float(self._eyes(ours, theirs)))
        for kept, picture in ((self._pooled.filled, ours), (self._pooled.true, theirs)):
            kept.append(self._eyes.features(picture)[-1].mean((2, 3))[0].numpy())

    def _recognise(self, shown: RGB, truth: RGB, points: Points) -> None:
        if self._who is not None:
            a, b = (self._who.embed(image, points) for image in (shown, truth))
            self._note("identity", float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))

    def result(self) -> dict[str, float]:
        """Return the clip's means: mse (0..1), psnr and kept (dB), and the rest.

        `expression` is how often the same one is read from fill and truth, `overlap` what share of both readings, seven
        probabilities each, is the same.
        """
        mse = self._squares / max(self._count, 1) / 255**2
        kept = self._kept / max(self._outside, 1) / 255**2
        means = {name: float(np.mean(values)) for name, values in self._rows.items()}
        return {"mse": mse, "psnr": _decibel(mse), **means, "kept": _decibel(kept)}


def _decibel(mse: float) -> float:
    return float(-10 * np.log10(max(mse, 1e-10)))


def _tensor(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255


def frechet(one: Sequence[NDArray[np.float32]], other: Sequence[NDArray[np.float32]]) -> float:
    """Frechet distance (Dowson, Landau 1982) of two sets of features (n, d), as the FID uses it.

    Here the features are AlexNet's last convolution, averaged over the face: no Inception network is at hand.
    """
    a, b = (np.asarray(part, np.float64) for part in (one, other))
    ca, cb = np.cov(a.T), np.cov(b.T)
    values = np.linalg.eigvals(ca @ cb).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * np.sqrt(values.clip(0)).sum())
