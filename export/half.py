"""Store a network's weights as halves: the file is half as large, the arithmetic stays single."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["store_as_half"]

LARGE = 256  # numbers from which a weight is worth a conversion at load


def store_as_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Turn large float32 weights into float16 with a Cast behind each; runtimes fold the Cast when they load."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < LARGE:
            continue
        name = weight.name
        whole = numpy_helper.to_array(weight)
        if np.abs(whole).max() > np.finfo(np.float16).max:
            raise ValueError(f"weight {name} does not fit into float16: its largest is {np.abs(whole).max():g}")
        values = whole.astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(values, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT, name=f"{name}_cast"))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model
