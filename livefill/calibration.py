"""Calibrate: look at frames of a person, say what is wrong with them, and keep the best as references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from livefill.agreement import WIDTH, agreed
from livefill.config import DEFAULT_TRACKER
from livefill.detection import Detector, Face, open_detector
from livefill.errors import CalibrationError
from livefill.geometry import EYES, LIPS, apply, crop_transform, eye_distance, face_hull, fill_polygon, similarity
from livefill.profile import Profile, Reference
from livefill.shapes import Shapes
from livefill.types import RGB, Frame, Points

__all__ = ["Calibrator", "Judgement", "expression", "pose"]

SIZE = 256  # of the crop in which a face is judged
ENOUGH = 45  # good frames after which there is nothing more to learn
KEPT = 5  # references of a profile
APART = 0.03  # eye distances between the landmarks of two references worth keeping both
PICTURES = 12  # references and expressions
OTHERWISE = 0.004  # eye distances between the landmarks of two expressions worth keeping both
WIDEST = 512  # pixels of a face in an expression
WITNESSES = 6  # frames with which a picture's landmarks are compared
COVERED = 0.12  # share of the face from which on something covers it
DOUBT = 0.03  # the same, from which on a patch of another hue is something worn
FREE = 0.03  # the same, beyond what is taken for covered when the face is freest: no such picture is kept
BESIDE = 0.25  # seconds before and after a hand was there of which none is kept either
HAND = "a hand covers your face: take it away"

# Patches of skin by the landmarks around their middle, to tell what is covered.
PATCHES = {
    "forehead": (151, 9, 107, 336),
    "right cheek": (50, 205, 101, 117),
    "left cheek": (280, 425, 330, 346),
    "nose": (4, 5, 195, 1),
    "chin": (152, 175, 199, 200),
    "mouth": (0, 17, 61, 291),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one frame is worth as a reference."""

    hint: str  # what the person should do, in a few words; empty when the frame is good
    quality: float  # 0..1, of a good frame
    seq: int
    reference: Reference | None = None  # None unless the frame is good
    time: float = 0.0  # seconds
    covered: float = 0.0  # share of the face and what surrounds it that something seems to cover


class Calibrator:
    """Judges frames one by one and keeps the good ones; `profile` makes a bank of them."""

    def __init__(self, tracker: str = DEFAULT_TRACKER, *, detector: Detector | None = None) -> None:
        """Look with what the `tracker` of this name looks with, or with a `detector` that is open already."""
        self._detector = detector or open_detector(tracker, SIZE)
        self._good: list[Judgement] = []
        self._hand = -BESIDE  # time of the last frame with a hand before the face
        self.hints: dict[str, int] = {}  # how often each was given

    @property
    def progress(self) -> float:
        """Share of the good frames that are wanted, 0..1."""
        return min(1.0, len(self._good) / ENOUGH)

    @property
    def good(self) -> tuple[Judgement, ...]:
        """The good frames that are remembered, as they came."""
        return tuple(self._good)

    def close(self) -> None:
        """Release the networks."""
        self._detector.close()

    def look(self, frame: Frame) -> Judgement:
        """Judge one frame and remember it if it is good.

        Pictures are kept because they differ, and a hand that has just reached the chin makes the greatest difference.
        So what is covered more than the freest frame, however little, is left out or forgotten, and so are the moments
        before and after a hand was there: it came past the neck, where it is hardly seen.
        """
        judgement = self._judge(frame)
        if judgement.hint == HAND:
            self._hand = frame.time
            self._forget(lambda one: 0 <= frame.time - one.time < BESIDE)
        elif judgement.reference is not None:
            least = min(one.covered for one in (*self._good, judgement))
            self._forget(lambda one: one.covered > least + FREE)
            if judgement.covered > least + FREE or 0 <= frame.time - self._hand < BESIDE:
                judgement = Judgement(HAND, 0.0, frame.seq)
        if judgement.reference is None:
            self.hints[judgement.hint] = self.hints.get(judgement.hint, 0) + 1
            return judgement
        self._good.append(judgement)
        if len(self._good) > 2 * ENOUGH:
            self._good.remove(min(self._good, key=lambda one: one.quality))
        return judgement

    def _forget(self, spoilt: Callable[[Judgement], bool]) -> None:
        self._good = [one for one in self._good if not spoilt(one)]

    def kept(self) -> list[Judgement]:
        """Return the frames that a profile would keep: the best first, then those that differ most from the others."""
        return [self._good[i] for i in self._kept()]

    def profile(self, name: str) -> Profile:
        """Make a profile of the frames kept; raises `CalibrationError` if none was good enough."""
        kept = self._kept()
        good = [one.reference for one in self._good if one.reference is not None]
        shapes = Shapes([one.points for one in good])
        indices = _spread(kept, lambda i: shapes.apart(good[i].points), most=PICTURES, least=OTHERWISE)
        chosen = [good[i] for i in indices]
        pictures = _agreed(chosen, good)
        expressions = tuple(one.shrunk(WIDEST) for one in pictures[len(kept) :])
        return Profile(name, tuple(pictures[: len(kept)]), expressions=expressions, shares=_shares(chosen, good))

    def _kept(self) -> list[int]:
        if not self._good:
            why = max(self.hints, key=lambda hint: self.hints[hint], default="there was no frame")
            raise CalibrationError(f"No frame can serve as a reference. Most often: {why}.")
        best = max(range(len(self._good)), key=lambda i: self._good[i].quality)
        return _spread([best], lambda i: [_apart(one, self._good[i]) for one in self._good], most=KEPT, least=APART)

    def _judge(self, frame: Frame) -> Judgement:
        faces = self._detector.find(frame.image)
        if not faces:
            return Judgement("no face is to be seen: look into the camera", 0.0, frame.seq)
        if len(faces) > 1 and np.ptp(faces[1].points[:, 0]) > 0.6 * np.ptp(faces[0].points[:, 0]):
            return Judgement("two faces are in the picture: be alone for a moment", 0.0, frame.seq)
        face, points, depth = faces[0], faces[0].points, faces[0].depth
        hint = (
            _placement(points, frame.image)
            or _light(points, frame.image)
            or self._covered(face, frame)
            or _attitude(points, depth)
        )
        if hint:
            return Judgement(hint, 0.0, frame.seq)
        quality = _quality(points, depth, frame.image)
        return Judgement("", quality, frame.seq, Reference(frame.image, points, depth), frame.time, face.around)

    def _covered(self, face: Face, frame: Frame) -> str:
        """Say what covers the face: a patch of another hue does, but it is coloured light where nothing else doubts."""
        if face.cover > DOUBT or not self._detector.thorough:
            to_crop = crop_transform(face.points, SIZE)
            part = _odd_patch(frame.pyramid.cut(to_crop, SIZE), apply(to_crop, face.points))
            if part:
                return f"something covers your {part}: take it away"
        return HAND if face.cover > COVERED else ""


def _spread(first: list[int], gaps: Callable[[int], ArrayLike], *, most: int, least: float) -> list[int]:
    """Return the first and, one after the other, what is furthest from all before, while that is `least` or more.

    `gaps` says how far all are from one.
    """
    chosen, nearest = list(first), np.min([np.asarray(gaps(i)) for i in first], axis=0)
    while len(chosen) < most and nearest.max() >= least:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, gaps(chosen[-1]))
    return chosen


def _agreed(chosen: list[Reference], good: list[Reference]) -> list[Reference]:
    """Return the chosen pictures with landmarks that agree with those of some of the others."""
    if len(good) < 2:
        return chosen
    some = good[:: -(-len(good) // WITNESSES)]
    small = {id(one): one.shrunk(WIDTH) for one in some}
    return [agreed(one, [small[id(other)] for other in some if other is not one]) for one in chosen]


def _shares(chosen: list[Reference], good: list[Reference]) -> tuple[float, ...]:
    """Return how many of all good frames are held most like each picture, in shares."""
    shapes = Shapes([one.points for one in chosen])
    nearest = [int(shapes.apart(one.points).argmin()) for one in good]
    return tuple((np.bincount(nearest, minlength=len(chosen)) / len(good)).tolist())


def pose(points: Points, depth: NDArray[np.float32]) -> tuple[float, float]:
    """Return yaw and pitch in degrees: the turn of the plane through the outer eye corners and the mouth's."""
    corners = np.column_stack([points, depth])[[33, 263, 61, 291]].astype(np.float64)
    across = (corners[1] + corners[3]) - (corners[0] + corners[2])
    down = (corners[2] + corners[3]) - (corners[0] + corners[1])
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1])))
    return float(yaw), float(pitch)


def expression(points: Points) -> tuple[float, float]:
    """Return how far the mouth and the eyes are open: height over width, the lower of the two eyes."""
    mouth = np.hypot(*(points[13] - points[14])) / max(float(np.hypot(*(points[61] - points[291]))), 1e-6)
    heights = (np.hypot(*(points[159] - points[145])), np.hypot(*(points[386] - points[374])))
    widths = (np.hypot(*(points[33] - points[133])), np.hypot(*(points[263] - points[362])))
    return float(mouth), float(min(h / max(w, 1e-6) for h, w in zip(heights, widths, strict=True)))


def _placement(points: Points, image: RGB) -> str:
    height, width = image.shape[:2]
    low, high = points.min(0), points.max(0)
    if low.min() < 1 or high[0] > width - 2 or high[1] > height - 2:
        return "your face is at the picture's edge: move to the middle"
    if high[0] - low[0] < 80:
        return "your face is too small: come closer"
    return ""


def _light(points: Points, image: RGB) -> str:
    face = fill_polygon(image.shape[:2], face_hull(points))
    luma = float(cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), face)[0])
    if luma < 45:
        return "it is too dark: turn on a light before you"
    if luma > 225:
        return "it is too bright: turn away from the light"
    return ""


def _attitude(points: Points, depth: NDArray[np.float32]) -> str:
    yaw, pitch = pose(points, depth)
    if abs(yaw) > 35 or abs(pitch) > 35:
        return "your head is turned too far: look straight into the camera"
    if expression(points)[1] < 0.12:
        return "your eyes are closed: keep them open"
    return ""


def _quality(points: Points, depth: NDArray[np.float32], image: RGB) -> float:
    """Weigh frontal, sharp, eyes open and mouth closed: a product, so that one bad part spoils the whole."""
    yaw, pitch = pose(points, depth)
    mouth, eyes = expression(points)
    frontal = np.exp(-((yaw / 18) ** 2) - (pitch / 25) ** 2)
    sharp = _sharpness(points, image)
    return float(frontal * min(1.0, eyes / 0.22) * np.exp(-3 * mouth) * sharp / (sharp + 40))


def _sharpness(points: Points, image: RGB) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000) in a crop of fixed size."""
    crop = cv2.warpAffine(image, crop_transform(points, SIZE, face_share=0.8), (SIZE, SIZE), flags=cv2.INTER_AREA)
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[40:-40, 40:-40].var())


def _odd_patch(crop: RGB, points: Points) -> str:
    """Return the name of a patch whose colour is not the skin's, or nothing.

    Skin, lips and beard differ in brightness more than in hue: the hue decides, unless a patch is nearly black.
    """
    colours = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb), (0, 0), 2).astype(np.float32)
    radius = max(2, int(0.06 * eye_distance(points)))
    values = {}
    for name, around in PATCHES.items():
        x, y = np.clip(np.rint(points[list(around)].mean(0)), radius, SIZE - 1 - radius).astype(int)
        values[name] = np.median(colours[y - radius : y + radius + 1, x - radius : x + radius + 1], axis=(0, 1))
    skin = np.median([values[name] for name in ("forehead", "right cheek", "left cheek", "nose", "chin")], axis=0)
    for name, value in values.items():
        limit = 42 if name == "mouth" else 32
        if np.hypot(*(value - skin)[1:]) > limit or (name != "forehead" and value[0] < 0.3 * skin[0]):
            return name
    return ""


def _apart(one: Judgement, other: Judgement) -> float:
    """Distance of two frames' landmarks in eye distances, whatever the place, size and tilt of the faces."""
    assert one.reference is not None
    assert other.reference is not None
    a, b = one.reference.points, other.reference.points
    moved = apply(similarity(a, b), a)
    parts = [*LIPS, *EYES[0], *EYES[1]]
    gap = np.linalg.norm(moved - b, axis=1)
    return float(0.5 * (gap.mean() + gap[parts].mean()) / max(eye_distance(b), 1e-6))
