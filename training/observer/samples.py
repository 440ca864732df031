"""Samples for the observer: a synthetic face in a webcam's crop, perhaps covered, with the truth about it.

Each sample is what the running tracker would hand to the network: a crop around landmarks that are a little wrong,
the person's reference warped onto those, and the landmarks themselves. The truth is the teacher's, on the uncovered
picture.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import apply, crop_transform, eye_distance, grid, invert
from livefill.types import RGB, Affine, Points
from livefill.warp import Warp
from training import camera
from training.backgrounds import background
from training.covering import Wardrobe, blend
from training.faces.bent import BENT
from training.faces.glasses import glasses
from training.faces.pictures import read_picture
from training.faces.room import dress, fading
from training.observer.priors import LEVELS, perturb

__all__ = ["FACE_SHARE", "MASK", "SIZE", "People", "Sample", "Studio"]

SIZE = 192  # side of the crop in pixels
MASK = 96  # side of the mask
FACE_SHARE = 0.62  # of the crop that the face takes
POINTS = 468
STEP = 6  # pixels between two nodes of a warp
MIRROR = np.array([-1, 1, 1], np.float32)
Random = np.random.Generator
Floats = NDArray[np.float32]


class Sample(NamedTuple):
    """One sample; coordinates are in crop sides from the crop's middle."""

    crop: RGB  # (SIZE, SIZE, 3)
    bare: RGB  # (SIZE, SIZE, 3), the same before it was covered
    reference: RGB  # (SIZE, SIZE, 3), black if there is none
    known: np.float32  # 1 with a reference, 0 without
    prior: Floats  # (468, 2) where the landmarks were thought to be
    points: Floats  # (468, 3)
    twin: Floats  # (468, 3) of the mirror image: the teacher is no mirror of itself
    visible: Floats  # (468,) 1 where nothing covers the landmark
    mask: NDArray[np.uint8]  # (MASK, MASK), 255 where something covers the head
    face: np.float32  # 1 a face, 0 none, -1 not said
    same: np.float32  # 1 the reference's person, 0 another, -1 not said


@dataclass(frozen=True)
class People:
    """Pictures of synthetic people with the teacher's landmarks."""

    images: tuple[RGB, ...]
    mattes: tuple[NDArray[np.uint8], ...]  # (side, side), 255 where a pixel of the shrunken picture is the person
    points: Floats  # (n, 468, 3)
    mirrored: Floats  # (n, 468, 3) of the mirror images, in their own pixels
    person: NDArray[np.int64]  # (n,)
    _warps: dict[int, Warp] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path, labels: Path, *, part: str = "train") -> People:
        """Read them; `part` is "train", or "held out": every tenth person, and who was bent from them."""
        with np.load(labels) as stored:
            names, points = [str(name) for name in stored["names"]], stored["points"].astype(np.float32)
            mattes, mirrored = stored["mattes"], stored["mirrored"].astype(np.float32)
        person = np.array([int(name.split("_")[1]) for name in names])
        _, order = np.unique(person % BENT, return_inverse=True)
        chosen = np.flatnonzero((order % 10 == 9) == (part == "held out"))
        with ThreadPoolExecutor() as threads:
            images = tuple(threads.map(read_picture, (folder / names[i] for i in chosen)))
        return cls(images, tuple(mattes[chosen]), points[chosen], mirrored[chosen], person[chosen])

    def warp(self, index: int) -> Warp:
        """Return the mesh that lays a picture onto other landmarks; it is built when first asked for."""
        if index not in self._warps:
            self._warps[index] = Warp.of(self.points[index, :, :2], coarse=True)
        return self._warps[index]

    def prepare(self) -> None:
        """Build all meshes now, .4 MB each: processes that are forked later share them."""
        with ThreadPoolExecutor() as threads:
            list(threads.map(self.warp, range(len(self.images))))

    def others(self, index: int) -> NDArray[np.int64]:
        """Return the other pictures of the same person."""
        same = np.flatnonzero(self.person == self.person[index])
        return same[same != index] if len(same) > 1 else same


class Studio:
    """Draws samples."""

    def __init__(self, people: People, wardrobe: Wardrobe) -> None:
        self.people, self._wardrobe = people, wardrobe

    @classmethod
    def open(cls, people: Path, labels: Path, sprites: Path, *, part: str = "train") -> Studio:
        """Load everything."""
        return cls(People.load(people, labels, part=part), Wardrobe.open(sprites))

    def draw(self, random: Random, *, index: int | None = None, cover: bool | None = None) -> Sample:
        """Draw a sample, of picture `index` if it is given; `cover` says whether something covers the face."""
        people = self.people
        index = int(random.integers(len(people.images))) if index is None else index
        other = int(random.choice(people.others(index)))
        level = LEVELS[int(random.choice(len(LEVELS), p=[one.share for one in LEVELS]))]
        truth = people.points[index]
        stranger = people.points[int(random.integers(len(people.images))), :, :2]
        prior = perturb(truth[:, :2], people.points[other, :, :2], stranger, level, random)
        face = np.float32(1)
        if random.random() < 0.07:
            prior, face = _astray(prior, random), np.float32(0)
        to_crop = crop_transform(prior, SIZE, face_share=FACE_SHARE)
        look, style = camera.light(random), int(random.integers(1 << 30))
        spectacled = random.random() < 0.12
        crop = self._cut(index, to_crop, random, style if spectacled else None, alone=face == 0)
        if random.random() < 0.03:
            crop, face = background((SIZE, SIZE), random), np.float32(0)
        in_crop = _in_crop(truth, to_crop)
        # The mirror image of the picture, pixel for pixel, would have been cut into the mirror image of the crop.
        mirrored = people.mirrored[index] * MIRROR + (people.images[index].shape[1] - 1, 0, 0)
        twin = _in_crop(np.asarray(mirrored, np.float32), to_crop) * MIRROR + (SIZE - 1, 0, 0)
        alpha = np.zeros((SIZE, SIZE), np.float32)
        covered = random.random() < 0.72 if cover is None else cover
        bare, webcam = crop, camera.webcam(random)
        if covered:
            crop, alpha = self._wardrobe.cover(crop, in_crop, random)
        crop = webcam.shoot(camera.expose(crop, look), random)
        bare = webcam.shoot(camera.expose(bare, look), random) if covered else crop
        known, same = np.float32(random.random() < 0.75), np.float32(-1)
        reference = np.zeros_like(crop)
        if known:
            same = np.float32(1)
            source = other
            if random.random() < 0.25:
                source, same = int(random.integers(len(people.images))), np.float32(-1)
                same = np.float32(people.person[source] == people.person[index])
            reference = self._view(source, prior, to_crop, style if spectacled else None)
            # The same camera a while ago; sometimes another day, another lamp.
            other_look = camera.near(look, random) if random.random() < 0.6 else camera.light(random)
            reference = camera.shoot(camera.expose(reference, other_look), random, 0.5)
        if face == 0:
            same = np.float32(-1)
            if not covered:
                alpha[:] = 0
        pixels = np.clip(np.rint(in_crop[:, :2]), 0, SIZE - 1).astype(int)
        inside = ((in_crop[:, :2] >= 0) & (in_crop[:, :2] < SIZE)).all(1)
        visible = ((alpha[pixels[:, 1], pixels[:, 0]] < 0.5) & inside).astype(np.float32)
        if face and visible.mean() < 0.05:
            face, same = np.float32(-1), np.float32(-1)
        shrunk = cv2.resize(alpha, (MASK, MASK), interpolation=cv2.INTER_AREA)
        mask = (np.clip(1.6 * shrunk - 0.1, 0, 1) * 255).astype(np.uint8)  # what shines through is covered as well
        laid = np.asarray((apply(to_crop, prior) - SIZE / 2) / SIZE, np.float32)
        return Sample(crop, bare, reference, known, laid, _to_unit(in_crop), _to_unit(twin), visible, mask, face, same)

    def _cut(self, index: int, to_crop: Affine, random: Random, style: int | None, *, alone: bool) -> RGB:
        """Cut the crop; beyond the picture's border it goes on somehow, or the person stands in a room."""
        image = self.people.images[index]
        if style is not None:
            image = blend(image, *glasses(self.people.points[index], image.shape[1::-1], style))
        flags = cv2.INTER_AREA if np.hypot(to_crop[0, 0], to_crop[1, 0]) < 0.7 else cv2.INTER_LINEAR
        if random.random() < 0.35 and not alone:
            border = cv2.BORDER_REFLECT_101 if random.random() < 0.4 else cv2.BORDER_REPLICATE
            return np.asarray(cv2.warpAffine(image, to_crop, (SIZE, SIZE), flags=flags, borderMode=border), np.uint8)
        room = background((SIZE, SIZE), random)
        dress(room, apply(to_crop, self.people.points[index][:, :2]), random)
        person = cv2.warpAffine(image, to_crop, (SIZE, SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        if random.random() < 0.25:
            # The room of the picture itself, which the wall continues.
            whole = np.full(image.shape[:2], 1, np.float32)
            alpha = cv2.warpAffine(fading(whole), to_crop, (SIZE, SIZE))
        else:
            matte = fading(self.people.mattes[index].astype(np.float32) / 255)
            scale = np.float32(len(matte) / len(image))
            to_matte = to_crop.copy()
            to_matte[:, :2] /= scale
            alpha = cv2.warpAffine(matte, to_matte, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
        return blend(room, np.asarray(person, np.uint8), np.asarray(alpha, np.float32))

    def _view(self, source: int, prior: Points, to_crop: Affine, style: int | None) -> RGB:
        """Return the reference as the tracker would show it: warped onto the landmarks it believes in."""
        image = self.people.images[source]
        if style is not None:
            image = blend(image, *glasses(self.people.points[source], image.shape[1::-1], style))
        places = apply(invert(to_crop), grid((SIZE // STEP, SIZE // STEP), STEP))
        look = self.people.warp(source).lookup(prior, places)
        dense = cv2.resize(look, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
        view = cv2.remap(image, dense[..., 0], dense[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(view, np.uint8)


def _in_crop(points: Floats, to_crop: Affine) -> Floats:
    """Return landmarks (468, 3) of a picture in a crop of it, their depth from its mean."""
    depth = points[:, 2] * np.hypot(to_crop[0, 0], to_crop[1, 0])
    return np.column_stack([apply(to_crop, points[:, :2]), depth - depth.mean()]).astype(np.float32)


def _to_unit(points: Floats) -> Floats:
    """Crop pixels (468, 3) to crop sides from the crop's middle."""
    return np.asarray(points / SIZE - (0.5, 0.5, 0), np.float32)


def _astray(prior: Points, random: Random) -> Points:
    """Move a prior to where there is no face, or no whole one, or one of another size."""
    unit, center = eye_distance(prior), prior.mean(0)
    way = random.uniform(-np.pi, np.pi)
    far = np.array([np.cos(way), np.sin(way)]) * unit * random.uniform(1.6, 3.5)
    size = random.choice([random.uniform(0.25, 0.45), 1.0, random.uniform(2.2, 3.5)], p=[0.25, 0.5, 0.25])
    if size != 1:
        far = far * random.uniform(0, 0.5)
    return np.asarray((prior - center) * size + center + far, np.float32)
