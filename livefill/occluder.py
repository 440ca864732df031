"""What covers the face: the visible picture is compared with the one that the reference leads us to expect.

All pictures are crops (n, n) around the head. Differences are measured in YCrCb, with the chroma counted more. The
mask is smoothed by a mean field with a guided filter (He et al. 2013), which makes its edge follow the picture's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.alignment import blur, harmonise
from livefill.types import RGB, Mask, Points
from livefill.zones import Bits, Zones, disc

__all__ = [
    "AS_EXPECTED",
    "BINS",
    "Comparison",
    "Finding",
    "Palette",
    "colour_bins",
    "compare",
    "find",
    "texture",
]

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
CHROMA = np.array([0.6, 3, 3], np.float32)  # weights of squared differences in Y, Cr, Cb
BINS = (8, 16, 16)
LEVELS = np.arange(256)
BLUE_BIN = np.clip(LEVELS // 8 - 8, 0, 15).astype(np.int32)
RED_BIN = BLUE_BIN * BINS[2]
LUMA_BIN = (LEVELS // 32 * BINS[1] * BINS[2]).astype(np.int32)
WEIGHT_NEW, WEIGHT_KNOWN = 0.8, 0.35  # mean surprise that a piece adds to the face, in levels
SPILL = 1.0  # face areas that an occluder may take beside the face
NEAR = 0.05  # eye distances that a head may be turned from the reference without looking different
GIRTH_NEW, GIRTH_KNOWN = 0.15, 0.13  # in eye distances
AS_EXPECTED = 10.0  # levels of surprise up to which a pixel is
EDGE, FLAT = 60.0, 0.05  # levels a pixel of slope from which on it counts in full, and what it counts where it is flat
BOUND = (25.0, 8.0, 8.0)  # how far the light may differ from place to place, in Y, Cr, Cb


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of the occluder and of everything else, as two histograms that follow the video slowly."""

    occluder: Floats  # (2048,), sums to 1
    rest: Floats  # (2048,), sums to 1

    def odds(self) -> Floats:
        """Log-odds (2048,), within ±2, that a pixel of this colour belongs to the occluder."""
        return np.asarray(np.clip(np.log((self.occluder + 2e-4) / (self.rest + 2e-4)), -2, 2), np.float32)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one comparison says."""

    mask: Mask  # (n, n), 0 or 1
    explained: float  # 0..1, share of the face's texture that is seen and as expected
    best_half: float  # 0..1, the same of the half of the face that is most as expected
    palette: Palette | None  # None where nothing covers the face


def find(
    crop: RGB,
    expected: RGB,
    points: Points,
    *,
    inside: Mask,
    prior: Mask,
    palette: Palette | None = None,
    hand: Mask | None = None,
    turned: float = 0.0,
) -> Finding:
    """Mark what covers the face.

    `points` are the landmarks in the crop; `inside` is 1 where the crop shows the frame and not what lies beyond its
    border; `prior` is the last mask, moved along; `hand` is 1 where a hand was detected. `turned` is how far the
    head is turned from the reference's pose, in eye distances: the further, the more the face differs by itself.
    """
    zones = Zones.of(points, inside.shape)
    unit, face, mouth, eyes, brows = zones.unit, zones.face, zones.mouth, zones.eyes, zones.brows
    near = _grow(face, 0.5 * unit)
    seen, reference = _in_one_light(crop, expected, (1 - prior) * near * (1 - mouth) * inside, face, unit)
    surprise, contrast = _surprise(seen, reference)
    excess = max(0.0, turned - NEAR)
    tolerance = 9 + 400 * excess + 6 * eyes + 4 * brows + 14 * mouth + 0.08 * np.clip(contrast - 20, 0, 60)
    odds = (blur(surprise, 1.5) - tolerance) / 6
    if hand is not None:
        odds = odds + 1.5 * hand * (surprise > 4)
    seeds = (odds > 1) & (face > 0) & (mouth + eyes == 0)
    colours, expected_colours = colour_bins(seen), colour_bins(reference)
    known = palette or _learn(None, colours, expected_colours, seeds, near)
    news = np.full(odds.shape, -2, np.float32)
    if known is not None:
        # A colour says something only where it is not the colour that was expected there anyway.
        table = known.odds()
        news = table[colours] - np.maximum(table, 0)[expected_colours]
        odds = odds + 1.2 * news * np.clip(surprise / 6, 0, 1)
    # Beside the face the reference is a guess (hair moves, the background shifts): there only what has the colours
    # of that which covers the face counts as a part of it.
    odds = np.where(face > 0, odds, np.minimum(odds, 2 * news))
    odds = np.clip(odds + 1.2 * np.clip(prior - 0.3, 0, 1), -3, 3) * inside - 3 * (1 - inside)
    mask = _clean(_mean_field(seen[..., 0], np.asarray(odds, np.float32)), unit)
    mask = _keep_covering(mask, face, mouth | eyes | brows, surprise, prior, unit, strict=1 + 60 * excess)
    if float((mask * (1 - face)).sum()) > SPILL * float(face.sum()):
        mask = mask * face  # nothing before a face is that large: the background has moved
    explained, best_half = _explained(reference[..., 0], surprise, face, mask, mouth, inside)
    covering = (mask > 0) & (face > 0) & (surprise > 10)
    learned = _learn(palette, colours, expected_colours, covering, near * (1 - mask))
    return Finding(mask.astype(np.float32), explained, best_half, learned)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A face beside what the reference leads us to expect; all pictures are (n, n)."""

    surprise: Floats  # levels by which a pixel differs from what is expected around it
    seen: Floats  # luma of the crop
    luma: Floats  # of what is expected, in the crop's light
    difference: Floats  # (n, n, 3) levels of Y, Cr and Cb by which the crop is more than that
    face: Bits  # 1 inside its outline
    mouth: Bits  # 1 on and around the lips
    mask: Mask  # what is known to be covered
    inside: Mask  # 1 where the crop shows the frame


def compare(crop: RGB, expected: RGB, zones: Zones, *, inside: Mask, mask: Mask) -> Comparison:
    """Compare two pictures of a face; `mask` says what is known to be covered."""
    near = _grow(zones.face, 0.5 * zones.unit)
    free = (1 - mask) * near * (1 - zones.mouth) * inside
    seen, reference = _in_one_light(crop, expected, free, zones.face, zones.unit)
    surprise, _ = _surprise(seen, reference)
    difference = np.asarray(seen - reference, np.float32)
    return Comparison(surprise, seen[..., 0], reference[..., 0], difference, zones.face, zones.mouth, mask, inside)


def _in_one_light(crop: RGB, expected: RGB, free: Mask, face: Bits, unit: float) -> tuple[Floats, Floats]:
    """Return both in smooth YCrCb, the expected one in the light of the crop where that is `free`, face first."""
    seen, reference = _smooth_ycrcb(crop), _smooth_ycrcb(expected)
    trusted = np.asarray(free * np.where(face > 0, 1, 0.3), np.float32)
    return seen, reference + harmonise(seen, reference, trusted, reach=0.35 * unit, bound=BOUND)


def _smooth_ycrcb(image: RGB) -> Floats:
    return cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), (0, 0), 1.0).astype(np.float32)


def _surprise(seen: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Distance of each pixel from the range of what is expected two pixels around it, and the width of that range.

    Asking for the range instead of the pixel forgives a warp that is off by a pixel or two.
    """
    window = np.ones((5, 5), np.uint8)
    high, low = cv2.dilate(reference, window), cv2.erode(reference, window)
    beyond = np.maximum(np.maximum(seen - high, low - seen), 0) + 0.25 * np.abs(seen - reference)
    surprise = cv2.sqrt(cv2.transform(beyond * beyond, CHROMA[None]))
    return np.asarray(surprise, np.float32), np.asarray((high - low)[..., 0], np.float32)


def _mean_field(luma: Floats, odds: Floats, *, rounds: int = 2, radius: int = 4, edge: float = 40.0) -> Bits:
    """Let each pixel hear its neighbours on the same side of the picture's edges."""
    side = (2 * radius + 1, 2 * radius + 1)
    mean = cv2.blur(luma, side)
    spread = cv2.blur(luma * luma, side) - mean * mean + edge
    belief = 1 / (1 + np.exp(-2 * odds))
    for _ in range(rounds):
        average = cv2.blur(belief, side)
        slope = (cv2.blur(luma * belief, side) - mean * average) / spread
        guided = cv2.blur(slope, side) * luma + cv2.blur(average - slope * mean, side)
        belief = 1 / (1 + np.exp(-2 * odds - 6 * (np.clip(guided, 0, 1) - 0.5)))
    return np.asarray(belief > 0.5, np.uint8)


def _clean(mask: Bits, unit: float) -> Bits:
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disc(0.10 * unit)), np.uint8)
    around = np.pad(1 - mask, 1, constant_values=1)
    cv2.floodFill(around, None, (0, 0), 0)  # type: ignore[call-overload]
    return np.asarray(mask | around[1:-1, 1:-1], np.uint8)  # what the flood did not reach is enclosed


def _keep_covering(
    mask: Bits, face: Bits, soft: Bits, surprise: Floats, prior: Mask, unit: float, *, strict: float
) -> Bits:
    """Keep the pieces that are as solid as things are; folds, brows and shadows are thin and faint.

    Weight is surprise over the face but for mouth, eyes and brows; girth the radius of the largest disc in the piece.
    A new piece has to show more of both than one that was there before; `strict` multiplies the weights.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    flat = labels.ravel()

    def total(values: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(flat, weights=values.ravel(), minlength=count)

    core = np.asarray(cv2.erode(face, disc(0.12 * unit)), np.uint8)
    weight = total(core * (1 - soft) * np.maximum(surprise - 8, 0)) / max(float(face.sum()), 1.0)
    known = total(prior > 0.5) > 0.2 * stats[:, cv2.CC_STAT_AREA]
    keep = weight > strict * np.where(known, WEIGHT_KNOWN, WEIGHT_NEW)
    keep[0] = False
    radius = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 3)[1:-1, 1:-1] / unit
    for piece in np.flatnonzero(keep):
        keep[piece] = radius[labels == piece].max() > (GIRTH_KNOWN if known[piece] else GIRTH_NEW)
    return np.asarray(keep[labels], np.uint8)


def texture(luma: Floats) -> Floats:
    """Return how much there is to compare at each pixel of a picture: 1 on edges, hardly anything where it is flat."""
    slopes = (cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    return np.asarray(np.clip(cv2.magnitude(*slopes) / EDGE, FLAT, 1), np.float32)


def _explained(
    luma: Floats, surprise: Floats, face: Bits, mask: Bits, mouth: Bits, inside: Mask
) -> tuple[float, float]:
    """Return the share of the face's texture that is as expected, and the same of its best half.

    Of an occluder's four halves (upper, lower, left, right of the face) one is mostly free; somebody else's face is
    strange in all of them.
    """
    weight = texture(luma) * face * (1 - mouth) * inside
    expected = weight * (surprise < AS_EXPECTED) * (1 - mask)
    x, y, width, height = cv2.boundingRect(face)
    row, column = y + height // 2, x + width // 2
    halves = (np.s_[:row], np.s_[row:], np.s_[:, :column], np.s_[:, column:])
    best = max(float(expected[half].sum()) / max(float(weight[half].sum()), 1.0) for half in halves)
    return float(expected.sum()) / max(float(weight.sum()), 1.0), best


def _learn(
    palette: Palette | None, colours: Indices, expected: Indices, covering: NDArray[np.bool_], around: Bits
) -> Palette | None:
    """Learn the colours where something covers the face, against those around it and those expected under it."""
    covering = cv2.erode(covering.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if covering.sum() < 50:
        return None
    occluder = _histogram(colours[covering])
    rest = _histogram(np.concatenate([colours[(around > 0) & ~covering], expected[covering]]))
    if palette is None:
        return Palette(occluder, rest)
    return Palette(0.8 * palette.occluder + 0.2 * occluder, 0.8 * palette.rest + 0.2 * rest)


def colour_bins(image: Floats | Bits) -> Indices:
    """Number the colours of a YCrCb picture, 0..255: 8 steps of Y, 16 each of Cr and Cb around gray; see `BINS`."""
    luma, red, blue = cv2.split(np.clip(image, 0, 255).astype(np.uint8))
    return np.asarray(LUMA_BIN[luma] + RED_BIN[red] + BLUE_BIN[blue], np.int32)


def _histogram(index: Indices) -> Floats:
    counts = np.bincount(index, minlength=int(np.prod(BINS))).astype(np.float32).reshape(BINS)
    smooth = blur(np.ascontiguousarray(counts.transpose(1, 2, 0)), 0.7).transpose(2, 0, 1).ravel()
    return np.asarray(smooth / max(float(smooth.sum()), 1.0), np.float32)


def _grow(mask: Bits, by: float) -> Bits:
    return np.asarray(cv2.dilate(mask, disc(by)), np.uint8)
