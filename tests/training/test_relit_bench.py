from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from livefill.app import calibrate
from livefill.capture import FileSource
from livefill.demo import demo_clip
from livefill.errors import CalibrationError
from livefill.sinks.file import VideoFileSink
from training.relit_bench import relight

FRAMES = 6


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """As much of a benchmark's clip as is looked at: a short calibration of the bundled person."""
    folder = tmp_path / "q01"
    folder.mkdir()
    with FileSource(demo_clip("demo_calibrate")) as source:
        frames = [frame for _, frame in zip(range(FRAMES), source, strict=False)]
    height, width = frames[0].image.shape[:2]
    with VideoFileSink(folder / "calibrate.mp4", (width, height), 30) as sink:
        for frame in frames:
            sink.write(frame)
    shutil.copy(folder / "calibrate.mp4", folder / "clean.mp4")
    (folder / "meta.json").write_text(json.dumps({"id": "q01", "fps": 30.0}))
    return folder


def first(path: Path) -> NDArray[np.float64]:
    with FileSource(path) as source:
        return next(iter(source)).image.astype(np.float64)


def test_only_the_calibration_is_in_another_light_and_it_serves(clip: Path) -> None:
    out = clip.parent / "relit"
    relight(clip, out, np.random.default_rng(1))
    assert (out / "clean.mp4").read_bytes() == (clip / "clean.mp4").read_bytes()
    assert np.abs(first(out / "calibrate.mp4") - first(clip / "calibrate.mp4")).mean() > 3
    with FileSource(out / "calibrate.mp4") as source:
        assert calibrate(source, "q01")[0].pictures
    assert sorted(path.name for path in clip.parent.iterdir()) == ["q01", "relit"]


def test_the_same_seed_gives_the_same_light(clip: Path) -> None:
    one, other = (relight(clip, clip.parent / name, np.random.default_rng(3)) for name in "ab")
    assert one == other


def test_a_clip_that_never_serves_is_an_error(clip: Path) -> None:
    with FileSource(clip / "calibrate.mp4") as source:
        dark = [frame for _, frame in zip(range(2), source, strict=False)]
    height, width = dark[0].image.shape[:2]
    with VideoFileSink(clip / "calibrate.mp4", (width, height), 30) as sink:
        for frame in dark:
            frame.image[:] = 0
            sink.write(frame)
    with pytest.raises(CalibrationError, match="none of 20 lights"):
        relight(clip, clip.parent / "relit", np.random.default_rng(1))
