"""The light of a crop, measured where a face is seen, for what is expected where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.alignment import blur
from livefill.types import Mask

__all__ = ["SIDE", "Light", "measure"]

Floats = NDArray[np.float32]
OUTLIER = 0.15  # a difference larger than this share of full scale is not one of light
STEADY = 0.6  # how much of the last frame's light is kept
TONES = (0.6, 0.3, 0.15)  # differences that still count as one of tone, from wide to narrow
STRONGEST = 3.0  # gain
FLAT = 0.004  # variance of a picture that says little about the gain
LEAST = 0.5  # small pixels without which nothing can be said at all
FEW = 10.0  # small pixels that say little about the tone
SIDE = 64  # pixels in which light is worked out: it is smooth


@dataclass(frozen=True, slots=True)
class Light:
    """What makes the expected picture's light that of the crop."""

    gain: Floats  # (3,)
    lift: Floats  # (3,)
    offset: Floats  # (SIDE, SIDE, 3)

    def on(self, expected: Floats) -> Floats:
        """Return an expected picture (n, n, 3), 0..1, in this light."""
        spread = cv2.resize(self.offset, expected.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        toned = _toned(expected, self.gain, self.lift)
        cv2.add(toned, spread, toned)
        return np.asarray(np.clip(toned, 0, 1, toned), np.float32)


def measure(crop: Floats, expected: Floats, hole: Mask, last: Light | None) -> Light:
    """Measure the light of a crop around its hole: `crop` and `expected` (n, n, 3), 0..1, and `hole` (n, n).

    First another tone for the whole picture: a gain and a lift per channel, on which what is seen agrees. Then what is
    left of light, a smooth membrane: the difference of crop and expectation where both are seen, pulled into the hole
    over a pyramid (push-pull, Gortler et al. 1996, section 3.4). Both are steadied by the `last` frame's light.
    """
    crop, expected, hole = (_shrunk(image) for image in (crop, expected, hole))
    seen = np.asarray(hole < 0.01, np.float32)
    gain, lift = _tone(_half(expected), _half(crop), _half(seen * _middle(len(seen))))
    difference = crop - _toned(expected, gain, lift)
    outlying = _largest(difference) / OUTLIER
    offset = membrane(difference, np.asarray(seen / np.square(1 + outlying * outlying), np.float32))
    if last is not None:
        gain, lift, offset = (
            np.asarray(STEADY * before + (1 - STEADY) * now, np.float32)
            for before, now in ((last.gain, gain), (last.lift, lift), (last.offset, offset))
        )
    return Light(gain, lift, offset)


def _toned(image: Floats, gain: Floats, lift: Floats) -> Floats:
    return np.asarray(cv2.transform(image, np.column_stack([np.diag(gain), lift])), np.float32)


def _largest(difference: Floats) -> Floats:
    """Return the largest absolute difference of any channel."""
    red, green, blue = cv2.split(np.abs(difference))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)


@lru_cache(maxsize=4)
def _middle(side: int) -> Floats:
    """Return how much each place counts for the tone: it is the face's, not the room's."""
    away = (np.arange(side, dtype=np.float32) - (side - 1) / 2) / (0.3 * side)
    return np.asarray(np.exp(-(away[:, None] ** 2 + away[None] ** 2)), np.float32)


def _tone(expected: Floats, crop: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Fit gain and lift (3,) that bring `expected` to `crop` where it is `seen`.

    Least squares, repeated with less and less weight for what disagrees (Geman, McClure 1987). A picture with little
    contrast says little about the gain, which is then the ratio of the means.
    """
    theirs, ours, weight = expected.reshape(-1, 3).T.copy(), crop.reshape(-1, 3).T.copy(), seen.ravel()
    gain, lift = np.ones(3, np.float32), np.zeros(3, np.float32)
    for width in TONES:
        residual = np.abs(ours - theirs * gain[:, None] - lift[:, None]).max(0) / width
        trusted = weight / np.square(1 + residual * residual)
        total = float(trusted.sum())
        if total < LEAST:
            break
        mean, aim = theirs @ trusted / total, ours @ trusted / total
        centred = theirs - mean[:, None]
        spread = (centred * centred) @ trusted / total + FLAT
        likely = np.clip(aim / np.maximum(mean, 0.02), 1 / STRONGEST, STRONGEST)  # light multiplies
        slope = ((centred * (ours - aim[:, None])) @ trusted / total + FLAT * likely) / spread
        gain = np.clip(slope, 1 / STRONGEST, STRONGEST).astype(np.float32)
        lift = np.asarray((aim - gain * mean) * (total / (total + FEW)), np.float32)
    return gain, lift


def membrane(values: Floats, weight: Floats, *, sigma: float = 2.0) -> Floats:
    """Spread `values` (h, w, c) from where `weight` (h, w) is 1 over where it is 0, smoothly."""
    channels = values.shape[2]
    # The weight goes along as one more channel.
    both = cv2.merge([*cv2.split(values * weight[..., None]), weight])
    levels = [blur(np.asarray(both, np.float32), sigma)]
    while min(levels[-1].shape[:2]) > 3:
        levels.append(_half(levels[-1]))
    spread = levels[-1][..., :channels] / np.maximum(levels[-1][..., channels:], 1e-6)
    for level in reversed(levels[:-1]):
        share = level[..., channels]
        spread = cv2.resize(spread, share.shape[::-1], interpolation=cv2.INTER_LINEAR)
        known = np.minimum(share * 1.5, 1)
        ours, theirs = (cv2.merge([part] * channels) for part in (known / np.maximum(share, 1e-6), 1 - known))
        spread = level[..., :channels] * ours + spread * theirs
    return np.asarray(spread, np.float32)


def _shrunk(image: Floats) -> Floats:
    side = min(SIDE, len(image))
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _half(image: Floats) -> Floats:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
