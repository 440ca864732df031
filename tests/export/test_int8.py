from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the exporters need PyTorch: make training")

from export.generator import SEEN
from export.int8 import quantise, seen
from livefill.backends.engines import engine_path
from livefill.backends.onnx import OnnxNetwork

FRAMES = 3


@pytest.fixture(scope="module")
def whole() -> OnnxNetwork:
    return OnnxNetwork(engine_path("fast"), "generator", keys=("states",))


@pytest.fixture(scope="module")
def frames(whole: OnnxNetwork) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    sizes = {"crop": (256, 256, 3), "expected": (256, 256, 3), "mask": (256, 256), "drawing": (256, 256, 2)}
    smooth = {name: np.cumsum(random.integers(-2, 3, (FRAMES, *size)), 2) for name, size in sizes.items()}
    clip = {name: np.clip(120 + value, 0, 255).astype(np.uint8) for name, value in smooth.items()}
    clip["mask"] = np.uint8(255) * (clip["mask"] > 120)
    clip |= {f"bank_{name}": clip[name][:1] for name in ("crop", "drawing")}
    return list(seen([clip], whole, OnnxNetwork(engine_path("fast-bank"), "bank")))


def test_a_network_is_calibrated_on_what_it_is_handed_its_state_among_it(
    whole: OnnxNetwork, frames: list[Mapping[str, np.ndarray]]
) -> None:
    assert len(frames) == FRAMES
    assert set(frames[0]) == {*SEEN, *whole.states}
    assert {name: value.shape for name, value in frames[0].items() if name in whole.inputs} == {
        name: port.shape for name, port in whole.inputs.items()
    }
    assert not any(frames[0][name].any() for name in whole.states)
    stream = whole.stream()
    stream.run({name: frames[0][name] for name in SEEN})
    for name, value in stream.state().items():
        np.testing.assert_array_equal(frames[1][name], value)


def test_int8_is_small_and_nearly_the_same(
    whole: OnnxNetwork, frames: list[Mapping[str, np.ndarray]], tmp_path: Path
) -> None:
    source = engine_path("fast")
    quantise(source, tmp_path / "fast-int8.onnx", iter(frames))
    assert (tmp_path / "fast-int8.onnx").stat().st_size < 0.65 * source.stat().st_size
    network = OnnxNetwork(tmp_path / "fast-int8.onnx", "generator", keys=("states", "size"))
    assert network.device == "cpu, int8"
    assert network.contract == whole.contract | {"precision": "int8"}
    mine, theirs = network.stream(), whole.stream()
    apart = []
    for frame in frames:
        pictures = {name: frame[name] for name in SEEN}
        apart.append(np.abs(mine.run(pictures)["fill"] - theirs.run(pictures)["fill"]).mean())
    assert 0 < max(apart) < 0.02  # of full scale
