"""The generator's files: the same numbers as PyTorch's, step after step, in every runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from networks import there

torch = pytest.importorskip("torch", reason="export needs PyTorch")

from export import generator as exporting  # noqa: E402
from export import verify  # noqa: E402
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
    exporting.export(out / "weights.pt", SMALL, out)
    return out


@pytest.fixture
def model(folder: Path) -> Generator:
    model = Generator(SMALL)
    model.load_state_dict(torch.load(folder / "weights.pt", weights_only=True)["model"])
    return model.eval()


def opened(folder: Path, part: str = "", runtime: str = "onnx") -> Network:
    kind = "bank" if part == "-bank" else "generator"
    keys = (*KEYS, *(("states",) if kind == "generator" else ()))
    return open_network(f"small{part}", kind=kind, keys=keys, runtime=runtime, folder=folder)


@pytest.fixture(params=[*RUNTIMES, "half"])
def network(request: pytest.FixtureRequest, folder: Path) -> Network:
    if request.param == "half":
        return opened(folder, "-half")
    there(request.param)
    return opened(folder, runtime=request.param)


def test_every_runtime_gives_what_pytorch_gives_over_many_steps(network: Network, model: Generator) -> None:
    difference = verify.verify(model, network)
    assert 0 < difference.worst < verify.TOLERANCE["bfloat16"]


def test_other_weights_are_refused(network: Network, model: Generator) -> None:
    model.exit.bias.data += 0.4
    with pytest.raises(ValueError, match="differs from PyTorch"):
        verify.verify(model, network)


def test_a_state_that_is_lost_is_noticed(folder: Path, model: Generator) -> None:
    class Forgetful:
        contract, device, runtime = {}, "cpu, float32", "onnx"

        def stream(self) -> Forgetful:
            self.steps = 0
            return self

        def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            self.inner = opened(folder).stream()
            return self.inner.run(inputs)

        def state(self) -> dict[str, np.ndarray]:
            return self.inner.state()

    with pytest.raises(ValueError, match="differs from PyTorch"):
        verify.verify(model, Forgetful())


@torch.no_grad()
def test_two_videos_do_not_hear_each_other(network: Network, model: Generator) -> None:
    random = torch.Generator().manual_seed(3)
    frames = [
        dict(zip(exporting.SEEN, (part.numpy() for part in exporting.example_inputs(SMALL, random)), strict=True))
        for _ in range(4)
    ]
    one, other, alone = network.stream(), network.stream(), network.stream()
    for frame in frames:
        mixed = one.run(frame)
        other.run(frames[0])
    for frame in frames:
        whole = alone.run(frame)
    assert all(np.array_equal(mixed[name], whole[name]) for name in whole)
    assert one.steps == len(frames)


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


def test_a_part_of_the_grain_of_a_fine_change_is_taken_back() -> None:
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    grain, light = ((rows + columns) % 2 * 2.0 - 1).expand(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.25)
    kept = exporting.without_grain(light + grain, 4)
    torch.testing.assert_close(kept, light + exporting.GRAIN * grain)
