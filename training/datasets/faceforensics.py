"""FaceForensics and FaceForensics++ (Roessler et al. 2018, 2019): people who talk to a camera, from YouTube."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livefill.errors import ConfigError
from training.datasets.clip import SPLITS, Clip, Dataset, child, found, listed, read_json, split_of

__all__ = ["COMPRESSIONS", "faceforensics", "faceforensics_actors", "faceforensics_pp"]

COMPRESSIONS = {"raw": ("raw", "c0"), "c23": ("c23",), "c40": ("c40",)}  # and how their folders may be called
YOUTUBE = re.compile(r"([\w-]{11})_\d+(_|$)")  # a YouTube id, the number of the sequence, perhaps the other video's
OLD_HINT = (
    "FaceForensics (2018) is given out by the Visual Computing Group of TU Munich (niessnerlab.org) to those who "
    "signed its form; nothing is downloaded here. Expected: ROOT/{train,val,test}/original/*.avi, or as LGTSM's "
    "authors lay it out, ROOT/{Train,Test}/videos/."
)
HINT = (
    "FaceForensics++ is given out by the Visual Computing Group of TU Munich (niessnerlab.org) to those who filled in "
    "its form, the splits lie in dataset/splits of github.com/ondyari/FaceForensics; nothing is downloaded here. "
    "Expected: ROOT/original_sequences/youtube/{raw,c23,c40}/videos/NNN.mp4, ROOT/splits/{train,val,test}.json, and "
    "the actors' under ROOT/original_sequences/actors/."
)


def faceforensics(root: Path) -> Dataset:
    """List the originals of FaceForensics, the set of 2018, of which LGTSM uses 128 x 128 pixels.

    To be obtained by signing a form of the Visual Computing Group of TU Munich. Two layouts are taken, in capitals or
    not: {train,val,test}/original/*.avi as it is given out, one `root` for each compression, and {Train,Test}/videos/
    as LGTSM's authors lay it out, which has no val. Folders of pictures do as well. What is altered is never listed.

    The identity is the YouTube id with which a name begins, the whole name where it begins with none. In the
    self-reenactment part that is the only id in the name; in the source-to-target part a second one follows, which is
    not looked at. Raises `ConfigError` when nothing of that is there.
    """
    left_out: Counter[str] = Counter()
    clips = []
    for split in SPLITS:
        part = child(root, split)
        folder = None if part is None else child(part, "original", "videos")
        for path in [] if folder is None else found(folder, left_out, OLD_HINT):
            match = YOUTUBE.match(path.stem)
            clips.append(Clip(path.stem, path, match[1] if match else path.stem, split))
    return listed(root, clips, left_out, OLD_HINT)


def faceforensics_pp(root: Path, *, compression: str = "c23", splits: Path | None = None) -> Dataset:
    """List the originals of FaceForensics++ in one compression: raw, c23 or c40. What is manipulated is never listed.

    To be obtained by filling in a form of the Visual Computing Group of TU Munich. Expected are
    original_sequences/youtube/COMPRESSION/videos/NNN.mp4, or images/NNN/ for the extracted frames where there are no
    videos; also original_sequences/COMPRESSION/, as it was before the actors came, and c0 for raw. `splits` is the
    folder of the official train.json, val.json and test.json, pairs of ids; it is looked for under splits/,
    dataset/splits/ and in `root` itself.

    The identity is the sequence's id. With the conversion_dict.json of the authors' repository in `root` or beside the
    splits it is the YouTube id: the official splits share some videos (982 and 983 are cut from one, 982 alone is in
    val), which are then left out of the earlier split. Nobody says whether two videos show one person.

    Raises `ConfigError` for an unknown compression and when something of that is missing.
    """
    left_out: Counter[str] = Counter()
    folder = _sequences(root, ("youtube", "."), compression)
    sequences = {path.stem: path for path in found(folder, left_out, HINT)}
    table = splits or _splits(root)
    videos = _videos(root, table)
    clips = []
    named = set()
    for split in SPLITS:
        for name in _ids(table / f"{split}.json"):
            named.add(name)
            if name in sequences:
                clips.append(Clip(name, sequences[name], videos.get(name, name), split))
            else:
                left_out["named in a split but not there"] += 1
    left_out["in no split"] += len(sequences.keys() - named)
    return listed(root, clips, left_out, HINT)


def faceforensics_actors(root: Path, *, compression: str = "c23", val: float = 0.15, test: float = 0.15) -> Dataset:
    """List the originals of the DeepFakeDetection set, which comes with FaceForensics++: paid actors in a few scenes.

    Expected is original_sequences/actors/COMPRESSION/videos/NN__SCENE.mp4, obtained as FaceForensics++ is. The official
    splits do not have them: they are drawn by the actor, NN, in the shares `val` and `test`. The identity is that
    number. Raises `ConfigError` for an unknown compression and when nothing is there.
    """
    left_out: Counter[str] = Counter()
    clips = []
    for path in found(_sequences(root, ("actors",), compression), left_out, HINT):
        actor = path.stem.split("__")[0]
        clips.append(Clip(path.stem, path, actor, split_of(actor, val=val, test=test)))
    return listed(root, clips, left_out, HINT)


def _sequences(root: Path, parts: tuple[str, ...], compression: str) -> Path:
    if compression not in COMPRESSIONS:
        raise ConfigError(f"unknown compression {compression!r}: choose one of {', '.join(COMPRESSIONS)}.")
    originals = root / "original_sequences"
    for part in parts:
        level = child(originals / part, *COMPRESSIONS[compression])
        if level is not None and (folder := child(level, "videos", "images")) is not None:
            return folder
    raise ConfigError(f"There is no folder {originals / parts[0] / compression / 'videos'}. {HINT}")


def _splits(root: Path) -> Path:
    for folder in (root / "splits", root / "dataset" / "splits", root):
        if all((folder / f"{split}.json").is_file() for split in SPLITS):
            return folder
    raise ConfigError(f"The official splits train.json, val.json, test.json are not in {root / 'splits'}. {HINT}")


def _ids(path: Path) -> Iterator[str]:
    pairs = read_json(path)
    if not isinstance(pairs, list) or not all(isinstance(pair, list) for pair in pairs):
        raise ConfigError(f'{path} must be a list of pairs of ids, such as [["071", "054"]].')
    return (f"{name:0>3}" for name in sorted({str(name) for pair in pairs for name in pair}))


def _videos(root: Path, splits: Path) -> dict[str, str]:
    """Return the YouTube id of each sequence, nothing where the authors' table is not at hand."""
    paths = [folder / "conversion_dict.json" for folder in (root, splits, splits.parent)]
    table: Any = next((read_json(path) for path in paths if path.is_file()), {})
    if not isinstance(table, dict):
        raise ConfigError(
            'conversion_dict.json must tell where each sequence is from, such as {"964": "z3YPGJokEno 0"}.'
        )
    return {str(name): str(origin).split(" ")[0] for name, origin in table.items()}
