"""MobileStyleGAN (arXiv 2104.04767) in torch: the same people as `FaceGenerator`, in batches and on a GPU.

The weights are read from the two OpenVINO files inside the package `random-face` (Apache-2.0) without OpenVINO: a style
enters at 23 matrix products, and from each a chain of nodes leads to the next activation; that chain is a layer.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from livefill.types import RGB
from training.faces.generator import LAYERS, MEAN_OF, STYLE, Styles, _package_data

__all__ = ["SIDE", "TorchFaceGenerator"]

SIDE = 1024  # pixels of a picture
SLOPE, GAIN = 0.2, 2**0.5  # of every leaky rectifier, and what the mapping network multiplies after it
TYPES = {"f16": np.float16, "f32": np.float32, "i32": np.int32, "i64": np.int64}


class TorchFaceGenerator:
    """The mapping and synthesis networks; the noise inside is fixed, so a style always gives the same picture."""

    def __init__(self, device: str = "cpu", *, precision: torch.dtype = torch.float32, batch: int = 0) -> None:
        """Read the weights; `precision` below float32 autocasts, `batch` pictures are drawn at once (CPU 1, else 8)."""
        data = _package_data()
        self._device, self._precision = torch.device(device), precision
        self._batch = batch or (1 if self._device.type == "cpu" else 8)
        self._mapping = _Mapping(_Graph.read(data / "MappingNetwork.xml")).eval()  # small: stays on the CPU, in float32
        synthesis = _Synthesis(_Graph.read(data / "SynthesisNetwork.xml")).eval()
        self._synthesis = synthesis.to(self._device, memory_format=torch.channels_last)  # a third faster on a CPU
        self.mean = self.sample(np.random.default_rng(0), MEAN_OF).mean(0)

    @torch.inference_mode()
    def sample(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Return `count` random styles (count, STYLE)."""
        drawn = self._mapping(torch.from_numpy(random.standard_normal((count, STYLE), np.float32)))
        return np.asarray(drawn.numpy(), np.float32)

    def person(self, seed: int, *, truncation: float = 0.7) -> Styles:
        """Return the styles (LAYERS, STYLE) of a person; a lower truncation is a more ordinary face."""
        style = self.sample(np.random.default_rng(seed), 1)[0]
        return np.tile(self.mean + truncation * (style - self.mean), (LAYERS, 1))

    def render(self, styles: Styles) -> RGB:
        """Return the picture (SIDE, SIDE, 3) of these styles."""
        return self.render_many(np.broadcast_to(styles, (1, LAYERS, STYLE)))[0]

    @torch.inference_mode()
    def render_many(self, styles: NDArray[np.float32], *, side: int = SIDE) -> NDArray[np.uint8]:
        """Return the pictures (n, side, side, 3) of `styles` (n, LAYERS, STYLE).

        Half of SIDE is the low band of the last wavelet step: every 2x2 square's mean, without making the square.
        """
        if side not in (SIDE, SIDE // 2):
            raise ValueError(f"the generator draws {SIDE} or {SIDE // 2} pixels, not {side}")
        pictures = np.empty((len(styles), side, side, 3), np.uint8)
        for start in range(0, len(styles), self._batch):
            part = torch.tensor(styles[start : start + self._batch], dtype=torch.float32, device=self._device)
            with self._lowered():
                image = self._synthesis(part, half=side < SIDE)
            levels = image.float().mul(127.5).add(128).clamp(0, 255).to(torch.uint8)
            pictures[start : start + self._batch] = levels.permute(0, 2, 3, 1).cpu().numpy()
        return pictures

    def _lowered(self) -> AbstractContextManager[object]:
        lower = self._precision != torch.float32
        return torch.autocast(self._device.type, self._precision if lower else torch.bfloat16, enabled=lower)


class _Mapping(nn.Module):
    """Normal numbers (n, STYLE) to styles (n, STYLE): eight equal layers on the unit sphere's scale."""

    def __init__(self, graph: _Graph) -> None:
        super().__init__()
        chains = [[constant for _, constant in graph.chain(node)] for node in graph.numbered("MatMul")]
        self.weights = nn.ParameterList(_parameter(chain[0]) for chain in chains)
        self.biases = nn.ParameterList(_parameter(chain[1]) for chain in chains)

    def forward(self, x: Tensor) -> Tensor:
        x = x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = GAIN * functional.leaky_relu(functional.linear(x, weight, bias), SLOPE)
        return x


class _Synthesis(nn.Module):
    """Styles (n, LAYERS, STYLE) to pictures (n, 3, SIDE, SIDE) within -1..1."""

    def __init__(self, graph: _Graph) -> None:
        super().__init__()
        self.start = _parameter(graph.named("m.input.input"))  # (1, 512, 4, 4)
        self.layers = nn.ModuleList(_Layer(graph.chain(node)) for node in graph.numbered("MatMul"))
        if len(self.layers) != LAYERS:
            raise ValueError(f"The synthesis network has {len(self.layers)} styled layers, not {LAYERS}")

    def forward(self, styles: Tensor, half: bool = False) -> Tensor:
        x = self.start.expand(len(styles), -1, -1, -1)
        for number, layer in enumerate(self.layers):
            x = layer(x, styles[:, number])
            if layer.grows and half and number == LAYERS - 1:
                return 0.5 * x[:, :3]
            x = _unwavelet(x) if layer.grows else x
        return x


class _Layer(nn.Module):
    """Channels scaled by the style, then convolved; or only scaled, where a wavelet step follows."""

    def __init__(self, chain: Iterator[tuple[str, NDArray[np.float32] | None]]) -> None:
        super().__init__()
        links = list(chain)
        self.grows = links[-1][0] == "VariadicSplit"
        (weight, bias), links = [c for _, c in links[:2]], links[2:]
        given = [(kind, constant) for kind, constant in links if constant is not None]
        scale = given.pop(0)[1].item() if given and given[0][0] == "Multiply" else 1.0
        self.style = nn.Linear(STYLE, len(weight))
        self.style.weight, self.style.bias = _parameter(weight * scale), _parameter(bias.reshape(-1) * scale)
        self.kernels = nn.ParameterList(_parameter(_kernel(c)) for kind, c in given if "Convolution" in kind)
        added = [constant for kind, constant in given if kind == "Add"]
        self.noise = _parameter(added[0]) if len(added) == 2 else None  # (1, 1, h, w)
        self.bias = _parameter(added[-1].reshape(-1)) if added else None

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = x * self.style(style)[:, :, None, None]
        for number, kernel in enumerate(self.kernels, 1):
            bias = self.bias if number == len(self.kernels) else None
            x = functional.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2, groups=x.shape[1] // kernel.shape[1])
        return x if self.noise is None else functional.leaky_relu(x.add_(self.noise), SLOPE, inplace=True)


def _unwavelet(x: Tensor) -> Tensor:
    """Return the inverse Haar transform (n, c, 2h, 2w) of bands (n, 4c, h, w): first every low one, then 3 to each."""
    count, channels, height, width = x.shape
    low = x[:, : channels // 4]
    down, across, both = x[:, channels // 4 :].reshape(count, channels // 4, 3, height, width).unbind(2)
    top, bottom, left, right = low + down, low - down, across + both, across - both
    corners = torch.stack((top + left, top - left, bottom + right, bottom - right), 2)
    return functional.pixel_shuffle(0.5 * corners.flatten(1, 2), 2)


def _kernel(stored: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a kernel (out, in a group, h, w); a grouped one is stored as (groups, out and in of a group, h, w)."""
    return stored.reshape(-1, *stored.shape[2:]) if stored.ndim == 5 else stored


def _parameter(values: NDArray[np.float32] | None) -> nn.Parameter:
    if values is None:
        raise ValueError("a weight is missing where the network should have one: another version of random-face?")
    return nn.Parameter(torch.tensor(values, dtype=torch.float32), requires_grad=False)


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    kind: str
    inputs: tuple[str, ...]
    constant: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Graph:
    """An OpenVINO network (IR version 10): nodes by id, and who reads each."""

    nodes: dict[str, _Node]
    readers: dict[str, list[str]]

    @classmethod
    def read(cls, xml: Path) -> _Graph:
        """Read a network's nodes from `xml`, and their constants from the file beside it."""
        weights, root = xml.with_suffix(".bin").read_bytes(), ElementTree.parse(xml).getroot()
        inputs: dict[str, dict[int, str]] = {}
        readers: dict[str, list[str]] = {}
        for edge in root.iter("edge"):
            source, target = edge.attrib["from-layer"], edge.attrib["to-layer"]
            inputs.setdefault(target, {})[int(edge.attrib["to-port"])] = source
            readers.setdefault(source, []).append(target)
        nodes = {}
        for layer in root.iter("layer"):
            key, kind = layer.attrib["id"], layer.attrib["type"]
            ordered = tuple(source for _, source in sorted(inputs.get(key, {}).items()))
            nodes[key] = _Node(layer.attrib["name"], kind, ordered, _constant(layer, weights))
        return cls(nodes, readers)

    def numbered(self, kind: str) -> list[str]:
        """Return the ids of the nodes of a kind in the order of the numbers in their names."""
        found = [key for key, node in self.nodes.items() if node.kind == kind]
        return sorted(found, key=lambda key: int(re.findall(r"\d+", self.nodes[key].name)[0]))

    def named(self, name: str) -> NDArray[np.float32] | None:
        """Return the constant of this name."""
        return next(node.constant for node in self.nodes.values() if node.name == name)

    def chain(self, key: str) -> Iterator[tuple[str, NDArray[np.float32] | None]]:
        """Yield kind and constant of each node from this one on, up to an activation or a wavelet step."""
        while True:
            node = self.nodes[key]
            if node.kind != "Reshape":
                yield node.kind, next((c for c in map(self._given, node.inputs) if c is not None), None)
            if node.kind in ("PReLU", "VariadicSplit"):
                return
            key = next(reader for reader in self.readers[key] if self.nodes[reader].kind != "ShapeOf")

    def _given(self, key: str) -> NDArray[np.float32] | None:
        """Return a floating-point constant, also through a reshape."""
        node = self.nodes[key]
        values = self.nodes[node.inputs[0]].constant if node.kind == "Reshape" else node.constant
        return values if values is not None and values.dtype == np.float32 else None


def _constant(layer: ElementTree.Element, weights: bytes) -> NDArray[np.float32] | None:
    if layer.attrib["type"] != "Const":
        return None
    data = layer.find("data")
    if data is None:
        raise ValueError(f"the constant {layer.attrib['name']} has no data")
    shape = [int(length) for length in data.attrib["shape"].split(",") if length.strip()]
    kind, offset = np.dtype(TYPES[data.attrib["element_type"]]), int(data.attrib["offset"])
    count = int(data.attrib["size"]) // kind.itemsize
    return np.asarray(np.frombuffer(weights, kind, count, offset).reshape(shape))
