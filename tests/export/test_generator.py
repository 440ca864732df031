"""The generator's files: the same numbers as PyTorch's, step after step, in every runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="export needs PyTorch")

from export import generator as exporting  # noqa: E402
from livefill.backends.generator import KEYS, GeneratorSession  # noqa: E402
from livefill.backends.network import Network  # noqa: E402
from livefill.backends.runtimes import RUNTIMES, open_network  # noqa: E402
from livefill.errors import BackendError  # noqa: E402
from training.model import Config, Generator  # noqa: E402
from training.runs import store  # noqa: E402

SMALL = Config("small", size=64, fold=4, widths=(16, 16, 32), depths=(1, 1, 2), keys=8, references=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generator with random weights, exported."""
    torch.manual_seed(0)
    model = Generator(SMALL)
    for value in model.parameters():
        value.data = 0.1 * torch.randn_like(value)
    out = tmp_path_factory.mktemp("engines")
    store({"model": model.state_dict(), "step": 7}, out / "weights.pt")
    assert exporting.export(out / "weights.pt", SMALL, out) < exporting.TOLERANCE
    return out


@pytest.fixture
def model(folder: Path) -> Generator:
    model = Generator(SMALL)
    model.load_state_dict(torch.load(folder / "weights.pt", weights_only=True)["model"])
    return model.eval()


def test_a_file_with_other_weights_is_refused(folder: Path, model: Generator) -> None:
    model.exit.bias.data += 0.1
    with pytest.raises(ValueError, match="differs from PyTorch"):
        exporting.verify(model, folder)


def opened(folder: Path, part: str = "", runtime: str = "onnx") -> Network:
    path, keys = folder / f"small{part}.onnx", (*KEYS, *(() if part else ("states",)))
    return open_network("small", kind="bank" if part else "generator", keys=keys, runtime=runtime, path=path)


@torch.no_grad()
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_gives_what_pytorch_gives_over_many_steps(folder: Path, model: Generator, runtime: str) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="OpenVINO is not installed")
    network = opened(folder, runtime=runtime)
    tolerance = 0.05 if "bfloat16" in network.device else exporting.TOLERANCE
    stream, other = network.stream(), network.stream()
    deployed, random = exporting.Deployed(model), torch.Generator().manual_seed(3)
    past = model.initial_state()
    for step in range(exporting.STEPS):
        seen, _ = exporting._example(model, random)
        image, trust, *past = deployed(*seen, *past)
        inputs = dict(zip(exporting.SEEN, (part.numpy() for part in seen), strict=True))
        said = stream.run(inputs)
        if step % 5 == 0:
            other.run(inputs)  # another video, which may change nothing for this one
        assert set(said) == {"fill", "trust"}
        assert np.abs(image.numpy() - said["fill"]).mean() < tolerance / 4
        assert np.abs(image.numpy() - said["fill"]).max() < tolerance
        assert np.abs(trust.numpy() - said["trust"]).max() < tolerance
    assert stream.steps == exporting.STEPS


def session(folder: Path) -> GeneratorSession:
    return GeneratorSession(opened(folder), opened(folder, "-bank"))


def test_a_session_reads_all_it_needs_from_the_file(folder: Path) -> None:
    spec = session(folder).spec
    assert (spec.name, spec.size, spec.references) == ("small", SMALL.size, SMALL.references)
    assert 0.4 < spec.face_share < 0.8


@pytest.mark.parametrize("key", ["size", "face_share", "references", "states"])
def test_a_missing_key_is_named(folder: Path, tmp_path: Path, key: str) -> None:
    network = onnx.load(folder / "small.onnx")
    said = {entry.key: entry.value for entry in network.metadata_props if entry.key != f"livefill.{key}"}
    onnx.helper.set_model_props(network, said)
    onnx.save(network, tmp_path / "small.onnx")
    with pytest.raises(BackendError, match=rf"livefill\.{key} .*python -m export\.generator"):
        opened(tmp_path)


def test_the_state_is_handed_on(folder: Path) -> None:
    mine, random = session(folder), np.random.default_rng(0)
    side = SMALL.size
    shapes = {"crop": (side, side, 3), "expected": (side, side, 3), "drawing": (side, side, 2), "mask": (side, side)}
    inputs = {name: random.random(shape, np.float32) for name, shape in shapes.items()}
    inputs["mask"] = (inputs["mask"] > 0.7).astype(np.float32)
    bank = mine.remember([{"crop": inputs["crop"], "drawing": inputs["drawing"]}])
    first, state = mine.step({**inputs, "bank": bank}, mine.initial_state())
    again, _ = mine.step({**inputs, "bank": bank}, mine.initial_state())
    second, _ = mine.step({**inputs, "bank": bank}, state)
    assert first["fill"].shape == (side, side, 3)
    assert first["trust"].shape == (side, side)
    assert np.array_equal(first["fill"], again["fill"])
    assert not np.array_equal(first["fill"], second["fill"])


def test_a_state_is_spent_by_its_step(folder: Path) -> None:
    mine, side = session(folder), SMALL.size
    shapes = {"crop": (side, side, 3), "expected": (side, side, 3), "drawing": (side, side, 2), "mask": (side, side)}
    inputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    inputs["bank"] = mine.remember([inputs])
    state = mine.initial_state()
    mine.step(inputs, state)
    with pytest.raises(BackendError, match="used twice"):
        mine.step(inputs, state)
