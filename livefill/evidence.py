"""What speaks for a pixel being covered, weighed: the observer's mask, comparison with the reference, colour, place.

The observer goes by what occluders look like, the comparison by what this face looks like: where a hand has the skin of
the face that it covers, one of them often sees what the other does not, and edges and neighbours tell which is right. A
small network weighs them (`training/evidence`), taught on synthetic scenes that went through the tracker itself.

All pictures are crops (n, n) at the mask's size, 96.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.backends.runtimes import open_network
from livefill.errors import BackendError
from livefill.occluder import BINS, Comparison, colour_bins, compare
from livefill.types import RGB, Mask, Points, Tensor
from livefill.zones import Zones

__all__ = ["FEATURES", "LEAN", "Colours", "Evidence", "View", "Weighed", "colour_odds", "features", "gathered"]

Floats = NDArray[np.float32]
Run = Callable[[dict[str, Tensor]], dict[str, Tensor]]
FEATURES = (
    "mask",  # log-odds of the observer's mask
    "surprise",  # by which the pixel is not as expected
    "smooth",  # the same, smoothed
    "colour",  # log-odds that this is the occluder's colour
    "news",  # the same, where that was not to be expected there anyway
    "face",
    "mouth",
    "eyes",  # and brows
    "turned",  # how far the head is turned from the reference
    "seen",  # luma
    "expected",  # luma
    "lighter",  # than expected
    "redder",
    "bluer",
    "inside",  # the frame
)
DOUBTLESS = 0.01  # the observer is never surer than that
# A finger left on a cheek is worse than a cheek that is filled. On held-out synthetic scenes .2 % of the face is missed
# with this and .6 % without; 2 % is filled although nothing covered it, and .8 % without.
LEAN = 1.5  # log-odds
SURE, CLEAR = (
    0.7,
    0.15,
)  # mask from which on, and up to which, a pixel's colour is learned as the occluder's, the face's
FEW = 12  # pixels of an occluder that say nothing about its colour
STRONGEST = 2.5  # log-odds
FLOOR = 2e-4  # share of a colour that was never seen


class Colours(NamedTuple):
    """What colours say of each pixel, as log-odds (n, n)."""

    odds: Floats  # that it has the occluder's colour rather than the face's
    news: Floats  # the same, where that was not to be expected there anyway


@dataclass(frozen=True, slots=True)
class View:
    """A face in one frame beside what the reference leads us to expect there."""

    crop: RGB
    expected: RGB  # the reference, settled on the crop
    inside: Mask  # 1 where the crop shows the frame, 0 beyond its border
    seen: Mask  # the observer's mask of this frame alone
    mask: Mask  # the same, steadied by the frame before
    points: Points  # (468, 2) in the crop
    turned: float  # eye distances by which the head is turned from the reference


class Weighed(NamedTuple):
    """What speaks for each pixel of a view being covered."""

    odds: Floats  # (n, n) log-odds
    zones: Zones
    compared: Comparison
    colours: Colours


class Evidence:
    """Weighs what a view shows."""

    def __init__(self, run: Run) -> None:
        """`run` executes the network: `known` (1, len(FEATURES), n, n) to `odds` (1, n, n)."""
        self._run = run

    @classmethod
    def open(cls, *, runtime: str = "onnx") -> Evidence:
        """Open the network that ships; raises `BackendError` where it cannot run."""
        network = open_network("evidence", keys=("features",), runtime=runtime)
        if network.contract["features"] != " ".join(FEATURES):
            raise BackendError("engines/evidence.onnx was made for other features: write it again with export.evidence")
        return cls(network.run)

    def weigh(self, view: View) -> Weighed:
        """Return the evidence of each pixel."""
        zones, compared, colours = gathered(view)
        known = features(view.mask, compared, zones, colours=colours, turned=view.turned)
        odds = self._run({"known": known[None]})["odds"][0]
        return Weighed(np.asarray(odds, np.float32), zones, compared, colours)


def gathered(view: View) -> tuple[Zones, Comparison, Colours]:
    """Return what a view shows, before it is weighed."""
    zones = Zones.of(view.points, view.mask.shape)
    compared = compare(view.crop, view.expected, zones, inside=view.inside, mask=view.seen)
    return zones, compared, colour_odds(view.crop, view.expected, view.mask, zones)


def features(mask: Mask, compared: Comparison, zones: Zones, *, colours: Colours, turned: float) -> Floats:
    """Return what is known of each pixel, (len(FEATURES), n, n), all of it about -1..1.

    `mask` is the observer's, 0..1; `turned` how far the head is turned from the reference, in eye distances.
    """
    lighter, redder, bluer = cv2.split(compared.difference)
    known = (
        np.log((mask + DOUBTLESS) / (1 + DOUBTLESS - mask)) / np.log(1 / DOUBTLESS),
        np.minimum(compared.surprise, 40) / 40,
        np.minimum(cv2.GaussianBlur(compared.surprise, (0, 0), 0.8), 40) / 40,
        colours.odds / STRONGEST,
        np.maximum(colours.news / STRONGEST, -2),
        zones.face,
        zones.mouth,
        zones.eyes | zones.brows,
        np.full_like(mask, min(5 * turned, 1)),
        compared.seen / 255 - 0.5,
        compared.luma / 255 - 0.5,
        np.clip(lighter / 40, -2, 2),
        np.clip(redder / 15, -2, 2),
        np.clip(bluer / 15, -2, 2),
        compared.inside,
    )
    return np.stack([part.astype(np.float32, copy=False) for part in known])


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
