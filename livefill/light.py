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
STEADY = 0.6  # how much of the last frame's light is kept
TONES = (0.3, 0.15)  # differences that always count as one of tone, fit after fit
STRONGEST = 3.0  # gain
FLAT, NEARLY = 0.004, 0.01  # variance of a picture that says little about the gain: of a whole one, of a part
MIXED = 0.005  # and the variance that says little about how colours mix
LEAST = 0.5  # small pixels without which nothing can be said at all
FEW, FEWER = 2.0, 0.5  # pixels of half the size, and of a quarter, that say little about a tone
PART = 0.16  # of a picture's side whose tone is worked out by itself (standard deviation)
BESIDE = 0.1  # what is seen far from the middle counts for a part's tone
AGREE, OUTLIER = 0.1, 0.12  # differences that always count as one of a part's tone, and as one of light
# Where everything differs by much, more counts: so many times the median, of tone, a part's tone, and light.
WIDER, TIMES, BEYOND = 3.0, 2.0, 6.0
SIDE = 64  # pixels in which light is worked out: it is smooth


@dataclass(frozen=True, slots=True)
class Light:
    """What makes the expected picture's light that of the crop: a tone, then at every place a gain and an offset."""

    tone: Floats  # (3, 4) what mixes the channels, and what is added
    gain: Floats  # (m, m, 3), m at most SIDE / 4
    offset: Floats  # (n, n, 3), n at most SIDE

    def on(self, expected: Floats) -> Floats:
        """Return an expected picture (n, n, 3), 0..1, in this light."""
        gain, offset = (_resized(field, len(expected)) for field in (self.gain, self.offset))
        lit = cv2.transform(expected, self.tone)
        cv2.multiply(lit, gain, lit)
        cv2.add(lit, offset, lit)
        return np.asarray(np.clip(lit, 0, 1, lit), np.float32)


def measure(crop: Floats, expected: Floats, hole: Mask, last: Light | None) -> Light:
    """Measure the light of a crop around its hole: `crop` and `expected` (n, n, 3), 0..1, and `hole` (n, n).

    First another tone of the whole picture, on which what is seen of it agrees: gains, lifts, and how much colour. Then
    each part has a gain and a lift of its own, for lamps shine from other sides. What is left is a smooth membrane: the
    difference of crop and expectation where both are seen, pulled into the hole over a pyramid (push-pull, Gortler et
    al. 1996, section 3.4). All are steadied by the `last` frame's light.
    """
    crop, expected, hole = (_shrunk(image) for image in (crop, expected, hole))
    seen, middle = np.asarray(hole < 0.01, np.float32), _middle(len(hole))
    ours = _half(crop)
    tone = _tone(_half(expected), ours, _half(seen * middle))
    toned = np.asarray(cv2.transform(expected, tone), np.float32)
    parts = _parts(_half(_half(toned)), _half(ours), _half(_half(seen * np.maximum(middle, BESIDE))))
    gain, lift = parts[0], _resized(parts[1], len(crop))
    difference = crop - cv2.multiply(_resized(gain, len(crop)), toned) - lift
    outlying = _largest(difference)
    outlying /= _usual(outlying, seen * middle, least=OUTLIER, times=BEYOND)
    offset = lift + membrane(difference, np.asarray(seen / np.square(1 + outlying * outlying), np.float32))
    now = (tone, gain, offset)
    if last is None:
        return Light(*now)
    before = (last.tone, last.gain, last.offset)
    return Light(*(np.asarray(STEADY * a + (1 - STEADY) * b, np.float32) for a, b in zip(before, now, strict=True)))


def _largest(difference: Floats) -> Floats:
    """Return the largest absolute difference of any channel."""
    red, green, blue = cv2.split(np.abs(difference))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.float32)


@lru_cache(maxsize=4)
def _middle(side: int) -> Floats:
    """Return how much each place counts for the tone: it is the face's, not the room's."""
    away = (np.arange(side, dtype=np.float32) - (side - 1) / 2) / (0.3 * side)
    return np.asarray(np.exp(-(away[:, None] ** 2 + away[None] ** 2)), np.float32)


def _usual(differences: Floats, weight: Floats, *, least: float, times: float) -> float:
    """Return so many times the median of the differences that have weight, at least `least`.

    Where everything differs by much, that is no outlier.
    """
    counted = differences[weight > 0.5]
    middle = len(counted) // 2  # numpy.median takes five times as long
    return max(least, times * float(np.partition(counted, middle)[middle])) if len(counted) > FEW else least


def _tone(expected: Floats, crop: Floats, seen: Floats) -> Floats:
    """Fit the tone (3, 4) that brings `expected` to `crop` where it is `seen`.

    Least squares, repeated with less and less weight for what disagrees (Geman, McClure 1987): gains and lifts first. A
    picture with little contrast says little about the gain, which is then the ratio of the means. Then what mixes the
    channels: it is small, but lips are redder in one camera than in another.
    """
    theirs, ours, weight = expected.reshape(-1, 3).T.copy(), crop.reshape(-1, 3).T.copy(), seen.ravel()
    tone = np.eye(3, 4, dtype=np.float32)
    residual = ours - theirs
    for width in TONES:
        away = np.abs(residual).max(0)
        away /= _usual(away, weight, least=width, times=WIDER)
        trusted = weight / np.square(1 + away * away)
        total = float(trusted.sum())
        if total < LEAST:
            return tone
        mean, aim = (theirs @ trusted / total)[:, None], (ours @ trusted / total)[:, None]
        centred = theirs - mean
        spread, common = ((centred * other) @ trusted / total + FLAT for other in (centred, ours - aim))
        ratio = np.clip(aim / np.maximum(mean, 0.02), 1 / STRONGEST, STRONGEST)[:, 0]  # light multiplies
        gain = np.clip((common + FLAT * (ratio - 1)) / spread, 1 / STRONGEST, STRONGEST)
        # The less is seen, the nearer the mean stays to what it was.
        aim = mean + (aim - mean) * (total / (total + FEW))
        toned = gain[:, None] * centred
        residual = ours - toned - aim
    mixed = (toned * trusted) @ np.concatenate([toned, residual]).T / total
    gains = np.diag(gain) + np.linalg.solve(mixed[:, :3] + MIXED * np.eye(3), mixed[:, 3:]).T * gain
    return np.asarray(np.column_stack([gains, aim - gains @ mean]), np.float32)


def _parts(toned: Floats, crop: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Fit gain and lift (n, n, 3) of every part of a picture; where little is seen they are 1 and 0.

    A guided filter (He et al. 2010, section 3.1) whose windows are weighed: by what is `seen`, and how well it agrees.
    """
    away = _largest(crop - toned)
    away /= _usual(away, seen, least=AGREE, times=TIMES)
    weight = (seen / np.square(1 + away * away))[..., None]
    sigma = PART * len(toned)
    moments = np.concatenate([np.ones_like(weight), toned, crop, toned * toned, toned * crop], -1) * weight
    sums = blur(np.asarray(moments, np.float32), sigma) * np.float32(2 * np.pi * sigma * sigma)
    total = sums[..., :1]
    mean, aim, square, product = np.split(sums[..., 1:] / (total + np.float32(1e-6)), 4, axis=-1)
    known = total / (total + np.float32(FEWER))
    slope = (product - mean * aim + NEARLY) / (square - mean * mean + NEARLY)
    gain = 1 + known * (np.clip(slope, 1 / STRONGEST, STRONGEST) - 1)
    return np.asarray(gain, np.float32), np.asarray(mean + known * (aim - mean) - gain * mean, np.float32)


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


def _resized(field: Floats, side: int) -> Floats:
    return np.asarray(cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def _shrunk(image: Floats) -> Floats:
    side = min(SIDE, len(image))
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _half(image: Floats) -> Floats:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
