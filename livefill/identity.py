"""Whose face it is: how alike what is seen of it is to what the profile's reference leads us to expect.

Two measures, each of what is visible only, so that a face behind a mask is as much itself as one without. The share of
the texture that looks as expected forgives a warp that is off by a pixel, but somebody with the same skin passes over
cheeks and forehead, and one's own face in another light does not. The local correlation sees eyes, brows and wrinkles
in whatever light, and is fooled by a face of the same build. Either is high for one stranger or another; together they
tell people apart better. It is a heuristic, and no proof: twins would pass.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.occluder import AS_EXPECTED, Comparison, texture

__all__ = ["allowed", "likeness"]

Floats = NDArray[np.float32]
WINDOW = 9  # pixels of the crop in which light and contrast are taken as even
NOISE = 25.0  # squared levels of it that are no texture
SHARE = 0.4  # of the first measure in both
BESIDE = 5  # pixels
# What turning takes from the likeness in half the size: on twelve people's video oneself has .91, .79 and .53 where the
# landmarks are .03, .06 and .1 eye distances from the reference's, somebody else .44, .40 and .30.
LESS, MORE, MOST = 0.25, 3.0, 0.12
ENOUGH = 0.2  # share of the texture; where less is seen, it says less


def likeness(compared: Comparison) -> float:
    """Return how much what is seen of a face, but for the mouth, looks like the reference's person, 0..1."""
    free = compared.face * (1 - compared.mouth) * compared.inside
    there = texture(compared.luma) * free
    # Pictures are compared smooth: beside an occluder a little of it shows.
    visible = cv2.erode((compared.mask < 0.5).astype(np.float32), np.ones((BESIDE, BESIDE), np.uint8))
    free = np.asarray(free * visible, np.float32)
    seen = there * free
    least = max(ENOUGH * float(there.sum()), 1.0)
    expected = float(seen[compared.surprise < AS_EXPECTED].sum()) / max(float(seen.sum()), least)
    return SHARE * expected + (1 - SHARE) * _correlation(compared.seen, compared.luma, free)


def allowed(glance: float, turned: float) -> float:
    """Return a likeness in half the size with allowance for a head that is `turned`, in eye distances, 0..1.

    It is made to be steadied: .5 lies between oneself and others, single looks lie on either side of it.
    """
    return float(np.clip(glance - LESS + MORE * min(turned, MOST), 0, 1))


def _correlation(seen: Floats, expected: Floats, free: Floats) -> float:
    """Return the correlation of two pictures around each pixel that is `free`, its mean by how much there is to see."""

    def mean(values: NDArray[Any]) -> Floats:
        return np.asarray(cv2.blur(values, (WINDOW, WINDOW)), np.float32)

    share = mean(free) + 1e-6
    level, wanted = mean(seen * free) / share, mean(expected * free) / share
    spread: Floats = mean(seen * seen * free) / share - level * level
    contrast = np.maximum(mean(expected * expected * free) / share - wanted * wanted, 0)
    together: Floats = mean(seen * expected * free) / share - level * wanted
    weight = free * np.sqrt(contrast)
    agreement = together / np.sqrt(np.maximum(spread * contrast, 0) + NOISE)
    return float((agreement * weight).sum() / max(float(weight.sum()), 1e-6))
