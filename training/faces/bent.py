"""Bend pictures of people into people of other shapes, and ask the teacher anew.

Drawn people are more alike than people are: their faces are of middling width, and seen from some distance. Here each
person gets one bend, the same in all pictures: wider or longer, nearer to the lens, and smoothly other here and there.
It is cheaper than drawing, and what the teacher says of such a face is exact.

    python -m training.faces.bent PICTURES LABELS.npz OUT --seed 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import EYE_CORNERS, apply, grid, grow, invert
from livefill.types import RGB, Affine, Points
from training.faces.labels import label
from training.faces.pictures import read_picture, write_picture

__all__ = ["BENT", "Bend", "bend_people", "bent_name", "draw_bend", "looked_up"]

Floats = NDArray[np.float32]
BENT = 500_000  # is added to a person's number
STEP = 8  # pixels between two nodes of the field
BUMPS = 8


@dataclass(frozen=True)
class Bend:
    """A smooth map of the plane; lengths are in eye distances from the face's middle, upright."""

    linear: Floats  # (2, 2)
    near: float  # how much larger the middle is
    centers: Floats  # (BUMPS, 2)
    widths: Floats  # (BUMPS,)
    shifts: Floats  # (BUMPS, 2)

    def __call__(self, places: Floats) -> Floats:
        """Return where to look for what is to be seen at `places` (..., 2)."""
        radius = (places * places).sum(-1, keepdims=True)
        moved = places @ self.linear.T * (1 - self.near * np.exp(-radius / 1.2))
        away = ((places[..., None, :] - self.centers) ** 2).sum(-1) / (2 * self.widths**2)
        return np.asarray(moved + np.exp(-away) @ self.shifts, np.float32)


def draw_bend(random: np.random.Generator) -> Bend:
    """Draw one; the map stays one to one."""
    wide, long = np.exp(random.normal(0, 0.07, 2))
    linear = np.array([[wide, 0], [0, long]]) + random.normal(0, 0.015, (2, 2))
    return Bend(
        linear.astype(np.float32),
        float(random.normal(0, 0.08)),
        random.uniform(-1.3, 1.3, (BUMPS, 2)).astype(np.float32),
        random.uniform(0.35, 0.8, BUMPS).astype(np.float32),
        random.normal(0, 0.035, (BUMPS, 2)).astype(np.float32),
    )


def bent(image: RGB, points: Points, bend: Bend) -> RGB:
    """Bend a picture of the face whose landmarks (468, 2) are known."""
    upright = _upright(points)
    places = apply(upright, grid((-(-image.shape[0] // STEP) + 1, -(-image.shape[1] // STEP) + 1), STEP))
    back = apply(invert(upright), bend(places))
    return looked_up(image, back, STEP)


def looked_up(image: RGB, places: Floats, step: int) -> RGB:
    """Return a picture (h, w, 3) that shows at every `step`-th pixel what `image` has at `places`."""
    dense = grow(places, (0, 0, image.shape[1], image.shape[0]), step)
    seen = cv2.remap(image, dense[..., 0], dense[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(seen, np.uint8)


def _upright(points: Points) -> Affine:
    """Return what takes the picture to eye distances from the middle of an upright face."""
    right, left = points[EYE_CORNERS[0]], points[EYE_CORNERS[1]]
    along = (left - right) / float(((left - right) ** 2).sum())
    linear = np.array([[along[0], along[1]], [-along[1], along[0]]], np.float32)
    return np.column_stack([linear, -linear @ points.mean(0)]).astype(np.float32)


def bent_name(name: str) -> str:
    """Return the name of the bent picture."""
    kind, person, number = name.split("_")
    return f"{kind}_{int(person) + BENT:06d}_{number}"


def bend_people(pictures: Path, labels: Path, out: Path, *, seed: int) -> None:
    """Bend all labelled pictures of a folder, but for those that are bent, into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with np.load(labels) as stored:
        names, points = [str(name) for name in stored["names"]], stored["points"].astype(np.float32)
    for name, shape in zip(names, points, strict=True):
        if int(name.split("_")[1]) >= BENT or (path := out / bent_name(name)).exists():
            continue
        image = read_picture(pictures / name)
        bend = draw_bend(np.random.default_rng([seed, int(name.split("_")[1])]))
        write_picture(path, bent(image, shape[:, :2], bend))


def main() -> None:
    """Bend and label."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("labels", type=Path, help="of the pictures, as training.faces.labels writes them")
    parser.add_argument("out", type=Path, help="the folder for the pictures and labels.npz")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    bend_people(options.pictures, options.labels, options.out, seed=options.seed)
    count, lean = label(options.out, options.out / "labels.npz")
    print(f"{count} faces labelled; the teacher leans by {lean:.4f} eye distances")


if __name__ == "__main__":
    main()
