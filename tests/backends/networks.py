"""Small networks to open, written on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from livefill.backends.runtimes import RUNTIMES, open_network
from livefill.errors import BackendError

CONTRACT = {"livefill.contract": "1", "livefill.kind": "doubler", "livefill.size": "4"}


def doubler(weight: NDArray[np.float32] | None = None) -> onnx.ModelProto:
    """A network that multiplies `x` (4,) by a weight, and gives it as `y`."""
    values = np.full(4, 2, np.float32) if weight is None else weight
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "doubler",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(values)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(values)])],
        [numpy_helper.from_array(values, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def write(path: Path, metadata: dict[str, str], model: onnx.ModelProto | None = None) -> Path:
    """Write a network that says `metadata` about itself."""
    model = doubler() if model is None else model
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def there(runtime: str) -> str:
    """Skip a test where a runtime cannot run: where its library or its GPU is missing."""
    if runtime in RUNTIMES:
        try:
            open_network("finder", runtime=runtime)
        except BackendError as error:
            pytest.skip(str(error))
    return runtime
