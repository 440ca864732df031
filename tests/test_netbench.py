from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from networks import there
from typer.testing import CliRunner

from livefill import netbench
from livefill.backends.network import Network, Stream
from livefill.backends.runtimes import RUNTIMES, open_network
from livefill.cli import app
from livefill.errors import BackendError


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs, and the whole program not at all: tests/test_cli.py measures that."""
    whole = {"fps": 30.0, "live_fps": 29.0, "latency_ms": {"p95": 50.0}}
    monkeypatch.setattr(netbench, "measure", lambda *_, **__: whole)
    monkeypatch.setattr(netbench, "ROUNDS", 2)
    monkeypatch.setattr(netbench, "RUNS", 3)


def test_a_network_says_how_much_it_computes() -> None:
    assert 0.6e9 < float(open_network("fast", kind="generator").contract["macs"]) < 0.7e9
    assert 0.15e9 < float(open_network("observer").contract["macs"]) < 0.3e9


@pytest.mark.usefixtures("quick")
def test_every_runtime_has_a_row_with_numbers_or_a_reason() -> None:
    rows = {row["backend"]: row for row in netbench.compare(size=(64, 64), seconds=1)}
    assert list(rows) == list(RUNTIMES)
    for row in rows.values():
        if "reason" in row:
            continue
        flop = 2 * float(open_network("fast", kind="generator").contract["macs"]) / 1e9
        assert row["fast_gflops"] == pytest.approx(1e3 * flop / row["fast_ms"], abs=1)
        assert row["fps"] == 30.0
    assert "reason" not in rows["onnx"]


@pytest.mark.usefixtures("quick")
def test_the_table_shows_them_in_a_narrow_terminal() -> None:
    done = CliRunner().invoke(app, ["bench", "--backends"], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    assert "onnx" in done.output
    assert "fast_gflops" in done.output
    assert "…" not in done.output
    told = CliRunner().invoke(app, ["bench", "--backends", "--json"])
    assert [row["backend"] for row in json.loads(told.stdout)] == list(RUNTIMES)


def test_plain_convolutions_are_a_bound() -> None:
    there("openvino")
    from livefill.backends.openvino import plain_convolutions

    run, gflop = plain_convolutions(1)
    run()
    assert gflop == pytest.approx(4.83, abs=0.01)


@pytest.mark.usefixtures("quick")
def test_what_is_compared_runs_in_turns() -> None:
    order: list[str] = []
    times = netbench.in_turns({name: partial(order.append, name) for name in "abc"})
    assert order == list("aaabbbccc") * 2
    assert set(times) == set("abc")
    assert all(0 <= ms < 100 for ms in times.values())


@pytest.mark.usefixtures("quick")
def test_a_runtime_in_which_the_program_fails_gives_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise BackendError("no bank")

    monkeypatch.setattr(netbench, "measure", broken)
    assert [row["reason"] for row in netbench.compare(size=(64, 64), seconds=1) if row["backend"] == "onnx"] == [
        "no bank"
    ]


@pytest.mark.usefixtures("quick")
def test_a_runtime_that_fails_in_its_first_run_gives_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(network: Network) -> Callable[[], object]:
        raise BackendError("out of memory")

    monkeypatch.setattr(netbench, "_trial", broken)
    assert [row["reason"] for row in netbench.compare(size=(64, 64), seconds=1) if row["backend"] == "onnx"] == [
        "out of memory"
    ]


class Gpu:
    """A network as a GPU would run it."""

    runtime, device, threads = "onnx", "gpu, float32", 0

    def __init__(self, network: Network) -> None:
        self.contract, self.inputs, self.run = network.contract, network.inputs, network.run
        self.stream = network.stream


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", ["", "when it is opened", "when it runs"])
def test_the_large_generator_is_measured_where_there_is_a_gpu_and_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def opened(name: str, *, kind: str, runtime: str) -> Network:
        large = name == netbench.LARGE
        if large and fault == "when it is opened":
            raise BackendError("no memory")
        network = Gpu(open_network("fast" if large else name, kind=kind))
        if large and fault == "when it runs":
            network.stream = fail
        return network

    def fail() -> Stream:
        raise BackendError("no memory")

    monkeypatch.setattr(netbench, "RUNTIMES", {"onnx": RUNTIMES["onnx"]})
    monkeypatch.setattr(netbench, "open_network", opened)
    (row,) = netbench.compare(size=(64, 64), seconds=1)
    assert {"fast_ms", "observer_ms"} <= set(row)
    assert ("hq_ms" in row) == (not fault)
    assert not [key for key in row if key.endswith("of_peak")]  # that is a CPU's
