"""Where a head is by what can be seen of it: the reference's texture, laid on the frame's (direct alignment).

Under an occluder the observer's landmarks are off together, by a little, for as long as it stays. What is still seen of
the face says more exactly how the head is held, as only the eight numbers of an affine camera are unknown. They are
found as in Lucas and Kanade (1981), with the mean of both pictures' slopes (Malis 2004); one step a frame is enough, as
the correction is handed on from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.alignment import Even, believed, gray, slopes
from livefill.geometry import Field, apply, crop_transform, distances, face_hull, fill_polygon, grid, scaled
from livefill.pyramid import cut
from livefill.types import RGB, Mask, Points

__all__ = [
    "FACE_SHARE",
    "FINE",
    "MOBILE",
    "NONE",
    "SIDE",
    "Fit",
    "Head",
    "Seen",
    "below_nose",
    "steepness",
    "texture_of",
]

Floats = NDArray[np.float32]
SIDE = 80  # pixels of the grid on which pictures are compared
FACE_SHARE = 0.85  # of it that the face takes
FINE = 1.25  # how much finer the crops are with which it is compared: the reference must be as soft
COARSE = 4  # pixels of it between two at which the depth is worked out
EVEN = 15  # pixels around one whose light and contrast count as its own
MOBILE = 0.15  # what the part below the nose counts: it moves by itself
# What the pose may be off by (standard deviations, half sides): scale and roll; stretch and shear; shift;
# turning. And of the outline, where it is seen, as so many independent landmarks.
SIMILARITY, STRETCH, SHIFT, TURN = 0.06, 0.02, 0.08, 0.125
OUTLINE, INDEPENDENT = 0.02, 1.0
PRECISION = 2.0 * (96 / SIDE) ** 2  # of a pixel, in units of the local contrast: neighbours say the same
DISAGREED, AGREED = 0.3, 0.7  # correlation of both up to which nothing is believed, and from which on all
STEP = 0.2  # share of what a frame says that is taken up: where little is seen, frames say different things


class Seen(NamedTuple):
    """What a frame shows of a head, on the head's grid."""

    texture: Floats  # (SIDE, SIDE) of even light and contrast
    bare: Mask  # (SIDE, SIDE), 1 where nothing covers it


class Fit(NamedTuple):
    """How a head lies on a frame."""

    correction: Floats  # (4, 2): by what x, y, 1 and depth move a landmark, in half sides of the head's grid
    agreement: float  # correlation of what is seen with the reference, before the correction was changed
    seen: Seen | None = None  # what that was; None where it was too little


NONE = Fit(np.zeros((4, 2), np.float32), 0.0)


@dataclass(frozen=True, slots=True)
class Head:
    """A reference made ready to be laid on frames."""

    texture: Floats  # (SIDE, SIDE) of even light and contrast
    slopes: tuple[Floats, Floats]  # of it, across and down, per half side
    weight: Mask  # (SIDE, SIDE), 1 where the face is solid
    solid: Floats  # (SIDE * SIDE, 4): x, y, 1 and depth of every pixel, in half sides from the middle
    products: Floats  # (SIDE * SIDE, 16) of those four with each other
    landmarks: Floats  # (468, 4): the same of the landmarks
    inverse: Floats  # (4, 468) of that
    outline: Floats  # (468,) 1 on the face's outline, 0 inside

    @classmethod
    def of(cls, image: RGB, points: Points, depth: Floats) -> Head:
        """Make a reference ready: its picture, its landmarks (468, 2) and their depth (468,) in pixels."""
        to_grid = crop_transform(points, SIDE, face_share=FACE_SHARE)
        scale, half = float(np.hypot(to_grid[0, 0], to_grid[1, 0])), SIDE / 2
        own, places = apply(to_grid, points), grid((SIDE, SIDE)).reshape(-1, 2)
        deep = np.asarray((depth - depth.mean()) * scale, np.float32)
        coarse = grid((SIDE // COARSE, SIDE // COARSE), COARSE).reshape(-1, 2) + np.float32((COARSE - 1) / 2)
        near = np.exp(-0.5 * (distances(coarse, own) / 3) ** 2) + np.float32(1e-6)
        deep_of = cv2.resize(((near @ deep) / near.sum(1)).reshape(SIDE // COARSE, -1), (SIDE, SIDE)).reshape(-1)
        solid = np.column_stack([(places - half) / half, np.ones(len(places)), deep_of / half]).astype(np.float32)
        landmarks = np.column_stack([(own - half) / half, np.ones(len(own)), deep / half]).astype(np.float32)
        hull = face_hull(own)
        inside = fill_polygon((SIDE, SIDE), hull)
        weight = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) / (0.08 * SIDE), 0, 1)
        below = below_nose(places, own).reshape(SIDE, SIDE)
        weight = weight * (1 - (1 - MOBILE) * np.clip(below / 3 + 0.5, 0, 1))
        edge = [cv2.pointPolygonTest(hull[:, None], (float(x), float(y)), True) for x, y in own]
        seen = np.ones((SIDE, SIDE), np.float32)
        fine = gray(cut(image, scaled(to_grid, FINE), round(FINE * SIDE)))
        shown = cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        texture = Even(seen, EVEN)(shown.astype(np.float32))
        return cls(
            texture, steepness(texture), weight.astype(np.float32), solid,
            (solid[:, :, None] * solid[:, None]).reshape(len(solid), -1), landmarks,
            np.linalg.pinv(landmarks.astype(np.float64)).astype(np.float32),
            np.clip(1 - np.array(edge) / (0.07 * SIDE), 0, 1).astype(np.float32),
        )  # fmt: skip

    def moved(self, points: Points, correction: Floats) -> Points:
        """Return rigid landmarks (468, 2) with the correction."""
        camera = self.inverse @ points
        return np.asarray(self.landmarks @ (camera + correction @ camera[:2]), np.float32)

    def follow(self, crop: RGB, free: Mask, points: Points, seen: Floats, before: Fit, *, trust: float) -> Fit:
        """Return how rigid landmarks `points` (468, 2) in a crop have to be corrected, one step further than `before`.

        `free` (n, n) is 1 where the crop shows the head, `seen` (468,) which landmarks are; `trust`, 0..1, how far a
        head held like this looks as it does in the reference.
        """
        camera, correction = self.inverse @ points, before.correction
        places = (self.solid @ (camera + correction @ camera[:2])).reshape(SIDE, SIDE, 2)
        bare = cv2.remap(free, places * (len(free) / len(crop)), None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
        bare = np.asarray(bare > 0.9, np.float32)
        texture = texture_of(crop, places, bare)
        weight = self.weight * cv2.erode(bare, np.ones((3, 3), np.uint8))
        off = self.texture - texture
        counts = weight > 0.3
        if counts.sum() < SIDE:
            return before._replace(seen=None)
        agreement = _agreement(self.texture, texture, weight)
        trust *= float(np.clip((agreement - DISAGREED) / (AGREED - DISAGREED), 0, 1))
        weight = weight * believed(off, counts)
        across, down = ((a + b) * np.float32(0.5) for a, b in zip(self.slopes, steepness(texture), strict=True))
        weight = weight * np.float32(PRECISION * trust**2)
        pulls = np.stack([weight * across, weight * down])
        own, both, other = (
            np.stack([pulls[0] * across, pulls[0] * down, pulls[1] * down]).reshape(3, -1) @ self.products
        ).reshape(3, 4, 4)
        prior = _stiffness() + self._held(seen)
        aim = ((pulls * off).reshape(2, -1) @ self.solid).reshape(-1) - prior @ correction.T.reshape(-1)
        normal = np.block([[own, both], [both, other]]) + prior
        _, change = cv2.solve(normal, aim.reshape(-1, 1), flags=cv2.DECOMP_CHOLESKY)  # a fifth of numpy's time
        return Fit(np.asarray(correction + STEP * change.reshape(2, 4).T, np.float32), agreement, Seen(texture, bare))

    def _held(self, seen: Floats) -> NDArray[np.float64]:
        """Return how sure the outline is, where it is seen (8, 8): its landmarks slide, and are no texture."""
        some = seen * self.outline
        share = self.landmarks * (some / max(float(some.sum()), 20.0))[:, None]
        held = np.zeros((2, 4, 2, 4))
        held[0, :, 0] = held[1, :, 1] = self.landmarks.T @ share * (INDEPENDENT / OUTLINE**2)
        return held.reshape(8, 8)


def below_nose(places: Points, landmarks: Points) -> Floats:
    """Return how far `places` (n, 2) lie below the nose, along the face, in the unit of both."""
    upright = landmarks[152] - landmarks[10]  # from the brow to the chin
    return np.asarray((places - landmarks[2]) @ (upright / np.linalg.norm(upright)), np.float32)


def texture_of(crop: RGB, places: Field, bare: Mask) -> Floats:
    """Return what a crop shows at `places` (SIDE, SIDE, 2), in even light and contrast where that is `bare`."""
    shown = cv2.remap(gray(crop), places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return Even(bare, EVEN)(shown.astype(np.float32))


def _agreement(a: Floats, b: Floats, weight: Mask) -> float:
    """Return the correlation of two textures."""
    size = float((weight * a * a).sum()) * float((weight * b * b).sum())
    return float((weight * a * b).sum()) / float(np.sqrt(size + 1e-6))


def steepness(texture: Floats) -> tuple[Floats, Floats]:
    """Return how steep a texture on the head's grid is, across and down, per half side."""
    across, down = slopes(texture)
    return across * np.float32(SIDE / 2), down * np.float32(SIDE / 2)


@cache
def _stiffness() -> NDArray[np.float64]:
    """Return the inverse covariance of what the observer's pose is off by; x of (x, y, 1, depth), then y."""
    kinds = np.zeros((8, 8))
    kinds[0, [0, 5]] = 0.5, 0.5  # scale
    kinds[1, [1, 4]] = 0.5, -0.5  # roll
    kinds[2, [0, 5]] = 0.5, -0.5  # stretch
    kinds[3, [1, 4]] = 0.5, 0.5  # shear
    kinds[[4, 5, 6, 7], [2, 6, 3, 7]] = 1  # shift and turn, across and down
    sure = np.array([SIMILARITY, SIMILARITY, STRETCH, STRETCH, SHIFT, SHIFT, TURN, TURN]) ** -2
    return np.asarray(kinds.T @ (sure[:, None] * kinds))
