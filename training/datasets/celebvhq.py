"""CelebV-HQ (Zhu et al. 2022): short clips of many people's heads, cut from YouTube's videos."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from livefill.errors import ConfigError
from training.datasets.clip import Clip, Dataset, is_clip, listed, read_json, split_of

__all__ = ["celebv_hq"]

INFO = "celebvhq_info.json"
NAME = re.compile(r"([\w-]{11})_\d+")  # a YouTube id and the number of the clip
HINT = (
    "Of CelebV-HQ, the authors' repository (github.com/CelebV-HQ/CelebV-HQ) lists YouTube ids, times and boxes in "
    f"{INFO}; the videos are fetched and cut by whoever uses them, nothing is downloaded here. "
    f"Expected: ROOT/{INFO}, and clips named by YouTube id and number, such as M2Ohb0FAaJU_1.mp4, anywhere below ROOT."
)


def celebv_hq(root: Path, *, info: Path | None = None, val: float = 0.05, test: float = 0.05) -> Dataset:
    """List the clips of CelebV-HQ, which the user has cut with the authors' script or with something like it.

    The list of YouTube ids, times and boxes is in the authors' repository; the videos are fetched by the user. The
    clips are looked for anywhere below `root` by their names (YouTube id, underscore, number), so that the authors'
    processed/ and their sorting by emotion both do; whole videos beside them do no harm. `info` is the table, by
    default celebvhq_info.json in `root` or the folder above; without it the YouTube id is taken from the name.

    The splits are drawn by the YouTube id, in the shares `val` and `test`: the authors give none. The identity is that
    id. The table does not say who is shown: one person's videos may lie in two splits, one video's clips never.
    Raises `ConfigError` when there is no clip, or the table is broken.
    """
    there = [path for path in root.rglob("*") if path.is_file() and is_clip(path) and not path.name.startswith(".")]
    table = info or next((path for path in (root / INFO, root.parent / INFO) if path.is_file()), None)
    left_out: Counter[str] = Counter()
    if table is None:
        origins = {path.stem: match[1] for path in there if (match := NAME.fullmatch(path.stem))}
    else:
        origins = _origins(table)
        left_out["named in the table but not there"] = len(origins.keys() - {path.stem for path in there})
    clips = [
        Clip(path.stem, path, origin, split_of(origin, val=val, test=test))
        for path in there
        if (origin := origins.get(path.stem)) is not None
    ]
    left_out["that are no clips of it"] = len(there) - len(clips)
    return listed(root, clips, left_out, HINT)


def _origins(table: Path) -> dict[str, str]:
    """Return each clip's YouTube id."""
    try:
        return {str(name): str(clip["ytb_id"]) for name, clip in read_json(table)["clips"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ConfigError(f'{table} must hold "clips", each with its "ytb_id". {HINT}') from error
