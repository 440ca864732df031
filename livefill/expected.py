"""The expected picture: the profile's pictures that are held most like a face, warped onto it and mixed.

One picture alone shows the face with its own mouth, stretched; the few nearest, mixed, show one in between, as in an
active appearance model (Cootes et al. 2001) whose examples are the pictures themselves. Their errors of place are
different ones, and the mean is nearer to the truth. Hair, neck and collar move by themselves, and so do pupils and
lids: mixed, they would be seen twice, and so they are those of the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import Box, Field, apply, beside, near_eyes, scaled, step_of, turn
from livefill.profile import Profile, Reference
from livefill.settling import SIDE, settle, shift
from livefill.shapes import Shapes
from livefill.types import RGB, Affine, Mask, Points

__all__ = ["Expected", "Laid", "Pictures"]

Floats = NDArray[np.float32]
Size = tuple[int, int]  # width and height in pixels
MIXED = 3  # pictures at most
NEAR = 0.012  # eye distances further than the nearest at which a picture counts .6 of it (standard deviation)
LEAST = 0.1  # of a mixture that a picture is worth laying
CLOSE, SOFT = 0.02, 0.13  # face widths around a face that are mixed as it is, and over which that ends
HOLD = 0.7  # of the nearest one's share that the nearest of the frame before must have to stay so


@dataclass(frozen=True, slots=True)
class Expected:
    """What a crop should show."""

    image: Floats  # (size, size, 3), 0..1
    nearest: Floats  # the same of the nearest picture alone
    index: int  # of that in the profile
    _picture: Reference  # the nearest, as large as it is
    _look: Field  # where in it to look for every `_step`-th pixel of the crop, once that settled
    _step: int

    def native(self, points: Points, to_crop: Affine, box: Box, frame_size: Size, *, interpolation: int) -> RGB:
        """Return the nearest picture at its own resolution in a box of the frame, whose landmarks are `points`."""
        look, step, (left, top, right, bottom) = self._look, self._step, box
        to_nodes = scaled(to_crop, 1 / step)
        corners = apply(to_nodes, np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float32))
        beyond = int(np.ceil(max(0.0, -float(corners.min()), float(corners.max()) - len(look) + 1)))
        if beyond:  # the crop: there nothing settles
            to_wide = to_crop + np.array([[0, 0, beyond], [0, 0, beyond]], np.float32) * step
            to_nodes, side = scaled(to_wide, 1 / step), (len(look) + 2 * beyond) * step
            wide = self._picture.look(points, to_wide, (side, side), frame_size, step=step)
            wide[beyond:-beyond, beyond:-beyond] = look
            look = wide
        fine = max(1, step_of(to_nodes) // 2)
        turned = turn(look, to_nodes, box, fine)
        return self._picture.show(turned, (right - left, bottom - top), step=fine, interpolation=interpolation)


@dataclass(frozen=True, slots=True)
class Laid:
    """The pictures of a mixture, laid on a crop: it is known where in them to look, but they are not shown yet."""

    _pictures: Pictures
    _mixture: list[tuple[int, float]]  # pictures of the profile, the nearest first, and their shares
    _looks: list[Field]  # where in each to look for every `step`-th pixel of the crop
    points: Points  # the landmarks, in the crop

    @property
    def side(self) -> int:
        """How many places to look there are, each way."""
        return len(self._looks[0])

    def glance(self, side: int) -> RGB:
        """Return what a crop of `side` pixels should show: as many as there are places to look, or a multiple."""
        shares = [share for _, share in self._mixture]
        shown = self._shown(side)
        return shown[0] if len(shown) == 1 else np.asarray(cv2.convertScaleAbs(_mixed(shown, shares)), np.uint8)

    def moved(self, displacement: Field) -> Laid:
        """Return the same, moved by a displacement (m, m, 2) in the crop's pixels."""
        share = displacement / np.float32(self._pictures.step)
        return replace(self, _looks=[shift(look, share) for look in self._looks])

    def show(self) -> Expected:
        """Return what the crop should show."""
        shown, shares = self._shown(self._pictures.size), [share / 255 for _, share in self._mixture]
        nearest = np.multiply(shown[0], np.float32(1 / 255), dtype=np.float32)
        image = nearest
        if len(shown) > 1:
            alone = _alone((self.points + 0.5) / self._pictures.step - 0.5, self.side)
            alone = np.asarray(cv2.resize(alone, nearest.shape[1::-1]), np.float32)
            image = np.asarray(cv2.blendLinear(nearest, _mixed(shown, shares), alone, 1 - alone), np.float32)
        index = self._mixture[0][0]
        return Expected(image, nearest, index, self._pictures.whole[index], self._looks[0], self._pictures.step)

    def _shown(self, side: int) -> list[RGB]:
        pictures = self._pictures.shrunk(side)
        step = side // self.side
        return [
            pictures[i].show(look, (side, side), step=step)
            for (i, _), look in zip(self._mixture, self._looks, strict=True)
        ]


class Pictures:
    """The pictures of one profile, made ready to be laid on crops of one size."""

    def __init__(self, profile: Profile, size: int, face_share: float) -> None:
        """Crops have `size` pixels a side, of which a face takes `face_share`."""
        self.size = size
        self.step = max(1, size // SIDE)  # pixels of a crop between two for which the warp is worked out
        self.whole = profile.pictures
        self._shapes = Shapes([one.points for one in self.whole])
        self._face_share = face_share
        self._shrunk: dict[int, tuple[Reference, ...]] = {}
        for side in (size, size // self.step):
            self.shrunk(side)  # not in the first frame that is filled

    def shrunk(self, side: int) -> tuple[Reference, ...]:
        """Return the pictures as large as they are seen in a crop of `side` pixels."""
        if side not in self._shrunk:
            self._shrunk[side] = tuple(one.shrunk(side * self._face_share) for one in self.whole)
        return self._shrunk[side]

    def mixture(self, points: Points, before: int | None = None) -> list[tuple[int, float]]:
        """Return the pictures that are held most like the landmarks `points`, the nearest first, and their shares.

        The nearest of the frame `before` stays so while it nearly is: detail comes from it alone, and must not flicker.
        """
        gaps = self._shapes.apart(points)
        order = np.argsort(gaps, kind="stable")[:MIXED]
        weights = np.exp(-0.5 * ((gaps[order] - gaps[order[0]]) / NEAR) ** 2)
        counts = weights >= LEAST * weights.sum()
        shares = (weights / weights[counts].sum())[counts].tolist()
        mixture = list(zip(order[counts].tolist(), shares, strict=True))
        held = [one for one in mixture if one[0] == before and one[1] >= HOLD * shares[0]]
        return [*held, *(one for one in mixture if one not in held)]

    def lay(
        self,
        crop: RGB,
        points: Points,
        to_crop: Affine,
        frame_size: Size,
        visible: Mask,
        before: int | None = None,
        *,
        leeway: float = 1.0,
    ) -> Laid:
        """Lay them on a frame with landmarks `points` (468, 2), as the crop shows it that `to_crop` cuts.

        `visible` (size, size) is 1 where the crop shows the face itself: there the pictures settle, by a share `leeway`
        of what is measured. `before` is the nearest picture of the frame before.
        """
        size, step, mixture = self.size, self.step, self.mixture(points, before)
        looks = [self.whole[i].look(points, to_crop, (size, size), frame_size, step=step) for i, _ in mixture]
        laid = Laid(self, mixture, looks, apply(to_crop, points))
        return laid.moved(leeway * settle(laid.glance(laid.side), crop, visible, laid.points))


def _alone(points: Points, side: int) -> Mask:
    """Return where the nearest picture stands alone (side, side): around a face, and in its eyes."""
    return np.maximum(beside(points, side, close=CLOSE, soft=SOFT), near_eyes(points, side))


def _mixed(images: Sequence[RGB], weights: Sequence[float]) -> Floats:
    """Return a weighted sum of two pictures or more."""
    total = cv2.addWeighted(images[0], weights[0], images[1], weights[1], 0, dtype=cv2.CV_32F)
    for image, weight in zip(images[2:], weights[2:], strict=True):
        total = cv2.addWeighted(total, 1, image.astype(np.float32), weight, 0)
    return np.asarray(total, np.float32)
