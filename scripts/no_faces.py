"""Show the tracker pictures without a face, and count how often it sees one.

usage: python scripts/no_faces.py [--count 200] [--seed 1] [--sheet OUT.png]

The pictures are drawn: textures, rooms, and rooms with hands and other things in them. Each is shown for a few frames,
as a camera would.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (1280, 720)
FRAMES = 6  # of each picture


def picture(number: int, seed: int) -> NDArray[np.uint8]:
    """Draw a picture without a face: every third one has hands or things in it."""
    from training.backgrounds import background
    from training.occluders.library import KINDS, draw

    random = np.random.default_rng([seed, number])
    image = cv2.resize(background((SIZE[0] // 2, SIZE[1] // 2), random), SIZE, interpolation=cv2.INTER_LINEAR)
    for _ in range(int(random.integers(1, 4)) if number % 3 == 0 else 0):
        kind = "hand" if random.random() < 0.6 else str(random.choice(KINDS))
        sprite = draw(kind, random)
        scale = random.uniform(0.6, 2.4)
        place = np.array([[scale, 0, random.uniform(0, SIZE[0] - 200)], [0, scale, random.uniform(0, SIZE[1] - 200)]])
        layer = cv2.warpAffine(sprite.image, place, SIZE, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(sprite.alpha, place, SIZE)
        image = cv2.blendLinear(image, layer, 1 - alpha, alpha)
    return np.asarray(image, np.uint8)


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="write the pictures that were taken for a face")
    options = parser.parse_args()
    from livefill.tracking import ObserverTracker
    from livefill.types import Frame

    wrong = []
    for number in range(options.count):
        image = picture(number, options.seed)
        tracker = ObserverTracker()
        seen = [tracker.track(Frame(i, i / 30, image)) for i in range(FRAMES)]
        if any(track is not None for track in seen):
            wrong.append(image)
    sys.stdout.write(f"{len(wrong)} of {options.count} pictures without a face were taken for one\n")
    if options.sheet is not None and wrong:
        small = [cv2.resize(image, (320, 180), interpolation=cv2.INTER_AREA) for image in wrong[:30]]
        cv2.imwrite(str(options.sheet), np.vstack(small)[..., ::-1])


if __name__ == "__main__":
    main()
