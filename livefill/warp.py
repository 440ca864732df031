"""The dense warp of a reference onto another pose of the same head."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import BROWS, EYES, LIPS, Field, apply, distances, face_hull, grid, sample, similarity
from livefill.types import Affine, Mask, Points

__all__ = ["Warp"]

CONTROL = np.array(sorted({*LIPS, *EYES[0], *EYES[1], *BROWS[0], *BROWS[1], *range(0, 468, 5)}))  # that bend a face


@dataclass(frozen=True, slots=True)
class Warp:
    """The dense mesh of one reference frame.

    `lookup` answers, for pixels of another picture in which the landmarks are known, where in the reference to look.
    Inside the face the landmarks decide; a ring around it (hair, ears, neck) follows the head as a whole; further out
    the background stands still. The mesh is interpolated by a compact kernel (Wendland 1995, the C2 function) whose
    weights depend on the reference alone, so that a new pose costs one small matrix product.
    """

    points: Points  # landmarks in the reference
    control: NDArray[np.int64]  # those of them that decide
    origin: NDArray[np.float32]  # (2,) pixel of the reference under the first node
    step: float  # pixels of the reference between two nodes
    shape: tuple[int, int]  # nodes (rows, columns)
    weights: NDArray[np.float32]  # (rows * columns, control)
    head: Mask  # (rows, columns): 1 on the head, 0 where the background stands still

    @classmethod
    def of(cls, points: Points, *, coarse: bool = False, reach: float = 1.1, smooth: float = 0.05) -> Warp:
        """Build the mesh for a reference's landmarks; `reach` is the ring's width in face radii.

        A `coarse` one is an eighth as large, and as good where the head fills 200 pixels or less.
        """
        nodes, control = (24, CONTROL) if coarse else (34, np.arange(len(points)))
        center, radius = cv2.minEnclosingCircle(face_hull(points))
        half = radius * (1 + reach)
        step = 2 * half / (nodes - 1)
        origin = np.array(center, np.float32) - np.float32(half)
        places = grid((nodes, nodes)) * np.float32(step) + origin
        kernel_radius = 0.9 * radius
        own = points[control]
        near = _wendland(distances(own, own) / kernel_radius) + smooth * np.eye(len(own), dtype=np.float32)
        reach_of = _wendland(distances(places.reshape(-1, 2), own) / kernel_radius)
        weights = np.linalg.solve(near.astype(np.float64), reach_of.T.astype(np.float64)).T.astype(np.float32)
        outside = _outside(places, face_hull(points)) / radius
        head = np.clip((reach * 0.9 - outside) / (reach * 0.9 - 0.45), 0, 1)
        head = head * head * (3 - 2 * head)
        return cls(points, control, origin, float(step), (nodes, nodes), weights, head.astype(np.float32))

    def align(self, points: Points) -> Affine:
        """Return the similarity from the other picture to the reference."""
        return similarity(points, self.points)

    def lookup(self, points: Points, places: Field, *, still: Affine | None = None) -> Field:
        """Return where in the reference to look for `places` (h, w, 2) of a picture whose landmarks are `points`.

        `still` takes that picture to the reference for what does not move with the head; by default they are the
        same camera's pictures of one size.
        """
        to_reference = self.align(points)
        off = (apply(to_reference, points[self.control]) - self.points[self.control]) / np.float32(self.step)
        # Two products with a vector: numpy's product with so slim a matrix takes several times as long.
        moved = cv2.merge([(self.weights @ part).reshape(self.shape) for part in np.ascontiguousarray(off.T)])
        to_nodes = to_reference / np.float32(self.step)
        to_nodes[:, 2] -= self.origin / np.float32(self.step)
        aligned = apply(to_nodes, places)
        node = aligned
        for _ in range(3):  # x + moved(x) = aligned, by fixed-point iteration: the similarity has left little to do
            node = aligned - sample(moved, node)
        head = sample(self.head, node)[..., None]
        found = node * np.float32(self.step) + self.origin
        background = places if still is None else apply(still, places)
        return np.asarray(background + head * (found - background), np.float32)


def _wendland(r: NDArray[np.float32]) -> NDArray[np.float32]:
    r = np.minimum(r, 1)
    return np.asarray((1 - r) ** 4 * (4 * r + 1), np.float32)


def _outside(places: Field, hull: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of each place from a convex outline, 0 inside."""
    flat = places.reshape(-1, 2)
    ends = np.roll(hull, -1, axis=0)
    along = ends - hull
    length = np.maximum((along * along).sum(1), 1e-6)
    t = np.clip(((flat[:, None] - hull[None]) * along).sum(-1) / length, 0, 1)
    gap = flat[:, None] - (hull + t[..., None] * along)
    distance = np.sqrt((gap * gap).sum(-1)).min(axis=1).reshape(places.shape[:2])
    # Inside a convex outline one is on the same side of all its edges.
    from_corner = flat[:, None] - hull[None]
    side = along[:, 0] * from_corner[..., 1] - along[:, 1] * from_corner[..., 0]
    inside = (side >= 0).all(axis=1) | (side <= 0).all(axis=1)
    return np.where(inside.reshape(places.shape[:2]), 0, distance).astype(np.float32)
