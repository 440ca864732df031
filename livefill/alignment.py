"""How pictures of one head are laid on one another: features, flow and light. Pure functions on crops.

Crops are uint8 or float32 (n, n, 3) RGB; `visible` is float32 (n, n), 1 where both pictures show the same thing.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Affine, Mask, Points

__all__ = ["Even", "believed", "blur", "follow", "gray", "harmonise", "slopes"]

Floats = NDArray[np.float32]
DOUBT = 1.5  # medians of a difference from which on a pixel is not believed
SEARCH_SIDE = 800  # pixels of the longer side in which features are looked for


def blur(image: Floats, sigma: float) -> Floats:
    """Gaussian blur; wide ones are made on a shrunken picture, where they cost a tenth."""
    if sigma < 6:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    step = int(sigma // 3)
    size = (max(2, image.shape[1] // step), max(2, image.shape[0] // step))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def gray(image: RGB) -> NDArray[np.uint8]:
    """Luma of an RGB picture."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


class Even:
    """Makes luma (n, n) of even light and contrast where a picture is seen, and 0 where it is not."""

    def __init__(self, seen: Mask, window: int) -> None:
        """`seen` (n, n) is 1 where the picture counts; a `window` of pixels around one counts as one light."""
        self._seen, self._window = seen, (window, window)
        self._total = cv2.blur(seen, self._window) + np.float32(1e-3)
        self._share = cv2.GaussianBlur(seen, (0, 0), 1) + np.float32(1e-3)

    def __call__(self, luma: Floats) -> Floats:
        """Return the picture in even light."""
        smooth = cv2.GaussianBlur(luma * self._seen, (0, 0), 1) / self._share
        rest = (smooth - self._around(smooth)) * self._seen
        contrast = cv2.sqrt(np.maximum(self._around(rest * rest), 0))  # sums that run may fall below 0
        return np.asarray(rest / (contrast + np.float32(4)), np.float32)

    def _around(self, values: NDArray[Any]) -> Floats:
        return np.asarray(cv2.blur(values * self._seen, self._window) / self._total, np.float32)


def believed(off: Floats, counts: NDArray[np.bool_]) -> Floats:
    """Return how far a difference of two pictures is one of place, 0..1 (Geman, McClure 1987).

    What differs by more than `DOUBT` times the middle of where it `counts` shows something else.
    """
    some = np.abs(off[counts])
    middle = float(np.partition(some, len(some) // 2)[len(some) // 2]) if len(some) else 1.0
    share = off * np.float32(1 / (DOUBT * middle + 1e-3))
    return np.asarray(1 / np.square(1 + share * share), np.float32)


def slopes(luma: Floats) -> tuple[Floats, Floats]:
    """Return how steep a picture is, across and down, per pixel."""
    across, down = cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def follow(before: NDArray[np.uint8], now: NDArray[np.uint8], points: Points) -> Affine | None:
    """Estimate the similarity by which `points` moved between two luma crops, or None where too little is seen.

    Pyramidal Lucas-Kanade (Bouguet 2001) on every sixth point; the least median of squares (Rousseeuw 1984) keeps
    the points that move with something else from having a say.
    """
    some = np.ascontiguousarray(points[::6, None])
    if len(some) < 12:
        return None
    found, status, _ = cv2.calcOpticalFlowPyrLK(before, now, some, None, winSize=(15, 15), maxLevel=2)  # type: ignore[call-overload]
    good = status[:, 0] > 0
    if good.sum() < 10:
        return None
    affine, _ = cv2.estimateAffinePartial2D(some[good], found[good], method=cv2.LMEDS)
    return None if affine is None else _plausible(affine, limit=2)


def _plausible(affine: NDArray[Any], *, limit: float) -> Affine | None:
    """Give the similarity back, unless it scales beyond `limit`: fitted to noise, it may be of no size at all."""
    scale = float(np.hypot(affine[0, 0], affine[1, 0]))
    return np.asarray(affine, np.float32) if 1 / limit < scale < limit else None


def harmonise(
    crop: Floats, expected: Floats, weight: Mask, *, reach: float, bound: tuple[float, float, float], scale: float = 15
) -> Floats:
    """Give the smooth offset (n, n, 3) that brings `expected` into the light of `crop`.

    One offset for the whole picture, found robustly (iterated reweighting, Geman-McClure), and a local one that varies
    over `reach` pixels; `weight` says where the two show the same thing. `bound` limits the local part per channel.
    """
    small = (len(crop[0]) // 3, len(crop) // 3)
    difference = np.asarray(cv2.resize(crop - expected, small, interpolation=cv2.INTER_AREA), np.float32)
    known = np.asarray(cv2.resize(weight, small, interpolation=cv2.INTER_AREA), np.float32)
    emphasis = np.array([0.5, 2, 2], np.float32)
    overall = np.zeros(3, np.float32)
    # From "the light is as it was" to what most of the picture says, by and by: a large occluder is no new light.
    for width in (3 * scale, 2 * scale, 1.3 * scale, scale):
        residual = (difference - overall) ** 2 @ emphasis
        kept = np.asarray(known / (1 + residual / width**2) ** 2, np.float32)
        overall = _mean(difference, kept)
    limit = np.array(bound, np.float32)
    overall = np.clip(overall, -3 * limit, 3 * limit)
    local = blur((difference - overall) * kept[..., None], reach / 3) / (blur(kept, reach / 3)[..., None] + 0.08)
    offset = overall + np.clip(local, -limit, limit)
    return np.asarray(cv2.resize(offset, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _mean(values: Floats, weight: Mask) -> Floats:
    total = weight.ravel() @ values.reshape(-1, values.shape[-1])
    return np.asarray(total / max(float(weight.sum()), 1e-3), np.float32)


class Features:
    """Scale-invariant features (SIFT, Lowe 2004) of one head, to find it again at any place, size and angle."""

    def __init__(self, image: RGB, head: NDArray[np.uint8]) -> None:
        """Describe the part of `image` where `head` is not 0."""
        self._sift = cv2.SIFT.create(600)
        self._places, self._descriptions = self._sift.detectAndCompute(gray(image), head)

    def find(self, image: RGB) -> Affine | None:
        """Return the similarity from the described picture to this one, or None if too few features agree."""
        shrink = min(1.0, SEARCH_SIDE / max(image.shape[:2]))
        small = cv2.resize(gray(image), None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        places, descriptions = self._sift.detectAndCompute(small, None)  # type: ignore[call-overload]
        if self._descriptions is None or descriptions is None or len(descriptions) < 2:
            return None
        pairs = cv2.BFMatcher().knnMatch(self._descriptions, descriptions, k=2)
        good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.8 * p[1].distance]
        if len(good) < 8:
            return None
        ours = np.array([self._places[m.queryIdx].pt for m in good], np.float32)
        theirs = np.array([places[m.trainIdx].pt for m in good], np.float32) / shrink
        affine, inliers = cv2.estimateAffinePartial2D(ours, theirs, method=cv2.RANSAC, ransacReprojThreshold=6)
        if affine is None or int(inliers.sum()) < 8:
            return None
        return _plausible(affine, limit=10)
