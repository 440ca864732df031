"""Show what a filled video looks like: for some frames, covered, filled, and the truth if it is known.

usage: python scripts/contact_sheet.py COVERED FILLED OUT.jpg [--truth CLEAN] [--frames 5] [--side 200]

The face is found in the filled video. Pictures of real people do not belong into the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from livefill.capture import FileSource
from livefill.detection import open_detector
from livefill.geometry import crop_transform
from livefill.sheet import write_picture
from livefill.types import RGB

ROOM = 0.6  # share of the picture that the face takes


def read(path: Path) -> list[RGB]:
    """Read a video."""
    with FileSource(path) as source:
        return [frame.image for frame in source]


def main() -> None:
    """Write the sheet: a row for each video, a column for each frame."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("covered", type=Path)
    parser.add_argument("filled", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--side", type=int, default=200, help="pixels of one picture")
    options = parser.parse_args()
    videos = [read(path) for path in (options.covered, options.filled, options.truth) if path is not None]
    detector = open_detector("observer", options.side)
    columns = []
    for number in np.linspace(0, len(videos[0]) - 1, options.frames + 2).astype(int)[1:-1]:
        faces = detector.find(videos[1][number])
        if not faces:
            raise SystemExit(f"no face is found in frame {number} of {options.filled}")
        to_picture = crop_transform(faces[0].points, options.side, face_share=ROOM)
        size = (options.side, options.side)
        columns.append(
            [np.asarray(cv2.warpAffine(v[number], to_picture, size, flags=cv2.INTER_AREA), np.uint8) for v in videos]
        )
    write_picture(options.out, list(zip(*columns, strict=True)))


if __name__ == "__main__":
    main()
