"""Make all that the observer is trained on, from a seed, and show some of it.

    python -m training.observer.data DATA --seed 1 --people 1300 --sprites 1800
    python -m training.observer.data DATA --sheet sheet.png

DATA gets people/ (pictures, drawn, bent and nodded), people.npz (the teacher's landmarks, and mattes) and sprites/
(things to cover faces with). What is there already is kept, so it may be stopped and started again. With --pictures,
pictures that training.faces.people made before are taken instead of drawn.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from livefill.types import RGB
from training.faces.bent import bend_people
from training.faces.labels import label
from training.faces.mattes import mattes
from training.faces.nodded import nod_people
from training.observer.samples import SIZE, Sample, Studio
from training.occluders.library import build

__all__ = ["contact_sheet", "main", "make", "open_studio", "shown"]


def make(
    data: Path, *, people: int, sprites: int, seed: int, device: str, pictures: Path | None, cutouts: Path | None
) -> None:
    """Draw people and sprites into `data`, bend and nod the people, and label them."""
    folder, looks = data / "people", data / "looks.npz"
    folder.mkdir(parents=True, exist_ok=True)
    if pictures is None:
        command = [sys.executable, "-m", "training.faces.people", str(folder), "--no-labels"]
        subprocess.run([*command, "--people", str(people), "--seed", str(seed), "--device", device], check=True)
    else:
        for path in pictures.glob("*.jpg"):
            shutil.copy(path, folder / path.name)
    if not (data / "people.npz").exists():
        label(folder, looks)
        bend_people(folder, looks, folder, seed=seed)
        label(folder, looks)
        nod_people(folder, looks, folder, seed=seed)
        label(folder, looks)
        with np.load(looks) as stored:
            found = dict(stored)
        np.savez(data / "people.npz", **found, mattes=mattes(folder, map(str, found["names"])))
        looks.unlink()
    for done, count in build(data / "sprites", count=sprites, seed=seed, cutouts=cutouts):
        print(f"\r{done} of {count} sprites", end="", flush=True)
    print()


def open_studio(data: Path, *, part: str = "train") -> Studio:
    """Open what `make` has made."""
    return Studio.open(data / "people", data / "people.npz", data / "sprites", part=part)


def shown(sample: Sample) -> RGB:
    """Return crop, landmarks (green where visible), reference with the prior, and mask side by side."""
    seen, laid = sample.crop.copy(), sample.reference.copy()
    for (x, y), visible in zip((sample.points[:, :2] + 0.5) * SIZE, sample.visible, strict=True):
        cv2.circle(seen, (int(x), int(y)), 1, (0, 220, 0) if visible else (230, 0, 0), -1)
    for x, y in (sample.prior + 0.5) * SIZE if sample.known else ():
        cv2.circle(laid, (int(x), int(y)), 0, (240, 240, 0), -1)
    mask = cv2.cvtColor(cv2.resize(sample.mask, (SIZE, SIZE)), cv2.COLOR_GRAY2RGB)
    words = {1: "face", 0: "no face", -1: "?"}[int(sample.face)] + {1: "", 0: ", another's", -1: ""}[int(sample.same)]
    cv2.putText(mask, words, (5, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 60, 60), 1, cv2.LINE_AA)
    return np.hstack([sample.crop, seen, laid, np.asarray(mask, np.uint8)])


def contact_sheet(studio: Studio, *, rows: int = 10, columns: int = 2, seed: int = 0) -> RGB:
    """Return a picture of some samples."""
    random = np.random.default_rng(seed)
    return np.vstack([np.hstack([shown(studio.draw(random)) for _ in range(columns)]) for _ in range(rows)])


def main() -> None:
    """Make the data, or show it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--people", type=int, default=1300)
    parser.add_argument("--sprites", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cuda draws people on a GPU")
    parser.add_argument("--pictures", type=Path, help="pictures of synthetic people that are there already")
    parser.add_argument("--cutouts", type=Path, help="photographs of hands on black, to be used as well")
    parser.add_argument("--sheet", type=Path, help="only write a picture of samples")
    options = parser.parse_args()
    if options.sheet is None:
        make(
            options.data,
            people=options.people,
            sprites=options.sprites,
            seed=options.seed,
            device=options.device,
            pictures=options.pictures,
            cutouts=options.cutouts,
        )
        return
    sheet = contact_sheet(open_studio(options.data), seed=options.seed)
    cv2.imwrite(str(options.sheet), np.ascontiguousarray(sheet[..., ::-1]))


if __name__ == "__main__":
    main()
