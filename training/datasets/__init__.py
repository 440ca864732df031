"""Public sets of face videos, as clips that are listed and read in one way; nothing is ever downloaded.

    clips = open_dataset("faceforensics++", "FaceForensics++", split="test", compression="c23")
    pictures = read_clip(clips[0], frames=32, size=128)   # uint8 RGB (32, 128, 128, 3)

Each loader's docstring says what must be obtained, from whom, and how it has to lie on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from livefill.errors import ConfigError
from training.datasets.celebvhq import celebv_hq
from training.datasets.clip import SPLITS, Clip, Dataset
from training.datasets.faceforensics import faceforensics, faceforensics_actors, faceforensics_pp
from training.datasets.folder import video_folder
from training.datasets.reading import Crop, FaceCrop, read_clip
from training.datasets.voxceleb2 import voxceleb2

__all__ = [
    "LOADERS",
    "SPLITS",
    "Clip",
    "Crop",
    "Dataset",
    "FaceCrop",
    "celebv_hq",
    "faceforensics",
    "faceforensics_actors",
    "faceforensics_pp",
    "open_dataset",
    "read_clip",
    "video_folder",
    "voxceleb2",
]

LOADERS: dict[str, Callable[..., Dataset]] = {
    "celebv-hq": celebv_hq,
    "faceforensics": faceforensics,
    "faceforensics++": faceforensics_pp,
    "faceforensics++ actors": faceforensics_actors,
    "folder": video_folder,
    "voxceleb2": voxceleb2,
}


def open_dataset(kind: str, root: Path | str, *, split: str | None = "train", **options: Any) -> Dataset:
    """List the clips of a data set: one split, or all of them with None. Clips are in the order of their names.

    `kind` is one of LOADERS, whose other arguments are the `options`. No video is decoded; what is left out is counted
    in `Dataset.left_out`, and said. Raises `ConfigError` for an unknown kind or split, and when there is nothing to
    list: the message says what must be obtained, and from whom.
    """
    if kind not in LOADERS:
        raise ConfigError(f"unknown data set {kind!r}: choose one of {', '.join(LOADERS)}.")
    dataset = LOADERS[kind](Path(root), **options)
    chosen = dataset if split is None else dataset.only(split)
    if chosen.left_out:
        print(f"{kind}: {len(chosen)} clips in {root}{chosen.missing()}", flush=True)
    return chosen
