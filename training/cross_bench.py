"""Cover the people of a benchmark with other things than it does: an exam on which nothing was chosen.

    python -m training.cross_bench BENCH OUT [--seed 1] [--only p03 ...]

BENCH holds clips as `training.evaluate` reads them. For each, OUT gets three more of the same person and frames:
NAME_swap, before whom the thing of another clip moves, NAME_worn, who wears something, and NAME_held, before whom
something is held, both drawn. Score them with `python -m training.evaluate OUT`. What is there already is kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.capture import FileSource
from livefill.geometry import eye_distance, face_hull, fill_polygon, similarity
from livefill.landmarker import FaceMesh
from livefill.sinks.file import VideoFileSink
from livefill.types import RGB, Frame
from training.benchmark import clips_of, read_masks, read_points, write_masks
from training.covering import Thing, Wardrobe, Worn, blend
from training.occluders.library import build

__all__ = ["Clip", "Cover", "held", "main", "make", "swapped", "worn"]

WEARS = ("headset", "scarf", "oxygen", "eyepatch", "headset", "boom")  # one person after the other
SPRITES = 60
SHARE = (0.12, 0.5)  # of the face that a held thing hides at first
FURTHER = 5  # clips to the one whose thing is borrowed
SWAY, SWING = (0.12, 0.15), 0.08  # eye distances and radians that a held thing moves
Floats = NDArray[np.float32]
Cover = Callable[[int], tuple[RGB, Floats]]  # of a frame: the picture that is laid over it, and its alpha


@dataclass(frozen=True)
class Clip:
    """A clip of a benchmark in memory."""

    folder: Path
    frames: list[RGB]  # without a cover
    points: Floats  # (n, 468, 2)

    @classmethod
    def read(cls, folder: Path, video: str = "clean.mp4") -> Clip:
        """Read its clean frames, or another video of it."""
        with FileSource(folder / video) as source:
            return cls(folder, [frame.image for frame in source], read_points(folder))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.frames[0].shape[:2]
        return width, height

    @property
    def about(self) -> dict[str, object]:
        """What meta.json says."""
        return dict(json.loads((self.folder / "meta.json").read_text()))


def swapped(clip: Clip, other: Path) -> tuple[Cover, str]:
    """Return what covers another clip's person, laid over this one, and how it moves."""
    lender, masks = Clip.read(other, "occluded.mp4"), read_masks(other)
    motion = str(lender.about["motion"])

    def cover(number: int) -> tuple[RGB, Floats]:
        there = min(number, len(lender.frames) - 1)
        first = (0, 0) if motion != "worn" else (there, number)  # what is worn goes with the face
        place = similarity(lender.points[first[0]], clip.points[first[1]])
        alpha = cv2.erode(masks[there].astype(np.float32), np.ones((3, 3), np.uint8))  # nothing of the other face
        layer = cv2.warpAffine(lender.frames[there], place, clip.size, borderMode=cv2.BORDER_REPLICATE)
        soft = cv2.warpAffine(cv2.GaussianBlur(alpha, (0, 0), 0.8), place, clip.size)
        return np.asarray(layer, np.uint8), np.asarray(soft, np.float32)

    return cover, motion


def worn(clip: Clip, kind: str, style: int) -> tuple[Cover, str]:
    """Return something worn, on MediaPipe's landmarks for their depth."""
    thing, points = Worn(kind, style), _with_depth(clip)
    return lambda number: thing.lay(points[number], clip.size), "worn"


def held(clip: Clip, wardrobe: Wardrobe, random: np.random.Generator) -> tuple[Cover, str]:
    """Return something held before the face, that sways."""
    first = np.concatenate([clip.points[0], np.zeros((len(clip.points[0]), 1), np.float32)], axis=1)
    thing, unit = _hiding(clip, first, wardrobe, random), eye_distance(clip.points[0])
    phase = random.uniform(0, 2 * np.pi, 3)

    def cover(number: int) -> tuple[RGB, Floats]:
        x, y, turn = np.sin(np.array([2.0, 1.6, 1.3]) * number / 30 + phase)
        return thing.lay(first, clip.size, shift=(unit * SWAY[0] * x, unit * SWAY[1] * y), turn=SWING * turn)

    return cover, "moving"


def _hiding(clip: Clip, points: Floats, wardrobe: Wardrobe, random: np.random.Generator) -> Thing:
    """Pick something that hides neither hardly anything nor nearly all of the face."""
    face = fill_polygon((clip.size[1], clip.size[0]), face_hull(clip.points[0]))
    while True:
        thing = wardrobe.pick(clip.frames[0], points, random)
        share = float((thing.lay(points, clip.size)[1] * face).sum()) / float(face.sum())
        if not isinstance(thing, Worn) and SHARE[0] < share < SHARE[1]:
            return thing


def _with_depth(clip: Clip) -> list[Floats]:
    depth, points = np.zeros((len(clip.points[0]), 1), np.float32), []
    with FaceMesh() as mesh:
        for image, flat in zip(clip.frames, clip.points, strict=True):
            depth = next((found[:, 2:] for found in mesh.find(image)), depth)
            points.append(np.concatenate([flat, depth], axis=1))
    return points


def make(clip: Clip, out: Path, cover: Cover, motion: str, kind: str) -> None:
    """Write a clip with a cover laid over every frame."""
    draft = out.with_name(f".{out.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in ("calibrate.mp4", "clean.mp4", "landmarks.npz"):
        shutil.copy(clip.folder / name, draft / name)
    rate, masks = float(str(clip.about["fps"])), []
    with VideoFileSink(draft / "occluded.mp4", clip.size, rate, crf=14, audio_from=draft / "clean.mp4") as sink:
        for number, image in enumerate(clip.frames):
            layer, alpha = cover(number)
            masks.append(alpha > 0.5)
            sink.write(Frame(number, number / rate, blend(image, layer, alpha)))
    write_masks(draft, np.array(masks))
    (draft / "meta.json").write_text(json.dumps(clip.about | {"id": out.name, "motion": motion, "occluder": kind}))
    draft.rename(out)


def _cover_one(number: int, folders: list[Path], out: Path, seed: int) -> str:
    cv2.setNumThreads(1)
    clip, random = Clip.read(folders[number]), np.random.default_rng([seed, number])
    covers: dict[str, Callable[[], tuple[Cover, str]]] = {
        "swap": lambda: swapped(clip, folders[(number + FURTHER) % len(folders)]),
        "worn": lambda: worn(clip, WEARS[number % len(WEARS)], 1000 * seed + number),
        "held": lambda: held(clip, Wardrobe.open(out / "sprites"), random),
    }
    for kind, prepare in covers.items():
        path = out / f"{clip.folder.name}_{kind}"
        if not path.exists():
            make(clip, path, *prepare(), kind)
    return clip.folder.name


def main() -> None:
    """Cover all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="clips to cover, by name")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    folders = clips_of(options.bench)
    for _ in build(options.out / "sprites", count=SPRITES, seed=options.seed, jobs=options.jobs):
        pass
    chosen = [n for n, path in enumerate(folders) if not options.only or path.name in options.only]
    task = partial(_cover_one, folders=folders, out=options.out, seed=options.seed)
    with ProcessPoolExecutor(options.jobs) as pool:
        for done, name in enumerate(pool.map(task, chosen), 1):
            print(f"{done} of {len(chosen)}: {name}", flush=True)


if __name__ == "__main__":
    main()
