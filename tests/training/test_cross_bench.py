from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="the depth of the landmarks is MediaPipe's: pip install 'livefill[mediapipe]'")

from livefill.capture import FileSource
from livefill.demo import demo_clip
from livefill.landmarker import FaceMesh
from livefill.sinks.file import VideoFileSink
from livefill.types import Frame
from training.benchmark import read_masks, write_masks
from training.covering import Wardrobe
from training.cross_bench import Clip, held, make, swapped, worn
from training.occluders.library import Sprite

FRAMES = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a benchmark: the bundled person, before whom a square is held."""
    path = tmp_path_factory.mktemp("bench") / "q01"
    path.mkdir()
    shutil.copy(demo_clip("demo_calibrate"), path / "calibrate.mp4")
    with FileSource(demo_clip("demo_calibrate")) as source:
        frames = [next(iter(source)) for _ in range(FRAMES)]
    with FaceMesh() as mesh:
        points = np.array([mesh.find(frame.image)[0][:, :2] for frame in frames])
    height, width = frames[0].image.shape[:2]
    masks = np.zeros((FRAMES, height, width), bool)
    x, y = points[0].mean(0).astype(int)
    masks[:, y : y + 60, x - 30 : x + 30] = True
    for name in ("clean", "occluded"):
        with VideoFileSink(path / f"{name}.mp4", (width, height), 30, crf=6) as sink:
            for number, frame in enumerate(frames):
                shown = np.where(masks[number][..., None] & (name == "occluded"), np.uint8(90), frame.image)
                sink.write(Frame(number, number / 30, shown))
    write_masks(path, masks)
    np.savez(path / "landmarks.npz", points=points)
    (path / "meta.json").write_text(json.dumps({"id": "q01", "fps": 30.0, "motion": "moving", "occluder": "square"}))
    return path


def test_what_is_borrowed_hides_what_it_hid_there(folder: Path) -> None:
    clip = Clip.read(folder)
    cover, motion = swapped(clip, folder)
    layer, alpha = cover(1)
    assert motion == "moving"
    assert ((alpha > 0.5) ^ read_masks(folder)[1]).sum() < 300  # but for its edge, from which one pixel is taken
    assert abs(layer[alpha > 0.9].astype(float) - 90).mean() < 6


def test_only_what_is_covered_changes_and_the_mask_says_so(folder: Path, tmp_path: Path) -> None:
    clip, out = Clip.read(folder), tmp_path / "q01_worn"
    make(clip, out, *worn(clip, "headset", 3), "worn")
    made = Clip.read(out, "occluded.mp4")
    changed = np.array([np.abs(a.astype(int) - b).max(-1) > 30 for a, b in zip(made.frames, clip.frames, strict=True)])
    mask = read_masks(out)
    assert mask.any((1, 2)).all()
    assert changed[mask].mean() > 0.5
    assert changed[~mask].mean() < 0.02
    assert made.about["occluder"] == "worn"
    assert made.about["motion"] == "worn"


def test_what_is_held_hides_enough_and_sways(folder: Path) -> None:
    sprite = Sprite(np.full((128, 128, 3), 40, np.uint8), np.ones((128, 128), np.float32), "shape")
    cover, _ = held(Clip.read(folder), Wardrobe([sprite]), np.random.default_rng(0))
    middles = [np.argwhere(cover(number)[1] > 0.5).mean(0) for number in (0, 20)]
    assert np.hypot(*(middles[0] - middles[1])) > 3
