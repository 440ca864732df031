"""Landmarks and masks of a video, frame by frame, in a file for NumPy."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from livefill import interrupt
from livefill.app import check_file
from livefill.capture import FileSource
from livefill.config import DEFAULT_TRACKER
from livefill.errors import ConfigError
from livefill.hindsight import Hindsight
from livefill.profile import Profile
from livefill.tracking import open_tracker
from livefill.tracking.corrected import CorrectedTracker

__all__ = ["FORMATS", "track_file"]

FORMATS = (".npz",)


def track_file(
    source_path: Path, out: Path, profile: Profile | None, *, tracker: str = DEFAULT_TRACKER, offline: bool = False
) -> int:
    """Write the landmarks and masks of a video as .npz; return the number of frames. `offline` as in `fill_file`."""
    check_file(source_path, out, formats=FORMATS)
    points, scores, masks = [], [], []
    shape: tuple[int, ...] = ()
    video = FileSource(source_path)
    hindsight = Hindsight(video) if offline else None
    with hindsight or video as source:
        seer = open_tracker(tracker, profile)
        if hindsight is not None:
            seer = hindsight.of(seer)
        if tracker == "observer" and profile is not None and profile.bias is not None:
            seer = CorrectedTracker(seer, profile.bias)
        try:
            for frame in source:
                interrupt.check()
                track = seer.track(frame)
                shape = frame.image.shape[:2]
                points.append(np.full((468, 2), np.nan, np.float32) if track is None else track.landmarks)
                scores.append(0.0 if track is None else track.score)
                mask = np.zeros(shape, bool) if track is None else track.occluder > 0.4
                masks.append(zlib.compress(np.packbits(mask, axis=-1).tobytes(), 1))  # most of it is empty
        finally:
            seer.close()
    draft = out.with_name(f".{out.name}.part")
    try:
        with draft.open("wb") as file:
            np.savez_compressed(
                file,
                points=np.stack(points).astype(np.float32),
                score=np.array(scores, np.float32),
                shape=np.array([len(masks), *shape]),
            )
        with (
            zipfile.ZipFile(draft, "a", zipfile.ZIP_DEFLATED) as tracks,
            tracks.open("mask.npy", "w", force_zip64=True) as file,
        ):
            _write_masks(file, map(zlib.decompress, masks), (len(masks), shape[0], -(-shape[1] // 8)))
        draft.replace(out)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    return len(masks)


def _write_masks(file: IO[bytes], masks: Iterable[bytes], shape: tuple[int, int, int]) -> None:
    """Write packed masks as one .npy, one after the other: together they may not fit into memory."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})  # type: ignore[no-untyped-call]
    for mask in masks:
        file.write(mask)
