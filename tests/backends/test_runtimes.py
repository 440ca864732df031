from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from networks import CONTRACT, there, write

from livefill.backends import engines
from livefill.backends.engines import engine_path
from livefill.backends.network import Network, examples
from livefill.backends.onnx import OnnxNetwork
from livefill.backends.onnx_cuda import PROVIDER, CudaNetwork, FixedSlot
from livefill.backends.runtimes import RUNTIMES, open_network
from livefill.errors import BackendError, NotInstalledError


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    there(request.param)
    return str(request.param)


def opened(path: Path, runtime: str, keys: tuple[str, ...] = ()) -> Network:
    return open_network(path.stem, kind="doubler", keys=keys, runtime=runtime, folder=path.parent)


def test_a_network_is_run_by_name(tmp_path: Path, runtime: str) -> None:
    network = opened(write(tmp_path / "n.onnx", CONTRACT), runtime, ("size",))
    said = network.run({"x": np.arange(4, dtype=np.float32)})
    np.testing.assert_array_equal(said["y"], [0, 2, 4, 6])
    assert network.contract["size"] == "4"
    assert network.runtime == runtime
    assert network.inputs["x"] == ((4,), np.float32)


@pytest.mark.parametrize("key", ["contract", "kind", "size"])
def test_a_missing_key_is_named_with_the_command_that_writes_it(tmp_path: Path, runtime: str, key: str) -> None:
    said = {name: value for name, value in CONTRACT.items() if name != f"livefill.{key}"}
    with pytest.raises(BackendError, match=rf"livefill\.{key} .*python -m export\.doubler"):
        opened(write(tmp_path / "n.onnx", said), runtime, ("size",))


@pytest.mark.parametrize("kind", ["bank", "generator", "observer", "evidence", "finder", "settler"])
def test_the_command_that_writes_a_network_is_there(kind: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"python -m export\.") as caught:
        engines.parse_contract({}, kind, (), path=tmp_path / "n.onnx")
    module = str(caught.value).rpartition("python -m ")[2]
    assert (Path(__file__).parents[2] / f"{module.replace('.', '/')}.py").exists()


def test_another_version_or_kind_is_refused(tmp_path: Path, runtime: str) -> None:
    newer = write(tmp_path / "newer.onnx", {**CONTRACT, "livefill.contract": "99"})
    with pytest.raises(BackendError, match="contract 99, not 1"):
        opened(newer, runtime)
    other = write(tmp_path / "other.onnx", {**CONTRACT, "livefill.kind": "halver"})
    with pytest.raises(BackendError, match="is a halver, not a doubler"):
        opened(other, runtime)


def test_a_file_that_is_no_network_is_one_sentence(tmp_path: Path, runtime: str) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(BackendError, match="cannot be loaded") as caught:
        opened(broken, runtime)
    assert "\n" not in str(caught.value)


def test_a_network_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engines, "INSTALLED", tmp_path / "installed")
    monkeypatch.setattr(engines, "CHECKOUT", tmp_path)
    with pytest.raises(BackendError, match=r"doubler\.onnx is missing"):
        engine_path("doubler")
    (tmp_path / "doubler.onnx").write_bytes(b"")
    assert engine_path("doubler") == tmp_path / "doubler.onnx"


def test_a_network_is_opened_once_while_somebody_has_it(tmp_path: Path, runtime: str) -> None:
    path = write(tmp_path / "n.onnx", CONTRACT)
    network = opened(path, runtime)
    assert opened(path, runtime, ("size",)) is network
    with pytest.raises(BackendError, match=r"lacks livefill\.colours"):
        opened(path, runtime, ("colours",))
    write(path, {**CONTRACT, "livefill.note": "another file by the same name"})
    assert opened(path, runtime) is not network


def test_streams_of_one_network_do_not_mix(runtime: str) -> None:
    network = open_network("fast", kind="generator", runtime=runtime)
    inputs, other = examples(network), examples(network, 1)
    alone = network.stream()
    wanted = [alone.run(inputs)["fill"].copy() for _ in range(3)]
    one, another = network.stream(), network.stream()
    for expected in wanted:
        np.testing.assert_array_equal(one.run(inputs)["fill"], expected)
        another.run(other)


def test_what_was_said_stays_when_more_is_said(runtime: str) -> None:
    network = open_network("fast", kind="generator", runtime=runtime)
    stream = network.stream()
    said, state = stream.run(examples(network)), stream.state()
    before = {name: value.copy() for name, value in {**said, **state}.items()}
    for seed in (1, 2, 3):
        stream.run(examples(network, seed))
    for name, value in {**said, **state}.items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_the_state_goes_from_step_to_step(runtime: str) -> None:
    network = open_network("fast", kind="generator", keys=("states",), runtime=runtime)
    inputs, stream = examples(network), network.stream()
    assert all(not value.any() for value in stream.state().values())
    first = stream.run(inputs)["fill"].copy()
    kept = {name: value.copy() for name, value in stream.state().items()}
    assert all(value.any() for value in kept.values())
    assert np.abs(stream.run(inputs)["fill"] - first).max() > 1e-4  # what was before changes what is said now
    assert any(np.abs(value - kept[name]).max() > 1e-4 for name, value in stream.state().items())


def test_cuda_without_onnx_runtime_for_gpus_says_what_to_install() -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("ONNX Runtime for GPUs is installed")
    with pytest.raises(NotInstalledError, match=r"for the CPU\. .*pip install 'onnxruntime-gpu"):
        open_network("finder", runtime="cuda")


def test_tensors_at_fixed_places_give_what_a_stream_gives() -> None:
    network = open_network("fast", kind="generator", keys=("states",))
    assert isinstance(network, OnnxNetwork)
    slot, stream = FixedSlot(network), network.stream()
    for again in range(2):
        for seed in range(4):
            inputs = examples(network, seed)
            said, wanted = slot.run(inputs), stream.run(inputs)
            for name, value in wanted.items():
                np.testing.assert_array_equal(said[name], value, err_msg=f"{name} {again}")
            for name, value in stream.state().items():
                np.testing.assert_array_equal(slot.state()[name], value, err_msg=name)
        slot.reset()
        stream = network.stream()


class _NoGraphs:
    """ONNX Runtime on the CPU, as it would answer on a GPU where it cannot record graphs."""

    def __init__(self, *, late: bool, never: bool = False) -> None:
        self.late, self.never, self.real = late, never, onnxruntime.InferenceSession
        self.asked: list[str] = []

    def __call__(self, path: str, options: object, providers: list[object]) -> object:
        if providers == ["CPUExecutionProvider"]:
            return self.real(path, options, providers=providers)
        ((_, settings),) = providers  # type: ignore[misc]
        recording = settings["enable_cuda_graph"] == "1"
        self.asked.append(settings["enable_cuda_graph"])
        if recording and not self.late:
            raise RuntimeError("This session cannot use the graph capture feature as requested by the user")
        session = self.real(path, options, providers=["CPUExecutionProvider"])
        session.get_providers = lambda: [PROVIDER]
        if recording or self.never:

            def refuse(*_: object) -> None:
                raise RuntimeError("CUDA error: operation not permitted when stream is capturing")

            session.run_with_iobinding = refuse
        return session


def _pretend(patch: pytest.MonkeyPatch, told: _NoGraphs) -> None:
    """Let `told` open what is to run on a GPU."""
    patch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDER])
    patch.setattr(onnxruntime, "preload_dlls", lambda: None)
    patch.setattr(onnxruntime, "set_default_logger_severity", lambda level: None)
    patch.setattr(onnxruntime, "InferenceSession", told)
    patch.setattr(CudaNetwork, "place", "cpu")


def test_a_gpu_that_runs_nothing_is_an_error_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, _NoGraphs(late=True, never=True))
    with pytest.raises(BackendError, match=r"cannot be run: CUDA error"):
        CudaNetwork(engine_path("fast"), "generator", keys=("states",))


@pytest.mark.parametrize("late", [False, True], ids=["when it is opened", "when it runs"])
def test_cuda_without_graphs_runs_plainly_and_says_so(
    late: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = _NoGraphs(late=late)
    _pretend(monkeypatch, told)
    network = CudaNetwork(engine_path("fast"), "generator", keys=("states",))
    assert told.asked == ["1", "0"]
    assert "without CUDA graphs" in caplog.text
    assert network.stream().run(examples(network))["fill"].any()


@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider'")
def test_cuda_never_becomes_the_cpu_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("there may be a GPU")
    claimed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("livefill.backends.onnx_cuda.onnxruntime.get_available_providers", lambda: claimed)
    monkeypatch.setattr("livefill.backends.onnx_cuda.onnxruntime.preload_dlls", lambda: None)
    with pytest.raises(BackendError, match=r"no NVIDIA GPU.*nvidia-smi"):
        open_network("finder", runtime="cuda")
