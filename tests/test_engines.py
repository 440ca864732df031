"""What ships is what the manifest says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx
import pytest

from livefill.config import MODELS

FOLDER = Path(__file__).parents[1] / "engines"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())


def test_every_network_is_listed() -> None:
    assert sorted(MANIFEST) == sorted(path.name for path in FOLDER.glob("*.onnx"))


@pytest.mark.parametrize("name", MANIFEST)
def test_the_digest_is_that_of_the_file(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    assert MANIFEST[name]["sha256"] == hashlib.sha256(data).hexdigest(), f"run: python -m export.manifest ({name})"
    assert MANIFEST[name]["bytes"] == len(data) < 15e6


@pytest.mark.parametrize("name", MANIFEST)
def test_the_contract_is_the_file_s_own(name: str) -> None:
    props = {entry.key: entry.value for entry in onnx.load(FOLDER / name).metadata_props}
    said = {key: value for key, value in MANIFEST[name].items() if key not in ("sha256", "bytes", "scores")}
    assert {"kind", "contract"} <= set(said)
    assert said == {key: props[f"livefill.{key}"] for key in said}


@pytest.mark.parametrize("model", MODELS)
def test_the_generators_were_scored(model: str) -> None:
    scores = MANIFEST[f"{model}.onnx"]["scores"]
    assert {"psnr", "ssim", "lpips", "flicker", "kept"} <= set(scores["live"])
    assert set(scores) == {"live", "oracle"}
