"""Measure: how fast each runtime executes the networks, how well it uses the processor, and the program with it."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

from livefill.backends.network import Network, examples
from livefill.backends.runtimes import RUNTIMES, open_network
from livefill.bench import measure
from livefill.errors import BackendError

__all__ = ["NETWORKS", "compare", "time_network"]

NETWORKS = {"fast": "generator", "observer": "observer"}
WARM_UP, RUNS = 5, 40


def time_network(network: Network) -> float:
    """Return the median time of a run in milliseconds, on noise, as one video."""
    inputs, stream = examples(network), network.stream()
    times = []
    for run in range(WARM_UP + RUNS):
        start = perf_counter()
        stream.run(inputs)
        if run >= WARM_UP:
            times.append(1e3 * (perf_counter() - start))
    return median(times)


def compare(*, size: tuple[int, int], seconds: float) -> Iterator[dict[str, Any]]:
    """Give one row per runtime: times, GFLOP/s, the share of what plain convolutions reach, and the whole program.

    A runtime that cannot be used gives a row with the reason.
    """
    peak = _peak()
    for runtime in RUNTIMES:
        row: dict[str, Any] = {"backend": runtime}
        try:
            for name, kind in NETWORKS.items():
                network = open_network(name, kind=kind, runtime=runtime)
                row["device"] = network.device
                row[f"{name}_ms"] = round(time_network(network), 2)
                flop = 2 * float(network.contract.get("macs", 0)) / 1e9
                row[f"{name}_gflops"] = round(1e3 * flop / row[f"{name}_ms"], 0)
                if peak:
                    row[f"{name}_of_peak"] = round(row[f"{name}_gflops"] / peak, 2)
            whole = measure(None, size=size, seconds=seconds, backend=runtime)
        except BackendError as error:
            yield {"backend": runtime, "reason": str(error)}
            continue
        yield {**row, "fps": whole["fps"], "live_fps": whole["live_fps"], "age_p95_ms": whole["latency_ms"]["p95"]}


def _peak() -> float:
    """Return the GFLOP/s that plain convolutions reach on this processor; 0 where OpenVINO, which runs them, is not."""
    try:
        from livefill.backends.openvino import convolution_peak
    except ImportError:
        return 0.0
    return convolution_peak()
