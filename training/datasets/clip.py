"""Clips of a data set, and what keeps its splits apart."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livefill.capture import PICTURES
from livefill.errors import ConfigError

__all__ = ["SPLITS", "Clip", "Dataset", "child", "entries", "found", "is_clip", "listed", "read_json", "split_of"]

SPLITS = ("train", "val", "test")
VIDEOS = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"}


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip as it lies on the disk; nothing of it is decoded yet."""

    name: str  # unique in its split
    path: Path  # a video, or a folder of pictures
    identity: str | None  # the person or the video that no two splits share; None where every clip counts as its own
    split: str  # one of SPLITS


@dataclass(frozen=True)
class Dataset:
    """Clips in the order of their names; iterate over it, take its length, index it."""

    clips: tuple[Clip, ...]
    left_out: Mapping[str, int]  # how many clips of the whole data set are not listed, by the reason
    hint: str  # what must be obtained, from whom, and how it is laid out

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __getitem__(self, index: int) -> Clip:
        return self.clips[index]

    def only(self, split: str) -> Dataset:
        """Return one split. Raises `ConfigError` for an unknown or an empty one."""
        if split not in SPLITS:
            raise ConfigError(f"unknown split {split!r}: choose one of {', '.join(SPLITS)}, or None for all.")
        clips = tuple(clip for clip in self.clips if clip.split == split)
        if not clips:
            raise ConfigError(f"There is no clip of the split {split!r}{self.missing()}. {self.hint}")
        return replace(self, clips=clips)

    def missing(self) -> str:
        """Return a remark on what was left out, or nothing."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items()) if count)
        return f" (left out: {reasons})" if reasons else ""


def listed(root: Path, clips: Iterable[Clip], left_out: Mapping[str, int], hint: str) -> Dataset:
    """Sort clips, and leave out empty files, second ones of a name, and whatever would leak from split to split.

    Whom test shows is taken out of val and train, whom val shows out of train. Raises `ConfigError` when none is left.
    """
    reasons = Counter(left_out)
    kept: dict[tuple[str, str], Clip] = {}
    for clip in sorted(clips, key=lambda clip: (clip.name, clip.path.as_posix())):
        if clip.path.is_file() and clip.path.stat().st_size == 0:
            reasons["without any bytes"] += 1
        elif kept.setdefault((clip.split, clip.name), clip) is not clip:
            reasons["of the same name as another"] += 1
    last: dict[str, int] = {}
    for clip in kept.values():
        if clip.identity is not None:
            last[clip.identity] = max(last.get(clip.identity, 0), SPLITS.index(clip.split))
    safe = [clip for clip in kept.values() if clip.identity is None or SPLITS[last[clip.identity]] == clip.split]
    reasons["of an identity that a later split shows"] += len(kept) - len(safe)
    dataset = Dataset(tuple(safe), +reasons, hint)
    if not safe:
        what = "clip in" if root.is_dir() else "folder"
        raise ConfigError(f"There is no {what} {root}{dataset.missing()}. {hint}")
    return dataset


def split_of(identity: str, *, val: float, test: float) -> str:
    """Draw the split of a person or a video: always the same one, whatever else there is.

    `val` and `test` are the shares of the identities that these splits get. Raises `ConfigError` for impossible ones.
    """
    if min(val, test) < 0 or val + test > 1:
        raise ConfigError(f"val={val} and test={test} must be shares: not negative, and at most 1 together.")
    place = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") / 2**64
    return "test" if place < test else "val" if place < test + val else "train"


def entries(folder: Path, hint: str) -> list[Path]:
    """Return what lies in a folder, sorted, without hidden files. Raises `ConfigError` when the folder is not there."""
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}. {hint}")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def child(folder: Path, *names: str) -> Path | None:
    """Return the first of these subfolders that is there, in capitals or not."""
    there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()} if folder.is_dir() else {}
    return next((there[name] for name in names if name in there), None)


def found(folder: Path, left_out: Counter[str], hint: str) -> Iterator[Path]:
    """Give the videos and the folders of pictures that lie in a folder; count what is neither."""
    for path in entries(folder, hint):
        if is_clip(path):
            yield path
        else:
            left_out["that are neither videos nor folders of pictures"] += 1


def is_clip(path: Path) -> bool:
    """Tell whether this is a video, or a folder with pictures, by the names."""
    if path.is_dir():
        return any(file.suffix.lower() in PICTURES and not file.name.startswith(".") for file in path.iterdir())
    return path.suffix.lower() in VIDEOS


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises `ConfigError` when it is not there or broken."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}.") from error
