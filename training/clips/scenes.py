"""Scenes: a synthetic person moves and talks in a room before a webcam, and something covers the face.

A scene is the same from the same seed. Its pictures are square, SIDE pixels; the person fills them as in a video call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import apply, eye_distance
from livefill.types import RGB, Affine
from training import camera
from training.backgrounds import background
from training.covering import Thing, Wardrobe, blend, shadowed
from training.faces.bent import BENT
from training.faces.glasses import glasses
from training.faces.room import dress, fading

__all__ = ["FRAMES", "MOTIONS", "SIDE", "Cast", "Moment", "Picture", "Scene"]

Floats = NDArray[np.float32]
Random = np.random.Generator
SIDE = 416  # pixels of a scene
FRAMES = 20  # of a scene
MOTIONS = ("static", "worn", "moving")
OTHERS = 2  # references at most beside the first


@dataclass(frozen=True)
class Picture:
    """A picture of a synthetic person, with the teacher's landmarks."""

    path: Path
    points: Floats  # (468, 3)
    matte: NDArray[np.uint8]  # (n, n) of the shrunken picture, 255 where it shows the person

    @cached_property
    def image(self) -> RGB:
        """The picture, read when first asked for."""
        read = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if read is None:
            raise ValueError(f"{self.path} is no picture")
        return np.ascontiguousarray(read[..., ::-1], np.uint8)


class Cast:
    """All people there are: for each their reference, then the other pictures."""

    def __init__(self, pictures: dict[int, list[Picture]]) -> None:
        self._pictures = pictures
        self.numbers = sorted(pictures)

    @classmethod
    def open(cls, folder: Path, labels: Path, *, part: str = "train") -> Cast:
        """Read the labels; `part` is "train", or "held out": every tenth person, and who was bent from them."""
        with np.load(labels) as stored:
            rows = zip(map(str, stored["names"]), stored["points"], stored["mattes"], strict=True)
        people: dict[int, list[Picture]] = {}
        for name, shape, matte in sorted(rows, key=lambda row: _order(row[0])):
            people.setdefault(int(name.split("_")[1]), []).append(Picture(folder / name, shape, matte))
        order = {number: place for place, number in enumerate(sorted({number % BENT for number in people}))}
        chosen = {n: p for n, p in people.items() if (order[n % BENT] % 10 == 9) == (part == "held out")}
        return cls({n: p for n, p in chosen.items() if len(p) > 1 and p[0].path.stem.endswith("_0")})

    def pictures(self, number: int) -> list[Picture]:
        """Return a person's pictures, the reference first."""
        return [Picture(one.path, one.points, one.matte) for one in self._pictures[number]]

    def talks(self, number: int) -> bool:
        """Tell whether there is a clip of this person, not only stills."""
        return self._pictures[number][0].path.name.startswith("clip")


def _order(name: str) -> tuple[int, int]:
    _, person, number = name.removesuffix(".jpg").split("_")
    return int(person), int(number)


class Moment(NamedTuple):
    """One frame of a scene, and the truth about it."""

    covered: RGB  # (SIDE, SIDE, 3) as the webcam shows it
    clean: RGB  # the same, uncovered and without noise
    mask: Floats  # (SIDE, SIDE) 1 where it is covered
    points: Floats  # (468, 3) the teacher's landmarks


class Scene:
    """One person, one room, one thing before the face."""

    def __init__(self, cast: Cast, wardrobe: Wardrobe, number: int, random: Random) -> None:
        self._wardrobe, self._random = wardrobe, random
        pictures = cast.pictures(number)
        if cast.talks(number):  # what is said while calibrating is not what is said later
            half = (len(pictures) + 1) // 2
            shown = int(random.choice([1, 3, half], p=[0.15, 0.15, 0.7]))
            self._played, self._bank = pictures[half:], pictures[:shown]
        else:
            shown = 1 + int(random.integers(len(pictures) - 1))
            others = [one for place, one in enumerate(pictures) if place not in (0, shown)]
            self._played = [pictures[shown]]
            self._bank = pictures[:1] + (others[:OTHERS] if random.random() < 0.5 else [])
        self._look, self._webcam = camera.light(random), camera.webcam(random, 0.7)
        self._style = int(random.integers(1 << 30)) if random.random() < 0.12 else None
        self._room = background((SIDE, SIDE), random)
        self._dressed, self._matted = random.random() < 0.5, random.random() < 0.75
        self._way = _Way.draw(random)
        self._thing_moves = MOTIONS[int(random.choice(3, p=[0.3, 0.25, 0.45]))]
        self._speed = random.normal(0, 0.09, 2)  # eye distances a frame that a moving thing goes
        self._shade = int(random.integers(1 << 30)) if random.random() < 0.35 else None

    def references(self) -> list[tuple[RGB, Floats]]:
        """Return uncovered pictures, taken just now or another day, and the teacher's landmarks."""
        random = self._random
        look = camera.near(self._look, random) if random.random() < 0.75 else camera.light(random)
        webcam = self._webcam if random.random() < 0.7 else camera.webcam(random, 0.5)
        found = []
        for number, picture in enumerate(self._bank):
            staged, points = self._stage(picture, self._way.at(-number))
            found.append((webcam.shoot(camera.expose(staged, look), random), points))
        return found

    def moments(self) -> Iterator[Moment]:
        """Play the scene."""
        things: list[Thing] = []
        middle, unit = np.zeros(2, np.float32), 1.0
        for number in range(FRAMES):
            picture = self._played[_to_and_fro(number, len(self._played))]
            staged, points = self._stage(picture, self._way.at(number))
            lit = camera.expose(staged, self._look)
            if not things:
                count = 1 if self._random.random() < 0.85 else 2
                things = [self._wardrobe.pick(lit, points, self._random) for _ in range(count)]
                middle, unit = points[:, :2].mean(0), eye_distance(points[:, :2])
            shift, turn = self._moved(number, points[:, :2].mean(0) - middle, unit)
            covered, mask = lit, np.zeros((SIDE, SIDE), np.float32)
            for thing in things:
                layer, alpha = thing.lay(points, (SIDE, SIDE), shift=(float(shift[0]), float(shift[1])), turn=turn)
                if self._shade is not None:
                    covered = shadowed(covered, alpha, np.random.default_rng(self._shade))
                covered, mask = blend(covered, layer, alpha), np.maximum(mask, alpha)
            yield Moment(self._webcam.shoot(covered, self._random), self._webcam.see(lit), mask, points)

    def _moved(self, number: int, with_face: Floats, unit: float) -> tuple[Floats, float]:
        """Return by how much the thing has moved: not at all, with the face, or on its own way."""
        if self._thing_moves == "static":
            return np.zeros(2, np.float32), 0.0
        if self._thing_moves == "worn":
            return with_face, 0.0
        # To and fro about its place in the middle of the scene: what it hides it also shows.
        phase = (number - FRAMES / 2) / 4
        return np.asarray(with_face + self._speed * 4 * unit * np.sin(phase), np.float32), float(0.05 * np.sin(phase))

    def _stage(self, picture: Picture, to_scene: Affine) -> tuple[RGB, Floats]:
        """Put a person into the room: the picture, and the landmarks in it."""
        image = picture.image
        if self._style is not None:
            image = blend(image, *glasses(picture.points, image.shape[1::-1], self._style))
        place = to_scene.copy()
        place[:, :2] *= np.float32(432 / len(image))
        points = np.column_stack([apply(place, picture.points[:, :2]), picture.points[:, 2] * np.hypot(*place[0, :2])])
        room = self._room
        if self._dressed:
            room = room.copy()
            dress(room, points[:, :2].astype(np.float32), np.random.default_rng(len(self._room)))
        size, mode = (SIDE, SIDE), cv2.BORDER_REPLICATE
        person = np.asarray(cv2.warpAffine(image, place, size, flags=cv2.INTER_LINEAR, borderMode=mode), np.uint8)
        if self._matted:
            matte, scale = fading(picture.matte.astype(np.float32) / 255), len(picture.matte) / len(image)
            to_matte = place.copy()
            to_matte[:, :2] /= np.float32(scale)
        else:
            matte, to_matte = fading(np.ones(image.shape[:2], np.float32)), place
        alpha = np.asarray(cv2.warpAffine(matte, to_matte, size, flags=cv2.INTER_LINEAR), np.float32)
        return blend(room, person, alpha), points.astype(np.float32)


def _to_and_fro(number: int, count: int) -> int:
    """Return the place of the n-th of `count` pictures that are played forwards, then backwards, and so on."""
    place = number % max(1, 2 * count - 2)
    return min(place, 2 * count - 2 - place) if count > 1 else 0


@dataclass(frozen=True)
class _Way:
    """How a head moves in the picture: slow sways, in pixels, radians and as the logarithm of the scale."""

    place: Floats  # (4,) shift in x and y, turn, scale
    reach: Floats  # (2, 4) of a slow and a quicker sway
    period: Floats  # (2, 4) frames
    phase: Floats  # (2, 4)

    @classmethod
    def draw(cls, random: Random) -> _Way:
        """Draw a way; some people hardly move."""
        lively = float(np.exp(random.normal(-0.6, 0.9)))
        reach = lively * np.array([[14, 8, 0.08, 0.05], [3, 2, 0.015, 0.008]]) * random.normal(0, 1, (2, 4))
        place = random.normal(0, 1, 4) * np.array([18, 12, 0.09, 0.09])
        period = random.uniform([[25] * 4, [7] * 4], [[90] * 4, [20] * 4])
        return cls(*(np.asarray(part, np.float32) for part in (place, reach, period, random.uniform(0, 6.3, (2, 4)))))

    def at(self, number: int) -> Affine:
        """Return what takes a person's picture (432 pixels) to the scene at a frame."""
        x, y, turn, scale = self.place + (self.reach * np.sin(2 * np.pi * number / self.period + self.phase)).sum(0)
        size = float(np.exp(scale))
        cos, sin = np.cos(turn) * size, np.sin(turn) * size
        linear = np.array([[cos, -sin], [sin, cos]])
        shift = np.array([SIDE / 2 + x, SIDE / 2 + y]) - linear @ np.array([216, 224])
        return np.column_stack([linear, shift]).astype(np.float32)
