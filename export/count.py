"""How much a network computes."""

from __future__ import annotations

import math

import onnx
from onnx import shape_inference

__all__ = ["multiplications"]


def multiplications(model: onnx.ModelProto) -> int:
    """Return the multiplications with addition (MAC) of a network's convolutions and matrix products, for one run."""
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    shapes = {weight.name: list(weight.dims) for weight in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [entry.dim_value for entry in value.type.tensor_type.shape.dim]
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            weight = shapes[node.input[1]]
            total += math.prod(shapes[node.output[0]]) * math.prod(weight[1:])
        elif node.op_type in ("MatMul", "Gemm"):
            inner = shapes[node.input[0]][0 if _transposed(node) else -1]
            total += math.prod(shapes[node.output[0]]) * inner
    return total


def _transposed(node: onnx.NodeProto) -> bool:
    return any(entry.name == "transA" and entry.i for entry in node.attribute)
