"""The face as a solid body: where the references have its landmarks, and so where those are that cannot be seen."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import apply, eye_distance, inner, invert, pose_shape, sample, scaled, turned
from livefill.observer import Observation
from livefill.profile import Profile
from livefill.registration import NONE, Fit, Head
from livefill.tracking.mouth import Mouths
from livefill.types import Mask, Points

__all__ = ["Posed", "RigidFace", "alike_when"]

# Eye distances of turn up to which a head looks as in the reference; at twice that its texture says nothing.
LIKE = 0.02
OTHERWISE, SAME = 0.82, 0.92  # agreement up to which texture does not say that it is held so, and from which on it does
DRAWN = 0.7  # eye distances from what covers the face within which it draws landmarks with it: the nearer, the more
LEAST = 0.1  # that a landmark right beside it counts for
LOOSE, STIFF = 0.05, 0.1  # how unlikely a turn is; the second where a face that is held as in the reference is covered
COVERED = 0.3  # of a pixel of the mask, from which on it shows something else


@dataclass(frozen=True, slots=True)
class Posed:
    """A face that only turns and moves, laid on a frame."""

    points: Points  # in the frame
    reference: int  # index in the profile
    fit: Fit  # how what can be seen of the head lies on the frame
    mouth: NDArray[np.float32] | None = None  # what is known of how the mouth is held (`Mouths.weigh`)


class RigidFace:
    """The faces of a profile's references; without a profile nothing is known, and all stays as it was observed."""

    def __init__(self, profile: Profile | None) -> None:
        """Make every reference ready."""
        self._known = profile.references if profile is not None else ()
        self._inner = tuple(inner(one.points) for one in self._known)
        self._heads = tuple(Head.of(one.image, one.points, one.depth) for one in self._known)
        self._mouths = tuple(Mouths.of(head, profile, i) for i, head in enumerate(self._heads)) if profile else ()

    def pose(
        self, choice: int, points: Points, weights: NDArray[np.float32] | None = None, *, stiffness: float = LOOSE
    ) -> Points:
        """Return where a face that only turns and moves would have its landmarks, by those that have weight.

        The network is asked to correct this, not its own last answer: errors of its own would add up.
        """
        if not self._known:
            return points
        known = self._known[choice]
        weights = np.ones(len(points), np.float32) if weights is None else weights + np.float32(1e-3)
        return pose_shape(known.points, known.depth, points, weights, stiffness=stiffness)

    def turned(self, choice: int, seen: Observation) -> float:
        """Return how far the head is turned from the reference, in eye distances; 0 without one."""
        if not self._known:
            return 0.0
        known = self._known[choice]
        return turned(known.points, known.depth, seen.points, seen.visible)

    def complete(
        self,
        choice: int,
        seen: Observation,
        settled: Points | None,
        mask: Mask,
        before: Posed | None,
        *,
        turned: float,
    ) -> tuple[Points, Posed]:
        """Return the landmarks, those that are hidden where the rigid face has them, and the rigid face itself.

        What an eye or a nose looks like in the reference says more exactly how the head is held than the network does,
        which under an occluder believes what it was told before. `settled` are the landmarks moved to where the
        reference's texture lies, None where nothing is covered by `mask`, the crop's; `turned` as above. Landmarks
        that are seen beside an occluder are in between: it draws them with it.
        """
        if not self._known:
            return seen.points, Posed(seen.points, choice, NONE)
        if settled is None:
            return seen.points, Posed(self.pose(choice, seen.points, seen.visible**2), choice, NONE)
        past = Posed(seen.points, choice, NONE) if before is None or before.reference != choice else before
        texture = float(np.clip((past.fit.agreement - OTHERWISE) / (SAME - OTHERWISE), 0, 1))
        alike = max(alike_when(turned), texture)  # where little is seen, landmarks are a poor witness
        held = seen.points + alike * (settled - seen.points)
        own = seen.visible * _undrawn(seen, mask)
        weights = (alike * self._inner[choice] * own + (1 - alike) * seen.visible) * seen.visible
        pose = self.pose(choice, held, weights, stiffness=LOOSE + alike * (STIFF - LOOSE))
        pose, fit = self._registered(choice, seen, pose, mask, past, alike)
        mouth = self._mouths[choice].weigh(fit.seen, past.mouth)
        held = self._mouthed(choice, pose, self._mouths[choice].move(mouth))
        hidden = alike * (1 - own[:, None])
        return seen.points + hidden * (held - seen.points), Posed(pose, choice, fit, mouth)

    def _registered(
        self, choice: int, seen: Observation, pose: Points, mask: Mask, past: Posed, alike: float
    ) -> tuple[Points, Fit]:
        """Return the pose once what is seen of the head was laid on the reference, and how it fits."""
        head, in_crop = self._heads[choice], apply(seen.to_crop, pose)
        if past.mouth is not None:
            head = self._mouths[choice].on(head, past.mouth)
        covered = cv2.dilate((mask > COVERED).astype(np.float32), np.ones((3, 3), np.uint8))
        free = np.asarray(1 - covered, np.float32)
        fit = head.follow(seen.crop, free, in_crop, seen.visible, past.fit, trust=alike)
        return apply(invert(seen.to_crop), head.moved(in_crop, fit.correction)), fit

    def _mouthed(self, choice: int, pose: Points, moves: NDArray[np.float32]) -> Points:
        """Return the pose with the landmarks moved, by so much in half sides of the head's grid."""
        across = (self._heads[choice].inverse @ pose)[:2]
        return np.asarray(pose + moves @ across, np.float32)


def _undrawn(seen: Observation, mask: Mask) -> NDArray[np.float32]:
    """Return how far each landmark (468,) is where it is seen, and not drawn along by what covers its neighbours, 0..1.

    On video of which the uncovered original is known, landmarks right beside an occluder are off by .026 eye distances,
    those half an eye distance away by .010.
    """
    points = apply(scaled(seen.to_crop, len(mask) / len(seen.crop)), seen.points)
    away = cv2.distanceTransform((mask <= COVERED).astype(np.uint8), cv2.DIST_L2, 3)
    free = sample(np.asarray(away, np.float32), points[None])[0] / np.float32(DRAWN * eye_distance(points))
    return np.asarray(np.clip(free, LEAST, 1), np.float32)


def alike_when(turned: float) -> float:
    """Return 1 where a head is held as in the reference, and 0 where it is turned so far that little agrees."""
    return float(np.clip(2 - turned / LIKE, 0, 1))
