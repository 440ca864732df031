"""Make drawn people look up and down: turn the picture of a face in depth, and ask the teacher anew.

Drawn people hold their heads as in portraits: nine in ten of 6,700 are pitched by 0 to 16 degrees, where people in
calls look at the ceiling and at their keyboard. The teacher's landmarks have a depth; turned, they say where each part
of the face comes to lie, and the picture is laid there. What was hidden before is smeared, but head and face are where
they would be, and the teacher agrees (.01 to .04 eye distances).

    python -m training.faces.nodded PICTURES LABELS.npz OUT --seed 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livefill.geometry import grid
from livefill.types import RGB, Points
from livefill.warp import Warp
from training.faces.bent import looked_up
from training.faces.labels import label
from training.faces.pictures import read_picture, write_picture

__all__ = ["NODDED", "nod_people", "nodded", "nodded_name", "turned_landmarks"]

Floats = NDArray[np.float32]
NODDED = 100  # is added to a picture's number
SHARE = 0.25  # of the pictures that are nodded
STEP = 4  # pixels between two nodes of the field
UP, DOWN, OFTEN = (-52.0, -12.0), (12.0, 35.0), 0.6  # degrees by which a head is pitched further; how often up
ASIDE = 10.0  # and turned (standard deviation)


def turned_landmarks(points: Floats, *, pitch: float, yaw: float) -> Floats:
    """Return landmarks (468, 3), y down and z away, of the head pitched (up is negative) and turned by degrees."""
    down, side = np.radians(pitch), np.radians(yaw)
    nod = np.array([[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]])
    turn = np.array([[np.cos(side), 0, -np.sin(side)], [0, 1, 0], [np.sin(side), 0, np.cos(side)]])
    middle = points.mean(0)
    return np.asarray((points - middle) @ (nod @ turn).T + middle, np.float32)


def nodded(image: RGB, points: Points, there: Points) -> RGB:
    """Lay a picture (h, w, 3) whose landmarks (468, 2) are `points` onto landmarks `there`."""
    height, width = image.shape[:2]
    look = Warp.of(points).lookup(there, grid((-(-height // STEP) + 1, -(-width // STEP) + 1), STEP))
    return looked_up(image, look, STEP)


def nodded_name(name: str) -> str:
    """Return the name of the nodded picture: another of the same person."""
    kind, person, number = Path(name).stem.split("_")
    return f"{kind}_{person}_{int(number) + NODDED}.jpg"


def nod_people(pictures: Path, labels: Path, out: Path, *, seed: int, share: float = SHARE) -> None:
    """Nod a `share` of the labelled pictures of a folder, but for those that are nodded, into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with np.load(labels) as stored:
        names, points = [str(name) for name in stored["names"]], stored["points"].astype(np.float32)
    for name, shape in zip(names, points, strict=True):
        _, person, number = (int(part) if part.isdigit() else 0 for part in Path(name).stem.split("_"))
        random = np.random.default_rng([seed, person, number])
        if number >= NODDED or random.random() >= share or (path := out / nodded_name(name)).exists():
            continue
        image = read_picture(pictures / name)
        pitch = random.uniform(*(UP if random.random() < OFTEN else DOWN))
        there = turned_landmarks(shape, pitch=pitch, yaw=random.normal(0, ASIDE))
        write_picture(path, nodded(image, shape[:, :2], there[:, :2]))


def main() -> None:
    """Nod a folder's people, and label them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=SHARE, help="of the pictures that are nodded")
    options = parser.parse_args()
    nod_people(options.pictures, options.labels, options.out, seed=options.seed, share=options.share)
    count, lean = label(options.out, options.out / "labels.npz")
    print(f"{count} faces labelled; the teacher leans by {lean:.4f} eye distances")


if __name__ == "__main__":
    main()
