"""Which runtime executes the networks: the one that is named, or the one that is quickest on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from statistics import fmean, median
from time import perf_counter, process_time
from weakref import WeakValueDictionary

from livefill.backends.engines import engine_path, require
from livefill.backends.network import Network, examples
from livefill.errors import BackendError, NotInstalledError

__all__ = ["RUNTIMES", "Choice", "choose", "open_network"]

RUNTIMES = {  # module and class; the first is always there
    "onnx": ("livefill.backends.onnx", "OnnxNetwork"),
    "cuda": ("livefill.backends.onnx_cuda", "CudaNetwork"),
    "openvino": ("livefill.backends.openvino", "OpenVinoNetwork"),
    "tensorrt": ("livefill.backends.tensorrt", "TensorRtNetwork"),
}
TRIALS, WARM_UP = 7, 2  # frames
SLOW = 16.0  # milliseconds of the generator: where it took 17, a covered face had 20 to 22 frames a second
_open: WeakValueDictionary[tuple[object, ...], Network] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Choice:
    """A runtime, and why."""

    runtime: str
    reason: str  # one sentence for the user
    network: Network | None = None  # that it was measured with


def open_network(
    name: str, *, kind: str | None = None, keys: tuple[str, ...] = (), runtime: str = "onnx", folder: Path | None = None
) -> Network:
    """Open a network that ships; its `kind` is its name unless there are several of it.

    `runtime` is one of `RUNTIMES`, or "auto"; `folder` holds the files, by default those of livefill itself. Raises
    `BackendError` where it cannot run. A network that is open already is handed out again: it takes a moment to open.
    """
    runtime = choose().runtime if runtime == "auto" else runtime
    path, kind = engine_path(name, folder), kind or name
    at = path.stat()
    known = runtime, path, at.st_mtime_ns, at.st_size, kind
    network = _open.get(known)
    if network is None:
        network = _open[known] = _opener(runtime)(path, kind, keys=keys)
    require(network.contract, kind, keys, path=path)  # one that was open already may have been asked for less
    return network


def _opener(runtime: str) -> Callable[..., Network]:
    module, title = RUNTIMES[runtime]
    try:
        opener: Callable[..., Network] = getattr(import_module(module), title)
        return opener
    except (ImportError, OSError) as error:  # OSError: a library that it is linked with is missing
        raise NotInstalledError(f"{runtime} cannot be used: {error}. Run: pip install 'livefill[{runtime}]'") from error


@lru_cache(maxsize=1)
def choose() -> Choice:
    """Measure every runtime that is installed on the generator, and choose the quickest. Takes half a second, once.

    What counts of a CPU is the time that its cores work, not the time that passes: how long they wait for other
    programs, which may have other work in a moment, says nothing of a runtime.
    """
    streams, refused, absent = {}, [], []
    for runtime in RUNTIMES:
        try:
            network = open_network("fast", kind="generator", runtime=runtime)
        except NotInstalledError:
            absent.append(runtime)
            continue
        except BackendError as error:
            refused.append(str(error))
            continue
        streams[runtime] = (network, network.stream(), examples(network))
    if not streams:
        raise BackendError("no runtime can execute the networks. " + " ".join(refused))
    times: dict[str, list[float]] = {runtime: [] for runtime in streams}
    for trial in range(WARM_UP + TRIALS):
        for runtime, (network, stream, inputs) in streams.items():
            clock = process_time if network.threads else perf_counter
            start = clock()
            stream.run(inputs)
            if trial >= WARM_UP:
                times[runtime].append(1e3 * (clock() - start) / max(1, network.threads))
    # Windows counts what cores work in steps of 16 ms: in their mean that does not matter.
    middle = {runtime: fmean if network.threads else median for runtime, (network, _, _) in streams.items()}
    taken = sorted((middle[runtime](values), runtime) for runtime, values in times.items())
    told = ", ".join(f"{runtime} ({streams[runtime][0].device}) {ms:.1f} ms" for ms, runtime in taken)
    least, quickest = taken[0]
    parts = [f"{told} a frame", *refused]
    if absent:
        parts.append(f"not installed: {', '.join(absent)}")
    if least > SLOW:
        parts.append(
            f"a camera of 30 frames a second leaves 33 ms for all that is done to a frame: with more than {SLOW:.0f} "
            "for the generator alone, expect about 20 frames a second or fewer while something is filled; "
            "`--backend reference` does without it, less true to you but sooner"
        )
    reason = "; ".join(parts)
    return Choice(quickest, reason, streams[quickest][0])
