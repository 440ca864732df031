"""LGTSM: gated convolutions with a learnable temporal shift (Chang et al. 2019, arXiv 1907.01131).

Built from the description, with what is known to be wrong in the published code put right: the first convolution keeps
the side (padding 2), landmarks are drawn with full strength, and the first layer, whose channels are colours, is not
shifted. Its guidance is one channel of drawn landmarks, as in arXiv 2402.09100; it has no reference and no attention.
`online` shifts from the past only, so that frame t never sees t + 1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.model import Bank, Fill, Inputs

__all__ = ["LAYERS", "LGTSM", "Layer"]

KNOWN = 5  # channels of what is seen: masked picture 3, mask 1, landmarks 1
UNTRUSTED = -20.0  # logit: it knows no reference whose detail could be shown


class Layer(NamedTuple):
    """One gated convolution; channels are multiples of the width, 0 stands for what is seen."""

    name: str
    takes: float
    gives: float
    kernel: int
    stride: int
    dilation: int
    grows: bool  # whether the side is doubled first (nearest)


LAYERS = (
    Layer("conv1", 0, 1, 5, 1, 1, False),
    Layer("conv2", 1, 2, 4, 2, 1, False),
    Layer("conv3", 2, 2, 3, 1, 1, False),
    Layer("conv4", 2, 4, 4, 2, 1, False),
    Layer("conv5", 4, 4, 3, 1, 1, False),
    Layer("conv6", 4, 4, 3, 1, 1, False),
    *(Layer(f"dilated{i + 1}", 4, 4, 3, 1, 2 << i, False) for i in range(4)),
    Layer("conv7", 4, 4, 3, 1, 1, False),
    Layer("conv8", 4, 4, 3, 1, 1, False),
    Layer("deconv1", 4, 2, 3, 1, 1, True),
    Layer("conv9", 2, 2, 3, 1, 1, False),
    Layer("deconv2", 2, 1, 3, 1, 1, True),
    Layer("conv10", 1, 0.5, 3, 1, 1, False),
)


class LearnableShift(nn.Module):
    """Two quarters of the channels, each mixed over time by one kernel of three taps (t - 1, t, t + 1).

    At first the one is taken from the frame after and the other from the frame before; online, where there is no frame
    after, both from the frame before.
    """

    def __init__(self, channels: int, *, online: bool) -> None:
        super().__init__()
        self.quarter, self.online = channels // 4, online
        before, after = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
        first = before if online else after
        self.taps = nn.Parameter(torch.tensor([first, before])[:, : 2 if online else 3].clone())

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """Mix x (clips * frames, c, h, w) over time; beyond a clip's ends there is nothing."""
        if not self.quarter:
            return x
        clips = x.unflatten(0, (-1, frames))
        parts = clips.split([self.quarter, self.quarter, clips.shape[2] - 2 * self.quarter], 2)
        mixed = [self._mixed(part, taps) for part, taps in zip(parts[:2], self.taps, strict=True)]
        return torch.cat([*mixed, parts[2]], 2).flatten(0, 1)

    def _mixed(self, part: Tensor, taps: Tensor) -> Tensor:
        nothing = torch.zeros_like(part[:, :1])
        result = taps[0] * torch.cat([nothing, part[:, :-1]], 1) + taps[1] * part
        return result if self.online else result + taps[2] * torch.cat([part[:, 1:], nothing], 1)


class Gated(nn.Module):
    """sigmoid(gate) x LeakyReLU(feature); only the feature branch is shifted in time."""

    def __init__(self, layer: Layer, takes: int, gives: int, *, online: bool, shifted: bool, activated: bool) -> None:
        super().__init__()
        padding = (layer.dilation * (layer.kernel - 1)) // 2
        sizes = {"stride": layer.stride, "padding": padding, "dilation": layer.dilation}
        self.feature = nn.Conv2d(takes, gives, layer.kernel, **sizes)  # type: ignore[arg-type]
        self.gate = nn.Conv2d(takes, gives, layer.kernel, **sizes)  # type: ignore[arg-type]
        self.shift = LearnableShift(takes, online=online) if shifted else None
        self.grows, self.activated = layer.grows, activated

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """Convolve x (n, c, h, w)."""
        moved = x if self.shift is None else self.shift(x, frames)
        if self.grows:
            x, moved = (F.interpolate(part, scale_factor=2, mode="nearest") for part in (x, moved))
        feature = self.feature(moved)
        feature = F.leaky_relu(feature, 0.2) if self.activated else feature
        return torch.sigmoid(self.gate(x)) * feature


class LGTSM(nn.Module):
    """The network; `width` is 64 in the paper (12.14 million weights)."""

    def __init__(self, width: int = 64, *, online: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Gated(layer, self._channels(layer.takes, width), self._channels(layer.gives, width),
                  online=online, shifted=number > 0, activated=True)
            for number, layer in enumerate(LAYERS)
        )  # fmt: skip
        last = Layer("conv11", 0.5, 0, 3, 1, 1, False)
        self.exit = Gated(last, self._channels(0.5, width), 3, online=online, shifted=True, activated=False)

    @staticmethod
    def _channels(multiple: float, width: int) -> int:
        return int(multiple * width) if multiple else KNOWN

    def remember(self, references: Inputs, clips: int) -> Bank:
        """Return an empty bank: it knows no references."""
        nothing = references.crop.new_zeros(clips, 0, 1)
        return Bank(nothing, nothing)

    def forward_clip(self, inputs: Inputs, bank: Bank, frames: int) -> Fill:
        """Fill whole clips of `frames` frames."""
        known = 1 - inputs.mask
        x = torch.cat([inputs.crop * known, known, inputs.drawing[:, :1]], 1)
        for layer in self.layers:
            x = layer(x, frames)
        image = self.exit(x, frames)
        return Fill(image, torch.full_like(image[:, :1], UNTRUSTED))
