from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs PyTorch")

from training.ablate import result, rows, table
from training.train import PARTS


def test_every_part_is_left_out_once() -> None:
    assert list(rows().values()) == [(), *((part,) for part in PARTS)]


def test_the_last_exam_of_a_finished_run_counts(tmp_path: Path) -> None:
    lines = [
        {"step": 50, "hole": 0.1},
        {"step": 100, "psnr": 20.0},
        {"step": 150, "hole": 0.1},
        {"step": 180, "psnr": 21.0},
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert result(tmp_path) is None  # it may still be running
    (tmp_path / "done").touch()
    assert result(tmp_path) == {"step": 180, "psnr": 21.0}


def test_the_table_has_a_row_for_each() -> None:
    shown = table(
        {
            "everything": {"step": 10, "psnr": 21.234, "ssim": 0.8},
            "without shift": {"step": 12, "psnr": 20, "ssim": 0.7},
        }
    )
    assert shown.splitlines()[0] == "| | batches | psnr | ssim |"
    assert shown.splitlines()[-1] == "| without shift | 12 | 20 | 0.7 |"
