"""Videos, or pictures in one folder per clip, of any origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from training.datasets.clip import SPLITS, Clip, Dataset, child, entries, found, listed, split_of

__all__ = ["video_folder"]

HINT = (
    "Expected: ROOT/*.mp4 (avi, m4v, mkv, mov, webm), or ROOT/CLIP/*.png (or other pictures), or the same in "
    "ROOT/train, ROOT/val and ROOT/test."
)


def video_folder(
    root: Path, *, identity: Callable[[str], str] | None = None, val: float = 0.05, test: float = 0.05
) -> Dataset:
    """List the videos and the folders of pictures that lie in a folder.

    Where there are folders called train, val or test, they are the splits; otherwise the splits are drawn in the shares
    `val` and `test`. `identity` takes a clip's name to the person or the video that it shows, so that those stay in one
    split; without it, every clip counts as its own. Raises `ConfigError` when there is no clip.
    """
    parts = {split: folder for split in SPLITS if (folder := child(root, split)) is not None}
    left_out: Counter[str] = Counter()
    clips = []
    for split, folder in parts.items() or [("", root)]:
        for path in found(folder, left_out, HINT):
            name = path.name if path.is_dir() else path.stem
            who = None if identity is None else identity(name)
            clips.append(Clip(name, path, who, split or split_of(who or name, val=val, test=test)))
    if parts:
        left_out["beside the folders of the splits"] = len(entries(root, HINT)) - len(parts)
    return listed(root, clips, left_out, HINT)
