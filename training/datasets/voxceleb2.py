"""VoxCeleb2 (Chung et al. 2018): faces that talk in interviews, already cut out, by person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from training.datasets.clip import Clip, Dataset, child, entries, is_clip, listed, split_of

__all__ = ["voxceleb2"]

PERSON = re.compile(r"id\d+")
HINT = (
    "VoxCeleb2 is given out by the Visual Geometry Group of the University of Oxford "
    "(robots.ox.ac.uk/~vgg/data/voxceleb) on request by its form; nothing is downloaded here. "
    "Expected: ROOT/dev/mp4/idNNNNN/VIDEO/NNNNN.mp4 and ROOT/test/mp4/idNNNNN/VIDEO/NNNNN.mp4."
)


def voxceleb2(root: Path, *, val: float = 0.05) -> Dataset:
    """List the clips of VoxCeleb2's faces.

    To be requested by a form of the Visual Geometry Group in Oxford. Expected are dev/mp4/idNNNNN/VIDEO/NNNNN.mp4 and
    the same under test/; also dev/ and test/ without mp4/ between. One of the two is enough.

    The identity is the person's number. The official test is test; the share `val` of the persons of dev is val, drawn
    by the number, and the others are train. Clip names are idNNNNN/VIDEO/NNNNN. Raises `ConfigError` when there is no
    clip.
    """
    left_out: Counter[str] = Counter()
    clips = []
    for part in ("dev", "test"):
        for person, path in _utterances(root, part, left_out):
            split = "test" if part == "test" else split_of(person, val=val, test=0)
            clips.append(Clip(f"{person}/{path.parent.name}/{path.stem}", path, person, split))
    return listed(root, clips, left_out, HINT)


def _utterances(root: Path, part: str, left_out: Counter[str]) -> Iterator[tuple[str, Path]]:
    """Give the person and the file of every clip."""
    folder = child(root, part)
    if folder is None:
        return
    for person in entries(child(folder, "mp4") or folder, HINT):
        if not person.is_dir() or not PERSON.fullmatch(person.name):
            left_out["beside the persons' folders"] += 1
            continue
        for path in sorted(person.glob("*/*")):
            if is_clip(path):
                yield person.name, path
            else:
                left_out["that are no videos"] += 1
