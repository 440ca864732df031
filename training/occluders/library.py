"""A library of things that come before a face, drawn: hands, mugs, phones, and what else there is.

python -m training.occluders.library OUT --count 1500 --seed 1 [--cutouts DIR] [--sheet sheet.jpg]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from livefill.types import RGB, Mask
from training.occluders.cutouts import cutout, photographs
from training.occluders.flat import food, paper, shape, strands
from training.occluders.held import hand
from training.occluders.things import microphone, phone
from training.occluders.vessels import mug

__all__ = ["KINDS", "SHARES", "Sprite", "build", "draw", "load", "main"]

Draw = Callable[[np.random.Generator], tuple[RGB, Mask]]

_DRAW: dict[str, Draw] = {
    "hand": hand,
    "mug": mug,
    "phone": phone,
    "microphone": microphone,
    "paper": paper,
    "food": food,
    "strands": strands,
    "shape": shape,
}
KINDS = tuple(_DRAW)
SHARES = dict(zip(KINDS, (0.4, 0.12, 0.12, 0.08, 0.07, 0.06, 0.05, 0.1), strict=True))  # of a library
CUTOUTS = 0.55  # of the hands, where there are photographs


@dataclass(frozen=True)
class Sprite:
    """A thing cut out, upright as it would be held."""

    image: RGB  # (h, w, 3)
    alpha: Mask  # (h, w)
    kind: str  # one of KINDS


def draw(kind: str, random: np.random.Generator) -> Sprite:
    """Return a thing of this kind, at most 256 pixels wide and high; the same for the same state of `random`."""
    image, alpha = _DRAW[kind](random)
    return Sprite(image, alpha, kind)


def build(
    folder: Path, *, count: int, seed: int, cutouts: Path | None = None, jobs: int = 1
) -> Iterator[tuple[int, int]]:
    """Write `count` sprites as KIND_00012.png (RGBA) into `folder`, and give (done, count) after each.

    Files that exist are kept, so that it goes on where it was stopped. Each sprite depends on `seed`, its number, and
    whether there are photographs of hands in `cutouts`, on nothing else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    task = partial(_write, folder=folder, seed=seed, photos=photographs(cutouts) if cutouts else [])
    if jobs <= 1:
        for number in range(count):
            task(number)
            yield number + 1, count
        return
    with ProcessPoolExecutor(jobs) as pool:
        for done, _ in enumerate(pool.map(task, range(count), chunksize=4), 1):
            yield done, count


def load(folder: Path) -> list[Sprite]:
    """Return the sprites of a library, in the order of their files' names."""
    return [_read(path) for path in sorted(folder.glob("*_*.png"))]


def kind_of(number: int) -> str:
    """Return the kind of the sprite with this number: any run of numbers holds the kinds in their shares."""
    where = (number * 0.6180339887498949) % 1.0
    edges = np.cumsum(list(SHARES.values()))
    return KINDS[min(int(np.searchsorted(edges, where, side="right")), len(KINDS) - 1)]


def _write(number: int, *, folder: Path, seed: int, photos: list[Path]) -> None:
    kind = kind_of(number)
    path = folder / f"{kind}_{number:05d}.png"
    if path.exists():
        return
    random = np.random.default_rng((seed, number))
    if kind == "hand" and photos and random.random() < CUTOUTS:
        image, alpha = cutout(photos[int(random.integers(len(photos)))], random)
    else:
        image, alpha = _DRAW[kind](random)
    pixels = np.dstack([image[..., ::-1], np.rint(255 * alpha).astype(np.uint8)])
    unfinished = path.with_name(f".{path.name}")
    cv2.imwrite(str(unfinished), pixels)
    unfinished.replace(path)


def _read(path: Path) -> Sprite:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4:
        raise ValueError(f"{path} is not an RGBA picture: delete it and build the library again.")
    image = np.ascontiguousarray(pixels[..., 2::-1])
    return Sprite(image, np.asarray(pixels[..., 3] / np.float32(255), np.float32), path.name.rsplit("_", 1)[0])


def _sheet(folder: Path, *, columns: int = 16, rows: int = 10, side: int = 120) -> RGB:
    """Return a picture of the first sprites, before grey."""
    sheet = np.full((rows * side, columns * side, 3), 128, np.uint8)
    paths = sorted(folder.glob("*_*.png"), key=lambda path: path.stem.rsplit("_", 1)[1])
    for place, path in enumerate(islice(paths, rows * columns)):
        sprite = _read(path)
        scale = side / max(sprite.alpha.shape)
        alpha = np.asarray(cv2.resize(sprite.alpha, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        image = cv2.resize(sprite.image, alpha.shape[::-1], interpolation=cv2.INTER_AREA)
        y, x = side * (place // columns), side * (place % columns)
        tile = sheet[y : y + side, x : x + side][: alpha.shape[0], : alpha.shape[1]]
        cover = alpha[: tile.shape[0], : tile.shape[1], None]
        tile[:] = tile * (1 - cover) + image[: tile.shape[0], : tile.shape[1]] * cover
    return sheet


def main() -> None:
    """Build a library, and show how far it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder of the sprites")
    parser.add_argument("--count", type=int, default=1500, help="how many sprites")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--cutouts", type=Path, help="folder of photographs of hands on black, to be used as well")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--sheet", type=Path, help="also write a picture of the first sprites here")
    options = parser.parse_args()
    steps = build(options.output, count=options.count, seed=options.seed, cutouts=options.cutouts, jobs=options.jobs)
    for done, count in steps:
        if done % 25 == 0 or done == count:
            print(f"\r{done} of {count} sprites", end="", flush=True)
    print()
    if options.sheet:
        cv2.imwrite(str(options.sheet), np.ascontiguousarray(_sheet(options.output)[..., ::-1]))


if __name__ == "__main__":
    main()
