"""How the expected picture settles on what is seen: a smooth deformation, carried on into what is covered.

The landmarks lay the reference on the face; what is still wrong with that, where the face is seen, is measured by its
texture: a free-form deformation (cubic B-splines, Rueckert et al. 1999, section II-B) by least squares in a few
Gauss-Newton steps. Its stiffness carries it on under the occluder, where nothing can be measured, and lets it fade.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.alignment import Even, believed, gray, slopes
from livefill.geometry import Field, face_hull, fill_polygon, grid
from livefill.pyramid import Image
from livefill.types import RGB, Mask, Points

__all__ = ["SIDE", "settle", "shift"]

Floats = NDArray[np.float32]
SIDE = 64  # pixels in which the deformation is measured: it is smooth
CONTROL = 8  # of its control points, each way
STEPS = 2
EVEN = 9  # pixels around one whose light and contrast count as its own
BESIDE = 0.3  # what a pixel beside the face counts: hair moves with the head, the room does not
PRECISION = 10.0  # of a pixel, in units of the local contrast
BENDING, STRETCHING, MOVING = 1.0, 0.3, 0.3  # how little it likes to bend, to stretch, and to move at all
LIMIT = 0.03  # of the side, that anything is moved: so that one wrong match does not tear the face


def settle(expected: RGB, crop: RGB, visible: Mask, points: Points) -> Field:
    """Measure how the expected picture must still be moved to lie on the crop.

    `visible` (n, n) is 1 where both show the same thing; `points` (468, 2) are the landmarks in the crop (n, n, 3), of
    which `expected` is the same view, in any size. The answer is a smooth displacement (SIDE, SIDE, 2) in the crop's
    pixels.
    """
    side, base = len(crop), _base()
    ours, theirs = _luma(expected), _luma(crop)
    seen = np.asarray(_resize(visible, SIDE) > 0.9, np.float32)
    hull = (face_hull(points) + 0.5) * (SIDE / side) - 0.5
    weight = np.where(fill_polygon(seen.shape, np.asarray(hull, np.float32)) > 0, 1, BESIDE).astype(np.float32)
    weight *= cv2.erode(seen, np.ones((3, 3), np.uint8))
    even = Even(seen, EVEN)
    wanted = even(theirs)
    control = np.zeros((2, CONTROL * CONTROL))
    if weight.sum() >= SIDE:
        slope = slopes(wanted)
        for _ in range(STEPS):
            moved = even(shift(ours, base.field(control)) if control.any() else ours)
            control += base.step(moved, wanted, slope, weight, control)
    limited = np.clip(base.field(control), -LIMIT * SIDE, LIMIT * SIDE) * np.float32(side / SIDE)
    return np.asarray(limited, np.float32)


def shift(image: Image, displacement: Field) -> Image:
    """Move a picture (n, n) by a displacement in its pixels, as `settle` measures it."""
    places = grid((len(image),) * 2) - _resize(displacement, len(image))
    return cv2.remap(image, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload, no-any-return]


class _Base(NamedTuple):
    """The splines of a deformation; across and down they are the same."""

    splines: Floats  # (SIDE, CONTROL): how much each control point counts at each pixel
    pairs: Floats  # (SIDE, CONTROL * CONTROL): products of two of them
    stiffness: NDArray[np.float64]  # (CONTROL ** 2, CONTROL ** 2), its rows and columns down first

    def field(self, control: NDArray[np.float64]) -> Field:
        """Return the displacement (SIDE, SIDE, 2) that the control points (2, CONTROL ** 2) give."""
        across, down = control.astype(np.float32).reshape(2, CONTROL, CONTROL)
        return np.asarray(cv2.merge([self.splines @ part @ self.splines.T for part in (across, down)]), np.float32)

    def step(
        self,
        ours: Floats,
        theirs: Floats,
        slope: tuple[Floats, Floats],
        weight: Floats,
        control: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return by how much the control points have to change for `ours` to lie on `theirs`, whose is `slope`."""
        off = ours - theirs
        trusted = PRECISION * weight * believed(off, weight > BESIDE)
        # The mean of both pictures' slopes takes a step of second order (Malis 2004).
        across, down = ((a + b) * np.float32(0.5) for a, b in zip(slopes(ours), slope, strict=True))
        pulls = np.stack([across * trusted, down * trusted])
        own, both, other = self._products(np.stack([pulls[0] * across, pulls[0] * down, pulls[1] * down]))
        normal = np.empty((2, CONTROL**2, 2, CONTROL**2))
        normal[0, :, 0], normal[1, :, 1] = own + self.stiffness, other + self.stiffness
        normal[0, :, 1] = normal[1, :, 0] = both
        aim = (self.splines.T @ (pulls * off) @ self.splines).reshape(2, -1) - control @ self.stiffness
        # Stiffness makes it positive definite.
        _, change = cv2.solve(normal.reshape(2 * CONTROL**2, -1), aim.reshape(-1, 1), flags=cv2.DECOMP_CHOLESKY)
        return np.asarray(change.reshape(2, -1))

    def _products(self, weights: Floats) -> Floats:
        """Return the products of all splines with each other, with each of the weights (k, SIDE, SIDE).

        It is a product of two matrices, as they separate.
        """
        products = (self.pairs.T @ weights @ self.pairs).reshape(-1, CONTROL, CONTROL, CONTROL, CONTROL)
        return products.transpose(0, 1, 3, 2, 4).reshape(-1, CONTROL**2, CONTROL**2)


@cache
def _base() -> _Base:
    places = (np.arange(SIDE) + 0.5) / SIDE * (CONTROL - 3) + 1
    gap = np.abs(places[:, None] - np.arange(CONTROL))
    near, far = 2 / 3 - gap**2 + gap**3 / 2, np.maximum(2 - gap, 0) ** 3 / 6
    splines = np.where(gap < 1, near, far).astype(np.float32)
    pairs = (splines[:, :, None] * splines[:, None]).reshape(SIDE, -1)
    one = np.eye(CONTROL)
    first, second = (np.diff(one, count, axis=0) for count in (1, 2))
    first, second = first.T @ first, second.T @ second
    bending = np.kron(second, one) + np.kron(one, second) + 2 * np.kron(first, first)
    stretching = np.kron(first, one) + np.kron(one, first)
    stiffness = BENDING * bending + STRETCHING * stretching + MOVING * np.eye(CONTROL**2)
    return _Base(splines, np.ascontiguousarray(pairs), stiffness)


def _luma(image: RGB) -> Floats:
    return cv2.resize(gray(image), (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _resize(image: Floats, side: int) -> Floats:
    if len(image) == side:
        return image
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
