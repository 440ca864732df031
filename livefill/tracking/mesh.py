"""Observe with MediaPipe's face mesh, and with the profile's reference as a guide.

A landmark network that sees a hand invents a face around it. So the face is uncovered first: where the last mask says
that something covers it, the network is shown the reference instead, warped to where the head has moved since. What
is left of the error is measured in docs/results.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill import occluder
from livefill.alignment import follow, gray
from livefill.geometry import (
    apply,
    compose,
    crop_transform,
    eye_distance,
    invert,
    pose_shape,
    turned,
)
from livefill.landmarker import FaceMesh, Hands
from livefill.occluder import Finding
from livefill.profile import Profile
from livefill.settling import settle, shift
from livefill.smoothing import OneEuro
from livefill.tracking.laying import StaticMask, inside, lay
from livefill.types import RGB, Affine, Frame, Mask, Points, Track

__all__ = ["MeshTracker", "ReferenceTracker"]

SIZE = 160  # side of the crop in pixels
FACE_SHARE = 0.5  # of the crop that the face takes
GOOD = 0.55  # share of the visible face that must look as expected
POOR = 0.3  # below this it is not this person, or not a face
RECOGNISED = 0.65  # share of the best half of a face that must look as expected before it is this person's
AGREE = 0.2  # eye distances between the landmarks and where features have them, for both to mean one face
HOLD = 0.5  # seconds that a lost face is carried on
SEARCH_EVERY = 5  # frames between two searches of the whole picture for a lost face: they cost several frames' work
SEARCH_SELDOM = 20  # and at most, for a face that is followed but hardly seen
HANDS_EVERY = 6  # frames between two searches for hands
HANDS_SELDOM = 50  # and at most, while none is found
CLEARLY = 0.1  # by so much more a fresh look has to explain to be believed
DOUBT_EVERY = 15  # frames after which a covered face is looked at afresh, as if nothing were known


@dataclass(frozen=True, slots=True)
class _View:
    """One frame as the tracker saw it."""

    points: Points  # in the frame
    to_crop: Affine
    luma: NDArray[np.uint8]  # of the crop
    finding: Finding  # in the crop
    reference: int  # index in the profile


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a frame to look, and what is to be seen there."""

    to_crop: Affine
    crop: RGB
    prior: Mask  # the last mask, brought here

    @classmethod
    def of(cls, frame: Frame, points: Points, last: _View | None) -> _Place:
        to_crop = crop_transform(points, SIZE, face_share=FACE_SHARE)
        return cls(to_crop, frame.pyramid.cut(to_crop, SIZE), _carry(last, to_crop))


class MeshTracker:
    """A `Tracker` that knows nobody: the plain face mesh, and hands as the only occluders."""

    stranger = False

    def __init__(self) -> None:
        self._mesh = FaceMesh(video=True)
        self._hands = Hands()

    def track(self, frame: Frame) -> Track | None:
        """Return the largest face's landmarks and the hands over it."""
        faces = self._mesh.find(frame.image)
        if not faces:
            return None
        return Track(faces[0][:, :2].copy(), self._hands.find(frame.image), 1.0)

    def close(self) -> None:
        """Release the networks."""
        self._mesh.close()
        self._hands.close()


class ReferenceTracker:
    """A `Tracker` that knows whom it looks at, and does not tell others from nobody."""

    stranger = False

    def __init__(self, profile: Profile, *, static: Mask | None = None) -> None:
        """Follow the person of `profile`; `static` is a mask, scaled to the frame, of what is always covered."""
        self._profile = profile
        face_width = SIZE * FACE_SHARE
        self._small = tuple(reference.shrunk(face_width) for reference in profile.references)
        self._static = StaticMask(static) if static is not None else None
        self._mesh = FaceMesh(video=True, confidence=0.2)
        self._search = FaceMesh(video=False, faces=2)
        self._hands = Hands()
        self._smooth = OneEuro()
        self._last: _View | None = None
        self._last_hand: Mask | None = None
        self._seen = 0.0  # time of the last good view
        self._count = 0  # frames
        # The frame at which the next search is due, and how many frames will lie between it and the one after.
        self._search_at, self._pause = 0, SEARCH_EVERY
        self._hand_at, self._hand_pause = 0, HANDS_EVERY

    def close(self) -> None:
        """Release the networks."""
        for network in (self._mesh, self._search, self._hands):
            network.close()

    def track(self, frame: Frame) -> Track | None:
        """Return landmarks and mask, or None where this person's face is not to be found."""
        self._count += 1
        view = self._continue(frame, self._last) if self._last is not None else None
        if (view is None or view.finding.explained < GOOD) and self._count >= self._search_at:
            views = [view] if view is not None else []
            better = max([*views, *self._find(frame)], key=lambda v: v.finding.explained, default=None)
            # A face that is mostly covered stays so for a while: the same search again would find the same again.
            self._pause = SEARCH_EVERY if better is not view else min(2 * self._pause, SEARCH_SELDOM)
            self._search_at = self._count + (self._pause if better is not None else SEARCH_EVERY)
            view = better
        if view is not None and view.finding.explained >= POOR:
            self._seen = frame.time
        elif view is None or frame.time - self._seen > HOLD:
            self._last = None
            self._smooth.reset()
            self._pause, self._search_at = SEARCH_EVERY, min(self._search_at, self._count + SEARCH_EVERY)
            return None
        self._last = view
        return self._report(frame, view)

    def _report(self, frame: Frame, view: _View) -> Track:
        mask = lay(view.finding.mask, view.to_crop, frame.image.shape)
        points = self._smooth(view.points, frame.time)
        return Track(points, mask, view.finding.explained)

    def _continue(self, frame: Frame, last: _View) -> _View:
        """Follow the face from the last frame into this one, by what is seen of its skin."""
        before = apply(last.to_crop, last.points)
        visible = 1 - _at(last.finding.mask, before)
        moved = follow(last.luma, gray(frame.pyramid.cut(last.to_crop, SIZE)), before[visible > 0.5])
        guess = apply(invert(last.to_crop), before if moved is None else apply(moved, before))
        if visible.all():
            return self._look(frame, guess, last)
        # What is hidden follows what is seen, as a rigid face: were it to follow itself, it would drift.
        known = self._profile.references[last.reference]
        rigid = pose_shape(known.points, known.depth, guess, visible)
        guess = np.where(visible[:, None] > 0.5, guess, rigid)
        view = self._look(frame, guess, last)
        return self._doubt(frame, view) if self._count % DOUBT_EVERY == 0 else view

    def _doubt(self, frame: Frame, view: _View) -> _View:
        """Look at a covered face as if nothing were known, and believe that if it explains the picture better."""
        found = [
            apply(invert(view.to_crop), face[:, :2])
            for face in self._search.find(frame.pyramid.cut(view.to_crop, SIZE))
        ]
        visible = _at(view.finding.mask, apply(view.to_crop, view.points)) < 0.5
        # Where both agree on what is seen there is nothing to doubt; that they differ on what is not says nothing.
        other = [points for points in found if _apart(points, view.points, visible) > AGREE / 4]
        if not other:
            return view
        best = max((self._compare(frame, points, None) for points in other), key=lambda one: one.finding.explained)
        # On equal terms: what is known of the occluder from before makes the mask larger, and the share smaller.
        known = self._compare(frame, view.points, None)
        return best if best.finding.explained > known.finding.explained + CLEARLY else view

    def _find(self, frame: Frame) -> Iterator[_View]:
        """Search the whole picture for this person's face, by the network and by the reference's own features.

        Only a face that is recognised is given: by features that agree with its landmarks, or by a half of it that
        looks as expected. The network finds anybody's face, and nobody's may be painted over with another's.
        """
        best = self._profile.references[0]
        moved = best.features.find(frame.image)
        by_features = None if moved is None else apply(moved, best.points)
        for face in self._search.find(frame.image):
            view = self._look(frame, face[:, :2], None)
            agree = by_features is not None and _apart(view.points, by_features) < AGREE
            if agree or view.finding.best_half > RECOGNISED:
                yield view
        if by_features is not None:
            # Where the network sees nothing the features' word is taken as it is.
            view = self._compare(frame, by_features, None)
            if view.finding.explained > POOR:
                yield view

    def _look(self, frame: Frame, guess: Points, last: _View | None) -> _View:
        """Observe one frame, given about where the landmarks are."""
        place = _Place.of(frame, guess, last)
        shown = place.crop
        if last is not None and place.prior.any():
            hidden = cv2.dilate(place.prior, np.ones((9, 9), np.uint8)) > 0.3
            expected = self._expect(last.reference, guess, place.to_crop, frame)
            shown = np.where(hidden[..., None], expected, shown)
        found = self._mesh.find(shown)
        points = apply(invert(place.to_crop), found[0][:, :2]) if found else guess
        return self._compare(frame, points, last, place=place)

    def _compare(self, frame: Frame, points: Points, last: _View | None, *, place: _Place | None = None) -> _View:
        """Mark what covers the face whose landmarks are `points`, and say how well they explain the picture."""
        place = place or _Place.of(frame, points, last)
        to_crop, crop, prior = place.to_crop, place.crop, place.prior
        in_crop = apply(to_crop, points)
        choice = self._profile.nearest(points, _at(1 - prior, in_crop), current=last.reference if last else None)
        expected = self._expect(choice, points, to_crop, frame)
        expected = shift(expected, settle(expected, crop, np.asarray(1 - prior, np.float32), in_crop))
        finding = occluder.find(
            crop,
            expected,
            in_crop,
            inside=inside(frame.image, to_crop, SIZE),
            prior=prior,
            palette=last.finding.palette if last else None,
            hand=self._hand(crop, prior),
            turned=turned(self._profile.references[choice].points, self._profile.references[choice].depth, points),
        )
        if self._static is not None:
            always = self._static.cut(to_crop, frame.image.shape, SIZE)
            finding = replace(finding, mask=np.maximum(finding.mask, always))
        return _View(points, to_crop, gray(crop), finding, choice)

    def _hand(self, crop: RGB, prior: Mask) -> Mask | None:
        """Look for hands now and then while something covers the face; ever more seldom while it is no hand."""
        if not prior.any():
            self._last_hand, self._hand_pause = None, HANDS_EVERY
        elif self._count >= self._hand_at:
            self._last_hand = self._hands.find(crop)
            self._hand_pause = HANDS_EVERY if self._last_hand.any() else min(2 * self._hand_pause, HANDS_SELDOM)
            self._hand_at = self._count + self._hand_pause
        return self._last_hand

    def _expect(self, choice: int, points: Points, to_crop: Affine, frame: Frame) -> RGB:
        """Return the reference as it would look in the crop."""
        height, width = frame.image.shape[:2]
        return self._small[choice].view(points, to_crop, (SIZE, SIZE), (width, height))


def _apart(a: Points, b: Points, which: NDArray[np.bool_] | None = None) -> float:
    """Mean distance of two sets of landmarks, or of some of them, in eye distances."""
    gaps = np.linalg.norm(a - b, axis=1)
    some = gaps if which is None or not which.any() else gaps[which]
    return float(some.mean()) / max(eye_distance(a), 1e-6)


def _carry(last: _View | None, to_crop: Affine) -> Mask:
    """Bring the last mask into the new crop."""
    if last is None:
        return np.zeros((SIZE, SIZE), np.float32)
    moved = cv2.warpAffine(last.finding.mask, compose(to_crop, invert(last.to_crop)), (SIZE, SIZE))
    return np.asarray(moved, np.float32)


def _at(mask: Mask, points: Points) -> NDArray[np.float32]:
    """Read a crop's mask at its landmarks."""
    pixels = np.clip(np.rint(points), 0, SIZE - 1).astype(int)
    return np.asarray(mask[pixels[:, 1], pixels[:, 0]], np.float32)
