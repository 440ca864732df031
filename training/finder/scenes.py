"""Scenes for the finder: rooms with nobody, one or two people in them, some of their faces covered.

A scene is the network's picture, as the runtime shrinks a frame to it. People are synthetic: pictures that are tight
around the face, laid into a room by their mattes, with a painted torso below and hair above.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.finder import PAD, SIZE
from livefill.geometry import apply, eye_distance
from livefill.types import RGB, Affine, Points
from training import camera
from training.backgrounds import background
from training.covering import LENGTH
from training.faces.glasses import glasses
from training.finder.layers import Face, crown, fading, hide, lay, resized, torso
from training.observer.samples import People
from training.occluders.library import Sprite
from training.occluders.library import load as load_sprites
from training.occluders.worn import WORN, worn

__all__ = ["MOST", "WIDTH", "Scene", "Stage"]

MOST = 3  # faces in one scene
WIDTH = (14.0, 200.0)  # of a face, in pixels of the picture
FRAMES = ((320, 180), (320, 192), (256, 192), (192, 192), (108, 192))  # what a frame becomes: 16:9, 5:3, 4:3, ...
OFTEN = (0.6, 0.1, 0.22, 0.05, 0.03)
ROOMS = 240  # kept, each to be shown several times from other sides
STEEPEST = np.pi / 4  # roll
Random = np.random.Generator
Floats = NDArray[np.float32]


class Scene(NamedTuple):
    """One scene."""

    picture: RGB  # (192, 320, 3)
    faces: Floats  # (MOST, 6): x, y, radius, angle, 1 a face / 0 none / -1 not said, share of it that is covered


class Stage:
    """Draws scenes."""

    def __init__(self, people: People, sprites: list[Sprite]) -> None:
        self.people = people
        kinds = sorted({sprite.kind for sprite in sprites})
        self._sprites = [[sprite for sprite in sprites if sprite.kind == kind] for kind in kinds]
        odds = np.array([4.0 if kind in ("hand", "cutout") else 1.0 for kind in kinds])
        self._odds = odds / odds.sum()
        self._rooms: list[RGB] = []

    @classmethod
    def open(cls, people: Path, labels: Path, sprites: Path, *, part: str = "train") -> Stage:
        """Load everything."""
        return cls(People.load(people, labels, part=part), load_sprites(sprites))

    def draw(self, random: Random, *, people: int | None = None, cover: bool | None = None) -> Scene:
        """Draw a scene with so many `people`, if they are given; `cover` says whether something covers the faces."""
        size = FRAMES[int(random.choice(len(FRAMES), p=OFTEN))]
        picture = self._room(size, random)
        count = int(random.choice([0, 1, 2], p=[0.2, 0.55, 0.25])) if people is None else people
        if random.random() < (0.5 if count == 0 else 0.08):
            self._nobody(picture, random)
        faces: list[Face] = []
        for width in np.sort(np.exp(random.uniform(*np.log(WIDTH), count))):
            self._enter(picture, faces, float(width), random, random.random() < 0.5 if cover is None else cover)
        if random.random() < (0.75 if count == 0 else 0.3):
            self._scatter(picture, faces, random)
        picture = camera.shoot(camera.expose(picture, camera.light(random, 1.2)), random, 0.8)
        rows = [face.row(*size) for face in faces]
        if random.random() < 0.5:
            picture = picture[:, ::-1]
            rows = [row * (-1, 1, 1, -1, 1, 1) + (size[0] - 1, 0, 0, 0, 0, 0) for row in rows]
        whole = np.full((SIZE[1], SIZE[0], 3), PAD, np.uint8)
        whole[: size[1], : size[0]] = picture
        said = np.zeros((MOST, 6), np.float32)
        said[: len(rows)] = rows or 0
        return Scene(whole, said)

    def _room(self, size: tuple[int, int], random: Random) -> RGB:
        """Return a room: a new one, or a part of one that was shown before."""
        if (len(self._rooms) < ROOMS and random.random() < 0.5) or not self._rooms:
            self._rooms.append(background(SIZE, random))
        elif random.random() < 0.1:
            self._rooms[int(random.integers(len(self._rooms)))] = background(SIZE, random)
        room = self._rooms[int(random.integers(len(self._rooms)))]
        zoom = random.uniform(1, 1.8)
        left, top = (random.uniform(0, zoom * whole - part) for whole, part in zip(SIZE, size, strict=True))
        place = np.array([[zoom, 0, -left], [0, zoom, -top]])
        return np.asarray(cv2.warpAffine(room, place, size, borderMode=cv2.BORDER_REFLECT_101), np.uint8)

    def _enter(self, picture: RGB, faces: list[Face], width: float, random: Random, covered: bool) -> None:
        """Let a person come in, with a face `width` pixels wide, where there is room for one."""
        index = int(random.integers(len(self.people.images)))
        image, matte, points = self.people.images[index], self.people.mattes[index], self.people.points[index]
        place = _pose(points[:, :2], width, random)
        shift = _spot(picture, faces, Face(apply(place, points[:, :2])), random)
        if shift is None:
            return
        place[:, 2] += shift
        face = Face(np.asarray(apply(place, points[:, :2]), np.float32))
        torso(picture, faces, face.points, self._cloth(picture, random), random)
        if random.random() < 0.85:
            crown(picture, faces, face.points, _hair(image, matte), random)
        wears = covered and random.random() < 0.35
        side = 320 if width > 100 else 160 if width > 45 else 80
        dressed, hidden = _dressed(image, points, side, random, wears=wears)
        alpha = fading(matte if random.random() < 0.95 else np.full_like(matte, 255))
        finer = resized(place, len(image) / side)
        lay(picture, faces, dressed, np.asarray(cv2.resize(alpha, (side, side)), np.float32), finer)
        hide([face], np.asarray(cv2.warpAffine(hidden, finer, picture.shape[1::-1]), np.float32))
        faces.append(face)
        if covered and (not wears or random.random() < 0.15):
            for _ in range(1 if random.random() < 0.8 else 2):
                unit = eye_distance(face.points)
                target = face.points[int(random.integers(468))] + random.normal(0, 0.15 * unit, 2)
                self._hold(picture, faces, target, unit, random)

    def _cloth(self, picture: RGB, random: Random) -> RGB | tuple[float, ...]:
        """Return what someone wears: one colour, or a pattern of that of some room."""
        grey = random.uniform(0, 230)
        colour = tuple(grey + (random.uniform(0, 255, 3) - grey) * random.beta(1, 2))
        if random.random() < 0.6:
            return colour
        plain = np.full_like(picture, colour)
        return np.asarray(cv2.addWeighted(self._room(picture.shape[1::-1], random), 0.6, plain, 0.4, 0), np.uint8)

    def _nobody(self, picture: RGB, random: Random) -> None:
        """Paint a torso with a head of one colour: someone who looks away, or a doll without a face."""
        points = self.people.points[int(random.integers(len(self.people.points))), :, :2]
        place = _pose(points, float(np.exp(random.uniform(*np.log(WIDTH)))), random)
        place[:, 2] += random.uniform((0, 0), picture.shape[1::-1])
        laid = np.asarray(apply(place, points), np.float32)
        torso(picture, [], laid, self._cloth(picture, random), random)
        if random.random() < 0.8:
            tones = ((180, 130, 105), (0.35, 1.3)) if random.random() < 0.4 else ((110, 85, 60), (0.1, 1.8))
            crown(picture, [], laid, tuple(np.array(tones[0]) * random.uniform(*tones[1])), random, whole=True)

    def _scatter(self, picture: RGB, faces: list[Face], random: Random) -> None:
        """Lay a few things beside the faces."""
        for _ in range(int(random.integers(1, 4))):
            unit = float(np.exp(random.uniform(*np.log((6, 60)))))
            at = random.uniform((0, 0), picture.shape[1::-1])
            circles = [face.circle() for face in faces]
            if all(np.hypot(*(at - center)) > 2 * radius for center, radius in circles):
                self._hold(picture, faces, at, unit, random)

    def _hold(self, picture: RGB, faces: list[Face], target: Floats, unit: float, random: Random) -> None:
        """Lay a thing over the picture, some point of it at `target`; `unit` is an eye distance there, in pixels."""
        kind = self._sprites[int(random.choice(len(self._sprites), p=self._odds))]
        sprite = kind[int(random.integers(len(kind)))]
        solid = np.argwhere(sprite.alpha[::8, ::8] > 0.5)
        if len(solid) == 0:
            return
        scale = unit * np.exp(random.uniform(*np.log(LENGTH[sprite.kind]))) / max(sprite.alpha.shape)
        angle = random.normal(0, 0.5) if random.random() < 0.8 else random.uniform(-np.pi, np.pi)
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        mirror = -1 if random.random() < 0.5 else 1
        linear = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
        anchor = 8.0 * solid[int(random.integers(len(solid)))][::-1]
        place = np.column_stack([linear, target - linear @ anchor]).astype(np.float32)
        lay(picture, faces, camera.expose(sprite.image, camera.light(random, 0.7)), sprite.alpha, place)


def _pose(points: Points, width: float, random: Random) -> Affine:
    """Return an affine that takes a face to `width` pixels around the origin, rolled, sometimes a little narrower."""
    roll = random.normal(0, 0.2) if random.random() < 0.65 else random.uniform(-STEEPEST, STEEPEST)
    roll = float(np.clip(roll, -STEEPEST, STEEPEST))
    scale = width / float(np.ptp(points[:, 0]))
    narrow = random.uniform(0.82, 1) if random.random() < 0.4 else 1.0
    cos, sin = np.cos(roll) * scale, np.sin(roll) * scale
    linear = np.array([[cos * narrow, -sin], [sin * narrow, cos]])
    return np.column_stack([linear, -linear @ points.mean(0)]).astype(np.float32)


def _spot(picture: RGB, faces: list[Face], face: Face, random: Random) -> Floats | None:
    """Return by how much to move a face so that it is in the picture and apart from others, or None."""
    center, radius = face.circle()
    room = np.array(picture.shape[1::-1], np.float32)
    circles = [other.circle() for other in faces]
    for _ in range(8):
        margin = np.minimum(radius * random.uniform(-0.1 if random.random() < 0.12 else 0.5, 1), 0.45 * room)
        at = random.uniform(margin, room - margin)
        if all(np.hypot(*(at - other)) > 0.9 * (radius + reach) for other, reach in circles):
            return np.asarray(at - center, np.float32)
    return None


def _hair(image: RGB, matte: NDArray[np.uint8]) -> tuple[float, ...]:
    """Return the mean colour of a person at the upper border of the picture."""
    top = image[: len(image) // 8 : 4, ::4]
    person = cv2.resize(matte[: len(matte) // 8], top.shape[1::-1], interpolation=cv2.INTER_AREA)
    return tuple(cv2.mean(top, np.asarray(person, np.uint8))[:3])


def _dressed(image: RGB, points: Floats, side: int, random: Random, *, wears: bool) -> tuple[RGB, Floats]:
    """Return a person `side` pixels high, perhaps with glasses or something worn, and where that covers the face."""
    small = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    scaled = points * np.float32(side / len(image))
    if random.random() < 0.12:
        layer, alpha = glasses(scaled, (side, side), int(random.integers(1 << 30)))
        small = np.asarray(cv2.blendLinear(small, layer, 1 - alpha, alpha), np.uint8)
    if not wears:
        return small, np.zeros((side, side), np.float32)
    kind = WORN[int(random.integers(len(WORN)))] if random.random() < 0.4 else "mask"
    layer, alpha = worn(kind, scaled, (side, side), int(random.integers(1 << 30)))
    return np.asarray(cv2.blendLinear(small, layer, 1 - alpha, alpha), np.uint8), alpha
