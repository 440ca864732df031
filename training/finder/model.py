"""The finder's network: a small fully convolutional one that says for each cell of 8 x 8 pixels what lies there.

Objects are points (Zhou et al. 2019, "Objects as Points"): a heat map of centres and, for the cell that holds one, the
circle and the roll. A face may fill the picture, so the coarse levels see far, and are added to the finer ones on the
way back (feature pyramids, Lin et al. 2017).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["RADIUS", "STRIDE", "Finder", "Finding", "cells", "places"]

STRIDE = 8  # pixels from one cell to the next
RADIUS = 30.0  # pixels: the radius whose logarithm is the network's zero
WIDTHS = (16, 32, 48, 64)  # channels at strides 4, 8, 16 and 32
PRIOR = -4.0  # logit of a face at first: most cells have none


class Finding(NamedTuple):
    """What the network says of each cell."""

    heat: Tensor  # (n, h, w) logits of a face's centre being there
    offset: Tensor  # (n, 2, h, w) from the cell's middle to the centre, in radii
    size: Tensor  # (n, h, w) logarithm of the radius over RADIUS
    way: Tensor  # (n, 2, h, w) cosine and sine of the angle, not normalised


def _convolution(inside: int, outside: int, side: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, side, stride=stride, padding=(side - 1) // 2 if stride == 1 else 1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two 3x3 convolutions beside a straight path."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, 3)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Refine x (n, channels, h, w)."""
        return F.relu(x + self.second(self.first(x)))


class Finder(nn.Module):
    """Find faces in whole pictures."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.stem = _convolution(3, a, 6, 4)
        self.eighth = nn.Sequential(_convolution(a, b, 3, 2), Residual(b))
        self.sixteenth = nn.Sequential(_convolution(b, c, 3, 2), Residual(c), Residual(c))
        self.coarse = nn.Sequential(_convolution(c, d, 3, 2), Residual(d), Residual(d), Residual(d))
        self.narrow2, self.narrow1 = _convolution(d, c, 1), _convolution(c, b, 1)
        self.join2, self.join1 = Residual(c), Residual(b)
        last = nn.Conv2d(b, 6, 1)
        nn.init.normal_(last.weight, std=1e-2)
        last.bias = nn.Parameter(torch.tensor([PRIOR, 0.0, 0.0, 0.0, 1.0, 0.0]))
        self.head = nn.Sequential(_convolution(b, b, 3), last)

    def forward(self, picture: Tensor) -> Finding:
        """Look at pictures (n, 3, h, w), 0..1, sides divisible by 32."""
        eighth = self.eighth(self.stem(picture - 0.5))
        sixteenth = self.sixteenth(eighth)
        coarse = self.narrow2(self.coarse(sixteenth))
        middle = self.join2(sixteenth + F.interpolate(coarse, scale_factor=2.0, mode="nearest"))
        fine = self.join1(eighth + F.interpolate(self.narrow1(middle), scale_factor=2.0, mode="nearest"))
        said = self.head(fine)
        return Finding(said[:, 0], said[:, 1:3], said[:, 3], said[:, 4:6])


def cells(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Return the middles (2, height, width) of the cells: x and y in pixels, a pixel's middle being a whole number."""
    x = torch.arange(width, device=device) * float(STRIDE) + (STRIDE - 1) / 2
    y = torch.arange(height, device=device) * float(STRIDE) + (STRIDE - 1) / 2
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def places(said: Finding) -> Tensor:
    """Return x, y, radius in pixels and the angle in radians (n, h, w, 4) of what each cell believes in."""
    radius = RADIUS * torch.exp(said.size)
    middles = cells(said.size.shape[1], said.size.shape[2], said.size.device)
    center = middles + said.offset * radius[:, None]
    angle = torch.atan2(said.way[:, 1], said.way[:, 0])
    return torch.stack([center[:, 0], center[:, 1], radius, angle], dim=-1)
