"""What the manifest says of files that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from networks import CONTRACT, write

from export import manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two generators, and the scores of the second."""
    for name in ("fast", "hq"):
        write(tmp_path / f"{name}.onnx", CONTRACT)
    for mode in ("live", "oracle"):
        (tmp_path / f"{mode}.json").write_text(json.dumps({"model": "hq", "mean": {"psnr": 24.000049}}))
    return tmp_path


def told(folder: Path, monkeypatch: pytest.MonkeyPatch, *scores: str) -> dict[str, dict[str, object]]:
    files = ["--scores", *(str(folder / name) for name in scores)] if scores else []
    monkeypatch.setattr("sys.argv", ["manifest", "--folder", str(folder), *files])
    manifest.main()
    entries: dict[str, dict[str, object]] = json.loads((folder / "manifest.json").read_text())
    return entries


def test_scores_go_to_the_generator_that_they_are_of_and_stay_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = told(folder, monkeypatch, "live.json", "oracle.json")
    assert first["hq.onnx"]["scores"] == {"live": {"psnr": 24.0}, "oracle": {"psnr": 24.0}}
    assert "scores" not in first["fast.onnx"]
    assert told(folder, monkeypatch) == first
    write(folder / "hq.onnx", {**CONTRACT, "livefill.size": "8"})  # another file, which nobody has scored
    assert "scores" not in told(folder, monkeypatch)["hq.onnx"]


def test_scores_of_two_generators_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "live.json").write_text(json.dumps({"model": "fast", "mean": {}}))
    with pytest.raises(SystemExit):
        told(folder, monkeypatch, "live.json", "oracle.json")
    assert "scores of fast and hq" in capsys.readouterr().err
