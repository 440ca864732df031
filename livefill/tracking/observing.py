"""Observe with livefill's own network: landmarks and occluder mask per frame.

One small network looks at a crop around the last landmarks and compares it with the profile's reference, warped onto
them (`observer.py`). Another looks over the whole picture when no face is known (`finder.py`). What is here is the
memory between frames: where the face was, what is steadied, when it is lost and how it is found again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import copy

import cv2
import numpy as np

from livefill.backends.runtimes import open_network
from livefill.evidence import Evidence, View
from livefill.finder import Candidate, Finder, crop_of
from livefill.geometry import (
    Field,
    apply,
    compose,
    invert,
    sample,
    scaled,
)
from livefill.identity import allowed, likeness
from livefill.matte import hinted, reconcile, sharpen
from livefill.observer import FACE_SHARE, MASK, SIZE, Observation, Observer
from livefill.occluder import compare
from livefill.profile import Profile
from livefill.settling import settle, shift
from livefill.smoothing import OneEuro
from livefill.tracking.laying import StaticMask, inside, is_sound, lay, share_covered
from livefill.tracking.memory import Covered, Memory, Met
from livefill.tracking.rigid import Posed, RigidFace, alike_when
from livefill.types import RGB, Affine, Frame, Mask, Points, Track
from livefill.zones import Zones

__all__ = ["RECOGNISED", "STRANGER", "ObserverTracker"]

AGAIN = 0.12  # eye distances that the landmarks may be from where they were expected before it is worth a second look
NEW_FACE, IS_FACE, WAS_FACE = 0.98, 0.5, 0.25  # what the network must say: of a new face, of one that is followed
RECOGNISE_EVERY = 10  # frames between two looks at whose face it is
STRANGER, RECOGNISED = 0.5, 0.65  # `likeness` that a face must have while it is followed, and at first
FRONTAL, SIDEWAYS = 0.5, 0.3  # what one more look counts beside all before
SURE = 0.85  # the same in half the size, from which on there is no doubt: there strangers come to .72
STEADY = 0.8  # how much of the past the belief in a face keeps
HIDDEN = 0.85  # share of the face that is covered when nothing can be said of its landmarks
HOLD = 0.6  # seconds that a face that is hidden, or not seen, is carried on
SEARCH_EVERY = 3  # frames from one look over the whole picture to the next
SUSPICION = 1.0  # seconds that somebody else who was seen counts as there
LINGER = 0.4  # of the last mask, where the network is in doubt


class ObserverTracker:
    """A `Tracker` that looks for one person, or for anybody where there is no profile."""

    def __init__(
        self,
        profile: Profile | None = None,
        *,
        static: Mask | None = None,
        observer: Observer | None = None,
        finder: Finder | None = None,
        evidence: Evidence | None = None,
        judge: Callable[..., Mask] = reconcile,
    ) -> None:
        """Follow the person of `profile`; `static` is a mask, scaled to the frame, of what is always covered.

        `judge` decides what is covered, as `matte.reconcile` does.
        """
        self._profile = profile
        width = SIZE * FACE_SHARE
        references = profile.references if profile is not None else ()
        self._small = tuple(one.shrunk(width, coarse=True) for one in references)
        self._rigid = RigidFace(profile)
        self._static = StaticMask(static) if static is not None else None
        self._observer = observer or Observer.open()
        self._evidence = evidence or Evidence.open()
        self._judge = judge
        self._finder = finder or Finder(open_network("finder", keys=("size",)).run)
        self._smooth = OneEuro()
        self._last: Memory | None = None
        self._seen = 0.0  # time of the last good look
        self._now = 0.0  # time of the last frame
        self._shape: tuple[int, ...] = ()  # and its size
        self._strange = -SUSPICION  # and of the last in which somebody else was seen
        self._pause = 0  # frames until the next search
        self._count = 0  # frames of a face
        self._candidates: deque[Candidate] = deque()
        self._place: Candidate | None = None  # where the face was when it was lost

    def close(self) -> None:
        """Nothing is held that would have to be released."""

    def branch(self) -> ObserverTracker:
        """Return another tracker that remembers what this one does; from here on neither knows of the other."""
        other = copy(self)  # what is remembered is never changed, only exchanged, but for these two
        other._smooth, other._candidates = copy(self._smooth), self._candidates.copy()
        return other

    @property
    def to_crop(self) -> Affine | None:
        """What cut the last frame's crop, SIZE pixels a side; None while there is no face."""
        return None if self._last is None else self._last.to_crop

    @property
    def stranger(self) -> bool:
        """Whether a face is there, but it is not the profile's person."""
        return self._last is None and self._now - self._strange < SUSPICION

    def track(self, frame: Frame) -> Track | None:
        """Return landmarks and mask, or None where this person's face is not to be found."""
        if self._last is not None and self._interrupted(frame):
            self._forget()
        self._now, self._shape = frame.time, frame.image.shape
        memory = self._follow(frame, self._last) if self._last is not None else None
        if memory is None:
            self._forget()
            memory = self._search(frame)
            if memory is None:
                return None
        self._last = memory
        return self._report(frame, memory)

    def _interrupted(self, frame: Frame) -> bool:
        """Say whether what is remembered no longer counts: somebody else may sit there by now, or all be moved."""
        return not 0 <= frame.time - self._now <= HOLD or frame.image.shape != self._shape

    def _forget(self) -> None:
        if self._last is not None:
            self._place = Candidate.of(self._last.points)
            self._last, self._pause = None, 0
            self._smooth.reset()

    def _report(self, frame: Frame, memory: Memory) -> Track:
        mask = sharpen(memory.mask, memory.crop)
        if self._static is not None:
            mask = np.maximum(mask, self._static.cut(memory.to_crop, frame.image.shape, SIZE))
        points = self._smooth(memory.points, frame.time)
        laid = lay(mask, memory.to_crop, frame.image.shape)
        return Track(points, laid, min(memory.face, memory.known))

    def _follow(self, frame: Frame, last: Memory) -> Memory | None:
        """Observe the face of the last frame in this one; None when it is lost or turns out to be another's."""
        choice = self._choose(last)
        seen = self._look(frame, self._rigid.pose(choice, last.rigid.points), choice)
        if seen.moved > AGAIN:
            seen = self._look(frame, self._rigid.pose(choice, seen.points, seen.visible), choice)
        covered = self._masked(frame, seen, last, choice)
        mask = covered.mask
        hidden = share_covered(mask, apply(scaled(seen.to_crop, MASK / SIZE), last.points)) > HIDDEN
        face = last.face if hidden else STEADY * last.face + (1 - STEADY) * seen.face
        if not hidden and seen.face > IS_FACE:
            self._seen = frame.time
        if face < WAS_FACE or frame.time - self._seen > HOLD or not is_sound(seen.points, frame.image):
            return None
        # Where nothing is seen to go by, the face is where it was, until it shows itself again.
        points, rigid = last.points, last.rigid
        if not hidden:
            points, rigid = self._complete(choice, seen, covered, last.rigid)
        known = last.known if hidden else self._known(frame, seen, covered, choice, last.known)
        if known < STRANGER:
            return None  # the search, which follows, says whose face there is
        return Memory(points, rigid, seen.visible, seen.to_crop, seen.crop, mask, face, known)

    def _search(self, frame: Frame) -> Memory | None:
        """Look for a face, a little in every frame: over the whole picture now and then, at one place each time."""
        if not self._candidates and self._pause <= 0:
            self._candidates.extend([*self._finder.find(frame.image), *self._usual(frame)])
            self._pause = SEARCH_EVERY
        self._pause -= 1
        if not self._candidates:
            return None
        met = self.first_look(frame, crop_of(self._candidates.popleft(), SIZE, FACE_SHARE))
        if met is None:
            return None
        if met.known < RECOGNISED:
            self._strange = frame.time
            return None
        seen, choice, known = met
        self._candidates.clear()
        self._seen = frame.time
        covered = self._masked(frame, seen, None, choice)
        points, rigid = self._complete(choice, seen, covered, None)
        return Memory(points, rigid, seen.visible, seen.to_crop, seen.crop, covered.mask, seen.face, known)

    def first_look(self, frame: Frame, to_crop: Affine) -> Met | None:
        """Look for a new face in the crop that `to_crop` cuts, SIZE pixels a side; None where there is none."""
        first = self._observer.look_at(frame.pyramid, to_crop)
        if first.face < IS_FACE or not is_sound(first.points, frame.image):
            return None
        choice = 0 if self._profile is None else self._profile.nearest(first.points)
        seen = self._look(frame, self._rigid.pose(choice, first.points, first.visible), choice)
        if seen.face < NEW_FACE or not is_sound(seen.points, frame.image):
            return None
        return Met(seen, choice, self._recognise(frame, seen, choice, SIZE))

    def _usual(self, frame: Frame) -> list[Candidate]:
        """Return where the face was last, or in the first reference: people sit where they sat."""
        if self._place is not None:
            return [self._place]
        if self._profile is None:
            return []
        first = self._profile.references[0]
        height, width = frame.image.shape[:2]
        scale = np.array([width / first.image.shape[1], height / first.image.shape[0]], np.float32)
        return [Candidate.of(first.points * scale)]

    def _masked(self, frame: Frame, seen: Observation, last: Memory | None, choice: int) -> Covered:
        """Return what covers the head, and what the reference says of it.

        The mask follows the network where that is sure, lingers where it is not, and is then compared with the
        reference, at half the crop's size. Where nothing is covered there is nothing to compare and to settle.
        """
        mask, to_half = seen.mask, scaled(seen.to_crop, MASK / SIZE)
        before = np.zeros_like(mask)
        if last is not None:
            back = invert(scaled(last.to_crop, MASK / SIZE))
            before = np.asarray(cv2.warpAffine(last.mask, compose(to_half, back), (MASK, MASK)), np.float32)
            doubt = LINGER * (1 - np.abs(2 * mask - 1))
            mask = np.asarray(mask + doubt * (before - mask), np.float32)
        if self._profile is None:
            return Covered(mask)
        if not hinted(mask, before).any():
            return Covered(np.zeros_like(mask))
        crop = np.asarray(cv2.resize(seen.crop, (MASK, MASK), interpolation=cv2.INTER_AREA), np.uint8)
        free = 1 - cv2.dilate(seen.mask, np.ones((3, 3), np.uint8))
        expected, field = self._laid(frame, seen, choice, crop, to_half, np.asarray(free, np.float32))
        points = apply(to_half, seen.points)
        nodes = apply(scaled(to_half, len(field) / MASK), seen.points)
        settled = apply(invert(to_half), points + sample(field, nodes[None])[0])
        shown, turned = inside(frame.image, to_half, MASK), self._rigid.turned(choice, seen)
        odds, zones, compared, colours = self._evidence.weigh(
            View(crop, expected, shown, seen.mask, mask, points, turned)
        )
        judged = self._judge(mask, compared.surprise, zones, odds=odds, colours=colours, turned=turned, before=before)
        if not (judged.any() or (mask > 0.5).any()):
            return Covered(judged)  # it was a hint, and of nothing
        return Covered(judged, settled, turned, compared)

    def _complete(self, choice: int, seen: Observation, covered: Covered, before: Posed | None) -> tuple[Points, Posed]:
        mask, settled, turned, _ = covered
        return self._rigid.complete(choice, seen, settled, mask, before, turned=turned)

    def _laid(
        self, frame: Frame, seen: Observation, choice: int, crop: RGB, to_crop: Affine, free: Mask
    ) -> tuple[RGB, Field]:
        """Return the reference on the landmarks of a crop, settled, and by how far it had to be moved."""
        expected = self._expected(frame, seen.points, choice, to_crop, len(crop))
        field = settle(expected, crop, free, apply(to_crop, seen.points))
        return shift(expected, field), field

    def _known(self, frame: Frame, seen: Observation, covered: Covered, choice: int, before: float) -> float:
        """Say now and then whether it is still the profile's person; a glance at half the size mostly tells."""
        self._count += 1
        if self._count % RECOGNISE_EVERY:
            return before
        turned, compared = self._rigid.turned(choice, seen), covered.compared
        glance = self._recognise(frame, seen, choice, MASK) if compared is None else likeness(compared)
        known, alike = glance, alike_when(turned)
        if alike and known < SURE:
            known = self._recognise(frame, seen, choice, SIZE)
        steadied = before + FRONTAL * alike * (known - before)
        # A head that is turned looks strange, whoever it is; but somebody else's face looks turned, as it is built
        # otherwise. So such a look counts as well, less and with allowance.
        return steadied + SIDEWAYS * (1 - alike) * (allowed(glance, turned) - steadied)

    def _recognise(self, frame: Frame, seen: Observation, choice: int, side: int) -> float:
        """Return how alike a face is to the profile's person, in a view of `side` pixels, 0..1; 1 without a profile."""
        if not self._small:
            return 1.0
        to_view = scaled(seen.to_crop, side / SIZE)
        crop = np.asarray(cv2.resize(seen.crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        mask = np.asarray(cv2.resize(seen.mask, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
        expected, _ = self._laid(frame, seen, choice, crop, to_view, 1 - mask)
        shown, zones = inside(frame.image, to_view, side), Zones.of(apply(to_view, seen.points), mask.shape)
        return likeness(compare(crop, expected, zones, inside=shown, mask=mask))

    def _look(self, frame: Frame, prior: Points, choice: int) -> Observation:
        if not self._small:
            return self._observer.look(frame.pyramid, prior, None)
        return self._observer.look(
            frame.pyramid, prior, lambda to_crop: self._expected(frame, prior, choice, to_crop, SIZE)
        )

    def _expected(self, frame: Frame, points: Points, choice: int, to_crop: Affine, side: int) -> RGB:
        """Return the reference as it would look in the crop, were the landmarks at `points`."""
        height, width = frame.image.shape[:2]
        return self._small[choice].view(points, to_crop, (side, side), (width, height))

    def _choose(self, last: Memory) -> int:
        if self._profile is None:
            return 0
        return self._profile.nearest(last.points, last.visible, current=last.rigid.reference)
