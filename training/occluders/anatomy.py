"""The shape of a hand and forearm: tapered capsules in centimetres, and the distance to their soft union.

The hand is a right one seen from its back: x to the right, y towards the fingers, z towards the viewer, the wrist at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Anatomy", "Bone", "HandPose", "anatomy", "distance"]

Floats = NDArray[np.float32]
Vectors = NDArray[np.float32]  # (..., 3)

KNUCKLES = np.array([(-2.75, 8.6, 0.1), (-0.75, 9.1, 0.35), (1.2, 8.75, 0.25), (2.95, 7.8, -0.1)])
CARPALS = np.array([(-1.5, 0.9, 0.0), (-0.55, 0.6, 0.15), (0.5, 0.6, 0.1), (1.45, 0.9, -0.1)])
PHALANGES = np.array([(4.3, 2.6, 2.0), (4.8, 3.0, 2.1), (4.4, 2.8, 2.1), (3.5, 2.1, 1.9)])
RADII = np.array([(1.02, 0.92, 0.8, 0.66), (1.04, 0.95, 0.82, 0.68), (1.0, 0.9, 0.78, 0.64), (0.88, 0.78, 0.69, 0.57)])
THUMB = np.array([(-1.7, 1.4, -0.5), (-3.9, 4.6, -0.7), (-5.0, 7.7, -0.5), (-5.45, 9.9, -0.5)])
THUMB_RADII = (1.45, 1.08, 0.95, 0.72)
WEB, PALM_MELT, JOINT_MELT = 0.75, 1.1, 0.1  # centimetres over which parts melt into one another
CHUNK = 16384  # points at a time, to stay in the processor's cache


@dataclass(frozen=True, slots=True)
class HandPose:
    """How the hand is held."""

    spread: float = 0.08  # radians between neighbouring fingers
    bend: tuple[float, float, float, float] = (0.25, 0.22, 0.26, 0.32)  # radians at each joint, index to little finger
    thumb: float = 0.25  # radians that the thumb is drawn away from the palm


@dataclass(frozen=True, slots=True)
class Bone:
    """A capsule from `a` to `b` whose radius goes from `ra` to `rb`."""

    a: Vectors
    b: Vectors
    ra: float
    rb: float

    def along(self, points: Vectors) -> Floats:
        """Return where `points` project onto the bone: 0 at `a`, 1 at `b`."""
        way = self.b - self.a
        return np.asarray((points - self.a) @ way / np.float32(way @ way), np.float32)


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The bones of a hand in its pose."""

    palm: tuple[Bone, ...]
    fingers: tuple[tuple[Bone, ...], ...]  # index, middle, ring, little, thumb


def anatomy(pose: HandPose) -> Anatomy:
    """Return the bones of a hand held like this."""
    fingers = [_finger(i, pose) for i in range(4)]
    palm = [_bone(CARPALS[i], KNUCKLES[i] - (0, 0, 0.25), 1.25, 1.0) for i in range(4)]
    palm.append(_bone((-1.3, 1.6, -0.6), THUMB[1] + (0.7, -0.3, 0), 1.5, 1.15))  # the ball of the thumb
    palm.append(_bone((1.6, 1.6, -0.5), (2.4, 5.5, -0.5), 1.3, 1.2))  # the outer edge
    palm += [_bone((x, 0.6, -0.1), (1.3 * x, -9, -0.1), 1.65, 2.2) for x in (-1.0, 0.0, 1.0)]
    palm += [_bone((x, -9, -0.1), (1.5 * x, -26, -0.2), 2.2, 3.0) for x in (-1.3, 1.3)]
    return Anatomy(tuple(palm), (*fingers, _thumb(pose)))


def distance(hand: Anatomy, points: Vectors) -> Floats:
    """Return the distance of `points` (n, 3) to the skin: smooth towards the palm, sharp between fingers."""
    bones = (*hand.palm, *(bone for finger in hand.fingers for bone in finger))
    parts = [_distance(hand, bones, points[i : i + CHUNK]) for i in range(0, len(points), CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _distance(hand: Anatomy, bones: tuple[Bone, ...], points: Vectors) -> Floats:
    single = iter(_capsules(bones, points))
    palm = _melted([next(single) for _ in hand.palm], PALM_MELT)
    fingers = [_melted([next(single) for _ in finger], JOINT_MELT) for finger in hand.fingers]
    return np.asarray(np.minimum.reduce([_melt(palm, finger, WEB) for finger in fingers]), np.float32)


def _capsules(bones: tuple[Bone, ...], points: Vectors) -> Floats:
    """Return the distance of `points` (n, 3) to each bone's capsule (bones, n), negative inside."""
    a = np.stack([bone.a for bone in bones])
    way = np.stack([bone.b for bone in bones]) - a
    radii = np.array([(bone.ra, bone.rb - bone.ra) for bone in bones], np.float32)
    flat = np.ascontiguousarray(points.T)
    length = np.einsum("bi,bi->b", way, way)[:, None]
    dot = way @ flat - np.einsum("bi,bi->b", way, a)[:, None]
    t = np.clip(dot / length, 0, 1)
    square = (flat * flat).sum(0) - 2 * (a @ flat) + (a * a).sum(1)[:, None] + t * (t * length - 2 * dot)
    return np.asarray(np.sqrt(np.maximum(square, 0)) - radii[:, :1] - t * radii[:, 1:], np.float32)


def _finger(index: int, pose: HandPose) -> tuple[Bone, ...]:
    turn = (1.3 - index) * -pose.spread - 0.02 * (index - 1.5)
    bend, joint, bones = 0.0, KNUCKLES[index], []
    for k in range(3):
        bend += pose.bend[index] * (0.6, 1.0, 0.7)[k]
        way = np.array([np.sin(turn), np.cos(turn), 0]) * np.cos(bend) + np.array([0, 0, -np.sin(bend)])
        tip = joint + PHALANGES[index, k] * way
        bones.append(_bone(joint, tip, RADII[index, k], RADII[index, k + 1]))
        joint = tip
    return tuple(bones)


def _thumb(pose: HandPose) -> tuple[Bone, ...]:
    turn = pose.thumb - 0.25
    around = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    joints = (THUMB - THUMB[0]) @ around.T + THUMB[0]
    return tuple(_bone(joints[k], joints[k + 1], THUMB_RADII[k], THUMB_RADII[k + 1]) for k in range(3))


def _bone(a: object, b: object, ra: float, rb: float) -> Bone:
    return Bone(np.asarray(a, np.float32), np.asarray(b, np.float32), float(ra), float(rb))


def _melted(distances: list[Floats], width: float) -> Floats:
    result = distances[0]
    for other in distances[1:]:
        result = _melt(result, other, width)
    return result


def _melt(a: Floats, b: Floats, width: float) -> Floats:
    """Return a smooth minimum (Quilez, the polynomial one)."""
    h = np.maximum(width - np.abs(a - b), 0) / width
    return np.asarray(np.minimum(a, b) - h * h * (width / 4), np.float32)
