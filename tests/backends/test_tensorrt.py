"""TensorRT: compiled in earnest, run against a fake GPU, and against a real one where there is one (marked `gpu`)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_gpu import FakeDriver, FakeTensorRt

from livefill.backends import tensorrt as backend
from livefill.backends.cuda import Device
from livefill.backends.engines import engine_path
from livefill.backends.gpu import APART
from livefill.backends.network import Port, examples
from livefill.backends.onnx import OnnxNetwork
from livefill.backends.plan import build, listener, plan_path
from livefill.backends.runtimes import open_network
from livefill.backends.tensorrt import TensorRtNetwork, load_library
from livefill.errors import BackendError, NotInstalledError

FAST, OBSERVER = engine_path("fast"), engine_path("observer")


# --- compiling --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rtx() -> object:
    return pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed")


@pytest.mark.parametrize(
    "name", ["fast", "fast-half", "fast-bank", "hq", "hq-half", "hq-bank", "observer", "evidence", "finder", "settler"]
)
def test_tensorrt_takes_every_network_that_ships(rtx: object, name: str) -> None:
    plan = build(rtx, engine_path(name), capabilities=[(8, 9)])
    assert len(plan) > 100_000


def test_what_tensorrt_cannot_read_is_named(rtx: object, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(BackendError, match=r"cannot read broken\.onnx"):
        build(rtx, tmp_path / "broken.onnx", capabilities=[(8, 9)])


def test_what_tensorrt_says_is_heard(rtx: Any) -> None:
    heard = listener(rtx)
    assert rtx.Runtime(heard).deserialize_cuda_engine(b"no plan") is None
    assert "it does not say why" not in heard.reason()


def test_a_gpu_that_it_does_not_know_is_named(rtx: object) -> None:
    with pytest.raises(BackendError, match=r"compute capability 1\.0"):
        build(rtx, FAST, capabilities=[(1, 0)])


def test_compiling_says_how_far_it_is(rtx: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "livefill"):
        build(rtx, FAST, capabilities=[(8, 9)])
    assert any("TensorRT compiles fast.onnx" in message for message in caplog.messages)


# --- running ----------------------------------------------------------------------------------------------------------


Opened = tuple[TensorRtNetwork, FakeTensorRt]


class Bench:
    """A fake GPU with a fake TensorRT."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, **driver: bool) -> None:
        self.driver = FakeDriver(**driver)
        self.gpu = Device(self.driver)
        monkeypatch.setenv("LIVEFILL_HOME", str(folder))
        monkeypatch.setattr(backend, "_gpu", lambda: self.gpu)
        self.patch, self.folder = monkeypatch, folder

    def open(
        self, path: Path = FAST, kind: str = "generator", wrong: float = 0.0, supported: bool = True
    ) -> tuple[TensorRtNetwork, FakeTensorRt]:
        library = FakeTensorRt(self.driver, wrong=wrong, supported=supported)
        self.patch.setattr(backend, "build", library.compile)
        return TensorRtNetwork(path, kind, library=library), library


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    return Bench(monkeypatch, tmp_path)


def test_frames_are_the_cpu_s_and_the_state_stays_on_the_gpu(bench: Bench) -> None:
    network, cpu = bench.open()[0], OnnxNetwork(FAST, "generator")
    assert network.device == "Fake GPU, float16"
    mine, theirs = network.stream(), cpu.stream()
    frames = [examples(cpu, seed) for seed in range(5)]
    for frame in frames:
        frame.update({name: frames[0][name] for name in frame if name.startswith("bank")})
    before = bench.driver.uploads
    for frame in frames:
        said, wanted = mine.run(frame), theirs.run(frame)
        assert set(said) == {"fill", "trust"}
        assert all(np.abs(said[name] - wanted[name]).max() < 0.02 for name in said)
    assert bench.driver.uploads - before == 4 * len(frames) + 2  # four pictures each, and the bank once
    for name, value in theirs.state().items():
        assert np.abs(mine.state()[name].astype(np.float32) - value).max() < 0.02 * np.abs(value).max()


def test_a_network_without_a_state_is_run(bench: Bench) -> None:
    network, cpu = bench.open(OBSERVER, "observer")[0], OnnxNetwork(OBSERVER, "observer")
    assert network.device == "Fake GPU, float32"
    inputs = examples(cpu)
    said, wanted = network.run(inputs), cpu.run(inputs)
    assert all(np.abs(said[name] - wanted[name]).max() < 1e-5 for name in wanted)


def test_a_new_video_begins_with_zeros_in_the_memory_of_one_that_ended(bench: Bench) -> None:
    network = bench.open()[0]
    frame = examples(network)
    stream = network.stream()
    first = stream.run(frame)
    second = stream.run(frame)
    left = bench.driver.left
    del stream
    again = network.stream()
    assert bench.driver.left == left
    assert np.array_equal(again.run(frame)["fill"], first["fill"])
    other = network.stream()  # while that one goes on
    assert bench.driver.left < left
    assert np.array_equal(other.run(frame)["fill"], first["fill"])
    assert np.array_equal(again.run(frame)["fill"], second["fill"])


def test_every_turn_is_one_graph_once_it_is_warm(bench: Bench) -> None:
    network = bench.open()[0]
    frame, stream = examples(network), network.stream()
    before = bench.driver.enqueued
    for _ in range(8):
        stream.run(frame)
    assert bench.driver.enqueued - before <= 2
    assert bench.driver.launched >= 6
    assert len(bench.driver.graphs) == 2


def test_without_graphs_it_runs_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(monkeypatch, tmp_path, graphs=False)
    network = bench.open()[0]
    stream = network.stream()
    for _ in range(4):
        stream.run(examples(network))
    assert bench.driver.launched == 0
    assert any("without CUDA graphs" in message for message in caplog.messages)


def test_a_plan_is_compiled_once_for_each_file_version_and_gpu(bench: Bench) -> None:
    _, first = bench.open()
    _, second = bench.open()
    assert (first.built, second.built) == (1, 0)
    (kept,) = (bench.folder / "plans").iterdir()
    assert all(word in kept.name for word in ("fast-half", "fake_tensorrt", "1.0", "Fake-GPU"))
    newer = FakeTensorRt(bench.driver)
    newer.__version__ = "2.0"  # type: ignore[misc]
    assert plan_path(newer, FAST, "Fake GPU") != plan_path(first, FAST, "Fake GPU")
    assert plan_path(first, FAST, "Other") != plan_path(first, FAST, "Fake GPU")


def test_a_gpu_that_computes_something_else_is_not_used(bench: Bench) -> None:
    with pytest.raises(BackendError, match="from what the CPU gives"):
        bench.open(wrong=0.5)
    assert not (bench.folder / "plans").exists()  # and what was wrong is not kept


def test_a_broken_plan_is_thrown_away(bench: Bench) -> None:
    bench.open()
    (kept,) = (bench.folder / "plans").iterdir()
    kept.write_bytes(b"broken")
    with pytest.raises(BackendError, match="compile it anew"):
        bench.open()
    assert bench.open()[1].built == 1


def test_a_gpu_that_tensorrt_does_not_run_on_is_an_error_with_its_own_words(bench: Bench) -> None:
    with pytest.raises(
        BackendError, match=r"tensorrt cannot run fast-half\.onnx on .*: The engine cannot run on this GPU"
    ) as told:
        bench.open(supported=False)
    assert "anew" not in str(told.value)  # compiled again it would be refused again


def test_a_full_gpu_is_an_error_in_one_sentence(bench: Bench) -> None:
    bench.driver.left = 1000
    with pytest.raises(BackendError, match="CUDA_ERROR_OUT_OF_MEMORY"):
        bench.open()


def test_memory_is_given_back(bench: Bench) -> None:
    network = bench.open()[0]
    network.stream().run(examples(network))
    bench.gpu.close()
    bench.gpu.close()
    assert not bench.driver.held


def test_what_the_driver_refuses_is_named() -> None:
    gpu = Device(FakeDriver())
    memory = gpu.memory(Port((4,), np.float32))
    assert not gpu.pinned(Port((2, 3), np.float32)).flags.owndata
    with pytest.raises(BackendError, match="CUDA_ERROR_INVALID_VALUE"):
        gpu.upload(type(memory)(memory.address + 1, 4), np.zeros(4, np.float32))


def test_without_the_library_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "LIBRARIES", ("no_such_tensorrt", "nor_this_one"))
    with pytest.raises(NotInstalledError, match=r"no_such_tensorrt.*nor_this_one.*pip install 'livefill\[tensorrt\]'"):
        load_library()


# --- on a real GPU ----------------------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "kind"), [("fast", "generator"), ("observer", "observer")])
def test_a_real_gpu_gives_what_the_cpu_gives(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIVEFILL_HOME", str(tmp_path))
    try:
        network = open_network(name, kind=kind, runtime="tensorrt")
    except BackendError as error:
        if "from what the CPU gives" in str(error):
            raise
        pytest.skip(str(error))
    cpu = OnnxNetwork(engine_path(name), kind)
    mine, theirs = network.stream(), cpu.stream()
    for seed in range(32):
        frame = examples(cpu, seed)
        said, wanted = mine.run(frame), theirs.run(frame)
        assert all(np.abs(said[key] - wanted[key]).max() < APART for key in wanted)
