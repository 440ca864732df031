"""What speaks for a pixel of the face being covered, weighed: the network's mask, surprise, colour, and place.

The network goes by what occluders look like, the comparison with the reference by what this face looks like: where a
hand has the skin of the face that it covers, one of them often sees what the other does not. A logistic regression
weighs them (`training/observer/evidence.py` fits it, on synthetic scenes through the tracker itself).

All pictures are crops (n, n) at the mask's size, 96.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.occluder import BINS, colour_bins
from livefill.types import RGB, Mask
from livefill.zones import Zones

__all__ = ["FEATURES", "LEAN", "WEIGHTS", "Colours", "colour_odds", "features", "weigh"]

Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]
FEATURES = (
    "mask",  # log-odds of the network's mask
    "surprise",  # tens of levels by which the pixel is not as expected
    "around",  # the same, on the average of seven pixels
    "near",  # the highest belief within two pixels
    "close",  # and within six
    "mouth",
    "eyes",  # and brows
    "turned",  # tenths of an eye distance that the head is turned from the reference
    "edge",  # of the face
    "colour",  # log-odds that this is the occluder's colour
    "joined",  # the same where the mask is close
)
WEIGHTS = np.array(
    [0.335, 0.476, 0.167, 1.093, 1.221, 0.104, 0.232, -0.332, -0.260, 0.501, 0.707],
    np.float32,
)
BIAS = -3.300
# A finger left on a cheek is worse than a cheek that is filled. On held-out synthetic scenes .1 % of the face is missed
# with this and .4 % without; 4 % is filled although nothing covered it, and 2 % without.
LEAN = 2.0
SURE, CLEAR = (
    0.7,
    0.15,
)  # mask from which on, and up to which, a pixel's colour is learned as the occluder's, the face's
FEW = 12  # pixels of an occluder that say nothing about its colour
STRONGEST = 2.5  # log-odds
FLOOR = 2e-4  # share of a colour that was never seen


def weigh(known: Floats, *, lean: float = LEAN) -> Mask:
    """Return the belief (n, n), 0..1, that a pixel of the face is covered, from `features`.

    `lean`, in log-odds, is how much rather too much is called covered than too little.
    """
    return np.asarray(1 / (1 + np.exp(-(known @ WEIGHTS + np.float32(BIAS + lean)))), np.float32)


def features(mask: Mask, surprise: Floats, zones: Zones, *, colour: Floats, turned: float) -> Floats:
    """Return what is known of each pixel, (n, n, len(FEATURES)).

    `mask` is the network's, 0..1; `surprise` as `occluder.compare` says it, in levels; `colour` is `Colours.odds`.
    """
    smooth = cv2.GaussianBlur(surprise, (0, 0), 0.8)
    close = cv2.dilate(mask, np.ones((13, 13), np.uint8))
    known = (
        np.log((mask + 0.01) / (1.01 - mask)),
        np.minimum(smooth, 40) / 10,
        np.minimum(cv2.blur(smooth, (7, 7)), 40) / 10,
        cv2.dilate(mask, np.ones((5, 5), np.uint8)),
        close,
        zones.mouth,
        zones.eyes | zones.brows,
        np.full_like(mask, min(10 * turned, 2)),
        1 - cv2.erode(zones.face, np.ones((5, 5), np.uint8)),
        colour,
        colour * close,
    )
    return np.asarray(cv2.merge([part.astype(np.float32, copy=False) for part in known]), np.float32)


class Colours(NamedTuple):
    """What colours say of each pixel, as log-odds (n, n)."""

    odds: Floats  # that it has the occluder's colour rather than the face's
    news: Floats  # the same, where that was not to be expected there anyway


def colour_odds(crop: RGB, expected: RGB, mask: Mask, zones: Zones) -> Colours:
    """Return what the colours of a crop say, where something else was `expected`.

    The occluder's colours are those where the mask is sure, the face's those that are expected, and seen where it is
    clear.
    """
    face = zones.face
    sure = (mask > SURE) & (cv2.dilate(face, np.ones((9, 9), np.uint8)) > 0)
    if sure.sum() < FEW:
        nothing = np.zeros(mask.shape, np.float32)
        return Colours(nothing, nothing)
    seen, wanted = (
        colour_bins(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), np.uint8)) for image in (crop, expected)
    )
    occluder = _histogram(seen[sure])
    skin = _histogram(np.concatenate([wanted[face > 0], seen[(face > 0) & (mask < CLEAR)]]))
    odds = np.clip(np.log((occluder + FLOOR) / (skin + FLOOR)), -STRONGEST, STRONGEST).astype(np.float32)
    own = cv2.blur(odds[seen], (3, 3))
    return Colours(np.asarray(own, np.float32), np.asarray(own - np.maximum(odds, 0)[wanted], np.float32))


def _histogram(bins: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the shares of colours, smoothed over neighbouring ones."""
    counts = np.bincount(bins, minlength=BINS[0] * BINS[1] * BINS[2]).astype(np.float64)
    for before, after in _neighbours():
        counts = counts + 0.5 * (counts[before] + counts[after])
    return np.asarray(counts / max(float(counts.sum()), 1e-6), np.float64)


@cache
def _neighbours() -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Return the numbers of every bin's two neighbours in luma, red and blue; the last is beside the first."""
    number = np.arange(BINS[0] * BINS[1] * BINS[2]).reshape(BINS)
    return tuple((np.roll(number, 1, axis).ravel(), np.roll(number, -1, axis).ravel()) for axis in range(3))
