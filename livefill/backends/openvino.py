"""OpenVINO: runs a network's file on an x86 CPU, in bfloat16 where the processor computes in it.

The state of a stream stays inside (a stateful model), in whatever layout suits the convolutions: taken out and handed
in again it costs a third of the time of a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import openvino
from openvino import opset15 as opset
from openvino.passes import MakeStateful, Manager

from livefill.backends.engines import parse_contract, parse_states, threads
from livefill.backends.network import Port
from livefill.errors import BackendError
from livefill.types import Tensor

__all__ = ["OpenVinoNetwork", "plain_convolutions"]

# In bfloat16 they take a millisecond or two. Between two frames a second thread falls asleep, and to wake it takes as
# long as it saves; the other core is the camera's meanwhile.
SMALL = ("observer", "evidence", "finder")


class OpenVinoNetwork:
    """A `Network` in bfloat16, or in 32 bits where the processor does not know that, or `precision` says so."""

    runtime = "openvino"

    def __init__(self, path: Path, kind: str, *, keys: tuple[str, ...] = (), precision: str | None = None) -> None:
        """Open the file of a network of this `kind`, which must say `keys` about itself.

        `precision` is "bf16" or "f32"; None takes the quicker one that the processor knows.
        """
        core, precision = _core(), precision or _quickest()
        self.threads = 1 if kind in SMALL and precision == "bf16" else threads()
        self.device = f"cpu, {'bfloat16' if precision == 'bf16' else 'float32'}"
        try:
            model = core.read_model(path)
            said = model.get_rt_info(["framework"]).value if model.has_rt_info(["framework"]) else {}
        except RuntimeError as error:
            raise BackendError(f"{path} cannot be loaded: {_reason(error)}") from error
        self.contract = parse_contract({str(key): str(value) for key, value in said.items()}, kind, keys, path=path)
        self._states = list(parse_states(self.contract))
        if self._states:
            manager = Manager()
            manager.register_pass(MakeStateful({name: f"next_{name}" for name in self._states}))
            manager.run_passes(model)
        try:
            self._model = core.compile_model(model, "CPU", _options(precision, self.threads))
        except RuntimeError as error:
            raise BackendError(f"OpenVINO cannot compile {path.name}: {_reason(error)}") from error
        self.inputs = {
            port.get_any_name(): Port(tuple(port.shape), np.dtype(port.element_type.to_dtype()))
            for port in self._model.inputs
        }
        self._outputs = [port.get_any_name() for port in model.outputs]  # compiled, some have further names
        self._request = self._model.create_infer_request()

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once."""
        return _infer(self._request, inputs, self._outputs)

    def stream(self) -> _Stream:
        """Begin a video."""
        return _Stream(self._model.create_infer_request(), self._outputs, self._states)


class _Stream:
    def __init__(self, request: openvino.InferRequest, outputs: list[str], states: list[str]) -> None:
        self._request, self._outputs, self._states = request, outputs, states
        self.steps = 0

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        said = _infer(self._request, inputs, self._outputs)
        self.steps += 1
        return said

    def state(self) -> dict[str, Tensor]:
        # A variable is named after both ends: state3 and next_state3.
        held = {variable.name: np.array(variable.state.data) for variable in self._request.query_state()}
        return {name: next(held[key] for key in held if key in (f"{name}next_{name}", name)) for name in self._states}


@lru_cache(maxsize=1)
def _core() -> openvino.Core:
    """Return the one core of this process, which lives as long.

    Its CPU plug-in gives the thread that makes it another stack for signals, and frees that with the core: the next
    signal, such as Ctrl-C, would then end the process.
    """
    return openvino.Core()


def _quickest() -> str:
    """Return the quickest floating-point precision that this processor computes in."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def _options(precision: str, threads: int) -> dict[str, str | int]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
    }


def plain_convolutions(
    threads: int, *, channels: int = 128, side: int = 64, depth: int = 4
) -> tuple[Callable[[], object], float]:
    """Return what runs plain 3x3 convolutions on as many `threads`, and its GFLOP.

    In the quickest floating-point precision they are the measure of how well a network uses the processor.
    """
    picture = opset.parameter([1, channels, side, side], np.float32)
    weight = opset.constant(np.full((channels, channels, 3, 3), 0.01, np.float32))
    node = picture
    for _ in range(depth):
        node = opset.relu(opset.convolution(node, weight, [1, 1], [1, 1], [1, 1], [1, 1]))
    model = openvino.Model([node], [picture])
    request = _core().compile_model(model, "CPU", _options(_quickest(), threads)).create_infer_request()
    values = np.full((1, channels, side, side), 0.5, np.float32)
    flop = 2 * depth * 9 * channels**2 * side**2
    return lambda: request.infer([values], share_inputs=True, share_outputs=True), flop / 1e9


def _infer(request: openvino.InferRequest, inputs: Mapping[str, Tensor], outputs: list[str]) -> dict[str, Tensor]:
    said = request.infer(dict(inputs), share_inputs=True)
    return {name: np.asarray(said[place]) for place, name in enumerate(outputs)}


def _reason(error: RuntimeError) -> str:
    """Return the line of OpenVINO's report that says what is wrong: the first ones say where in its own code."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
