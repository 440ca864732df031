"""A fill is exposed over time, as by a camera's shutter: what changes is averaged, and what moves loses some detail.

Of what is hidden only the coarse motion can be known. From frame to frame a fill's finest detail changes as much as a
true face's would, but not alike, and both changes together make a flicker greater than either. How far detail lies
where it should is seen beside the hole: where it does, it stays. So do the eyes: one that is a little softer than the
other is noticed at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from livefill.geometry import face_hull, fill_polygon, near_eyes
from livefill.types import Inputs, Mask, Points

__all__ = ["Exposure", "agreement"]

Floats = NDArray[np.float32]

SHUTTER = 0.03  # seconds, the time constant of what is averaged
TREND = 0.15  # seconds, the same of motion and doubt
FAST = 0.02  # face widths a second, all detail in doubt, at which half of that beyond the crop's resolution is left
OPEN = 0.1  # seconds during which what moves is blurred, as a standard deviation, all detail in doubt
MOST = 0.0095  # face widths that it is blurred at most; below a third of that it is not
COARSE = 4  # pixels of the crop to one of the map of the eyes, and to the next row that is compared
FINE = 2  # pixels between which detail is compared
ENOUGH = 400  # places that must be seen for that
DOUBT = 0.5  # where they are not


def agreement(seen: Inputs, points: Points) -> float | None:
    """Return the correlation, 0..1, of a crop's detail with what is expected of the face that is seen.

    `seen` is what a session is shown, `points` are the landmarks in the crop. None where too little is seen.
    """
    crop, expected = (_detail(seen[name][::COARSE, :, 1]) for name in ("crop", "expected"))
    hole = seen["mask"][::COARSE, FINE:-FINE]
    face = fill_polygon(crop.shape, face_hull((points - [FINE, 0]) / [1, COARSE]))
    free = face * (1 - cv2.dilate(hole, np.ones((1, 4 * FINE + 1), np.uint8)))
    if free.sum() < ENOUGH:
        return None
    a, b = crop * free, expected * free
    return max(0.0, float(np.vdot(a, b) / np.sqrt(np.vdot(a, a) * np.vdot(b, b) + 1e-9)))


def _detail(picture: Floats) -> Floats:
    """Return the second difference along the rows, all the sooner worked out for being no more."""
    return np.asarray(2 * picture[:, FINE:-FINE] - picture[:, : -2 * FINE] - picture[:, 2 * FINE :], np.float32)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one frame's fill became, for that frame and for the next."""

    fill: Floats  # (size, size, 3) of the crop, 0..1, averaged
    hole: Mask  # (size, size), 1 where it was needed
    loose: Mask  # (size, size), 0 in the eyes and 1 where detail may go
    width: float  # of the face in the crop, in pixels
    doubt: float  # 0..1, that detail lies where it should
    motion: tuple[float, float] = (0.0, 0.0)  # of the face, in its widths a second, right and down

    @classmethod
    def of(cls, fill: Floats, hole: Mask, points: Points, agreed: float | None) -> Self:
        """Begin with the fill of a crop in which the landmarks are `points`; `agreed` is the `agreement`."""
        eyes = near_eyes((points + 0.5) / COARSE - 0.5, len(hole) // COARSE)
        loose = cv2.resize(1 - eyes, hole.shape, interpolation=cv2.INTER_LINEAR)
        width = float(np.ptp(points[:, 0]))
        doubt = DOUBT if agreed is None else 1 - agreed
        return cls(np.asarray(fill, np.float32), hole, np.asarray(loose, np.float32), width, doubt)

    def then(
        self,
        fill: Floats,
        hole: Mask,
        points: Points,
        agreed: float | None,
        *,
        seconds: float,
        moved: tuple[float, float],
    ) -> Exposure:
        """Go on with the next frame's, `seconds` later, in which the face has `moved` by so many of its widths.

        Only what was a fill before is averaged with it: a face that was seen, or what came before it, is not.
        """
        new = Exposure.of(fill, hole, points, agreed)
        before = self.hole * new.loose * np.float32(np.exp(-seconds / SHUTTER))
        mixed = cv2.blendLinear(new.fill, self.fill, 1 - before, before)
        share = 1 - float(np.exp(-seconds / TREND))
        doubt = self.doubt if agreed is None else self.doubt + share * (new.doubt - self.doubt)
        # The motion and not its amount: landmarks that tremble move nowhere.
        across, down = (v + share * (m / seconds - v) for v, m in zip(self.motion, moved, strict=True))
        return replace(new, fill=np.asarray(mixed, np.float32), doubt=doubt, motion=(across, down))

    def shown(self) -> Floats:
        """Return the fill, blurred as far as the face moves."""
        blur = min(OPEN * self._lost, MOST)
        if blur < MOST / 3:
            return self.fill
        sigma = blur * self.width
        side = 2 * int(np.ceil(2 * sigma)) + 1  # of the kernel: beyond two deviations nothing is seen
        soft = cv2.GaussianBlur(self.fill, (side, side), sigma)
        return np.asarray(cv2.blendLinear(soft, self.fill, self.loose, 1 - self.loose), np.float32)

    def trusted(self, trust: Mask) -> Mask:
        """Return how far, 0..1, detail beyond the crop's resolution is trusted while the face moves so fast."""
        left = 1 / (1 + (self._lost / FAST) ** 2)
        return np.asarray(trust * (1 - np.float32(1 - left) * self.loose), np.float32)

    @property
    def _lost(self) -> float:
        """The speed at which detail is lost that is as likely to be elsewhere."""
        return float(np.hypot(*self.motion)) * self.doubt
