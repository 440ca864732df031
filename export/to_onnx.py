"""PyTorch to ONNX: one way for every network, with static shapes, names, and what the file says about itself."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from export.count import multiplications
from export.half import store_as_half
from export.stamp import commit
from livefill.backends.engines import CONTRACT, PREFIX

__all__ = ["named_states", "write_network"]

OPSET = 17  # the oldest that has all that the networks need: every runtime reads it


def named_states(shapes: Sequence[Sequence[int]]) -> tuple[list[str], str]:
    """Return the names of a state's tensors, and what a contract says of them; `shapes` are those of one stream."""
    names = [f"state{number}" for number in range(len(shapes))]
    return names, json.dumps({name: [1, *shape] for name, shape in zip(names, shapes, strict=True)})


def write_network(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    contract: Mapping[str, str],
) -> None:
    """Write `module`, traced with `example`; large weights are stored as halves.

    `contract` are the keys of docs/model.md but for its version, the commit and `macs`, which are added here.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            module.eval(),
            example,
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
        )
    traced = onnx.load_from_string(buffer.getvalue())
    macs = multiplications(traced)
    network = store_as_half(traced)
    said = {"contract": CONTRACT, "commit": commit(), "macs": str(macs), **contract}
    onnx.helper.set_model_props(network, {PREFIX + key: value for key, value in said.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network, path)
