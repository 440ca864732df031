"""Measure: how fast each runtime executes the networks, how well it uses the processor, and the program with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from statistics import median
from time import perf_counter
from typing import Any

from livefill import interrupt
from livefill.backends.network import Network, examples
from livefill.backends.runtimes import RUNTIMES, open_network
from livefill.bench import measure
from livefill.errors import BackendError

__all__ = ["NETWORKS", "compare", "in_turns"]

NETWORKS = {"fast": "generator", "observer": "observer"}
LARGE = "hq"  # measured where there is a GPU: a CPU is busy with it for long
ROUNDS, RUNS = 10, 6  # of all that is compared; of each one, in a round


def in_turns(trials: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median time of each in milliseconds.

    Each runs a few times, then the next, again and again: a machine that slows down does so for all of them. The first
    run of the few finds the caches full of the others' numbers and does not count.
    """
    times: dict[str, list[float]] = {name: [] for name in trials}
    for _ in range(ROUNDS):
        for name, trial in trials.items():
            interrupt.check()
            trial()
            for _ in range(RUNS - 1):
                start = perf_counter()
                trial()
                times[name].append(1e3 * (perf_counter() - start))
    return {name: median(taken) for name, taken in times.items()}


def compare(*, size: tuple[int, int], seconds: float) -> Iterator[dict[str, Any]]:
    """Give one row per runtime: times, GFLOP/s, the share of what plain convolutions reach, and the whole program.

    The share is of what they reach on as many threads. A runtime that cannot be used gives a row with the reason.
    """
    opened: dict[str, dict[str, Network]] = {}
    trials: dict[str, Callable[[], object]] = {}
    reasons: dict[str, str] = {}
    for runtime in RUNTIMES:
        try:
            networks = {name: open_network(name, kind=kind, runtime=runtime) for name, kind in NETWORKS.items()}
            mine = {f"{runtime} {name}": _trial(network) for name, network in networks.items()}
        except BackendError as error:
            reasons[runtime] = str(error)
            continue
        opened[runtime] = networks
        trials.update(mine)
        if not networks["fast"].threads:
            with suppress(BackendError):  # `livefill run --model` says why
                large = open_network(LARGE, kind="generator", runtime=runtime)
                trials[f"{runtime} {LARGE}"] = _trial(large)
                networks[LARGE] = large
    counts = {network.threads for networks in opened.values() for network in networks.values()} - {0}
    plain = {count: trial for count in counts if (trial := _plain_convolutions(count)) is not None}
    trials.update({f"plain {count}": trial for count, (trial, _) in plain.items()})
    times = in_turns(trials)
    peaks = {count: 1e3 * flop / times[f"plain {count}"] for count, (_, flop) in plain.items()}
    for runtime in RUNTIMES:
        if runtime in reasons:
            yield {"backend": runtime, "reason": reasons[runtime]}
            continue
        row: dict[str, Any] = {"backend": runtime}
        for name, network in opened[runtime].items():
            row["device"] = network.device
            row[f"{name}_ms"] = round(times[f"{runtime} {name}"], 2)
            flop = 2 * float(network.contract.get("macs", 0)) / 1e9
            row[f"{name}_gflops"] = round(1e3 * flop / row[f"{name}_ms"], 0)
            if network.threads in peaks:
                row[f"{name}_of_peak"] = round(row[f"{name}_gflops"] / peaks[network.threads], 2)
        try:
            whole = measure(None, size=size, seconds=seconds, backend=runtime)
        except BackendError as error:
            yield {"backend": runtime, "reason": str(error)}
            continue
        yield {**row, "fps": whole["fps"], "live_fps": whole["live_fps"], "age_p95_ms": whole["latency_ms"]["p95"]}


def _trial(network: Network) -> Callable[[], object]:
    """Return what runs a network on noise, as one video; it has run once, and can."""
    inputs, stream = examples(network), network.stream()
    stream.run(inputs)
    return lambda: stream.run(inputs)


def _plain_convolutions(threads: int) -> tuple[Callable[[], object], float] | None:
    """Return plain convolutions on as many threads, and their GFLOP; None where OpenVINO, which runs them, is not."""
    try:
        from livefill.backends.openvino import plain_convolutions
    except ImportError:
        return None
    return plain_convolutions(threads)
