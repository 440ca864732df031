"""CombCN: a 3D network at half the size, and a 2D network that it guides (Wang et al. 2019, arXiv 1806.08482).

The 3D network completes the clip coarsely and keeps it steady; the 2D network completes each frame, and is shown the
coarse one twice, on the way down and on the way up. It looks into the future: it cannot be used live. Layers as in the
description; no landmarks, no reference.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.baselines.lgtsm import UNTRUSTED
from training.model import Bank, Fill, Inputs

__all__ = ["CombCN"]

KNOWN = 4  # channels of what is seen: masked picture 3, mask 1


class Coarse(nn.Module):
    """The 3D network, a U-Net over time and space; `width` is 16 in the description."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w = width
        self.conv1 = _volume(KNOWN, w, 5)
        self.conv2 = _volume(w, 2 * w, 3, stride=2)
        self.conv3 = _volume(2 * w, 4 * w, 3)
        self.conv4 = _volume(4 * w, 8 * w, 3, stride=2)
        self.middle = nn.ModuleList(_volume(a * w, 16 * w, 3, dilation=d) for a, d in ((8, 2), (16, 4), (16, 8)))
        self.conv8 = _volume(16 * w, 8 * w, 3)
        self.conv9 = _volume(16 * w, 4 * w, 3)
        self.conv10 = _volume(8 * w, 2 * w, 3)
        self.conv11 = _volume(4 * w, w, 3)
        self.exit = nn.Conv3d(w, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Complete volumes (clips, 4, t, h, w) coarsely."""
        one = self.conv1(x)
        two = self.conv2(one)
        three = self.conv3(two)
        four = deep = self.conv4(three)
        for layer in self.middle:
            deep = layer(deep)
        deep = self.conv8(deep)
        up = self.conv10(torch.cat([self.conv9(_grown(torch.cat([deep, four], 1), three)), three], 1))
        up = self.conv11(_grown(torch.cat([up, two], 1), one))
        return self.exit(up)  # type: ignore[no-any-return]


class Fine(nn.Module):
    """The 2D network; `width` is 64 in the description."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w = width
        self.conv1, self.conv2 = _picture(KNOWN, w, 5), _picture(w, 2 * w, 3, stride=2)
        self.conv3, self.conv4 = _picture(2 * w + 3, 2 * w, 3), _picture(2 * w, 4 * w, 3, stride=2)
        self.conv5, self.conv6 = _picture(4 * w, 4 * w, 3), _picture(4 * w, 4 * w, 3)
        self.dilated = nn.ModuleList(_picture(4 * w, 4 * w, 3, dilation=d) for d in (2, 4, 8, 16))
        self.conv11, self.conv12 = _picture(8 * w, 4 * w, 3), _picture(8 * w, 4 * w, 3)
        self.conv13 = _picture(8 * w, 2 * w, 3)
        self.conv14 = _picture(4 * w, 2 * w, 3)
        self.conv15 = _picture(4 * w + 3, w, 3)
        self.conv16 = _picture(2 * w, w // 2, 3)
        self.exit = nn.Conv2d(w // 2, 3, 3, padding=1)

    def forward(self, x: Tensor, coarse: Tensor) -> Tensor:
        """Complete pictures (n, 4, h, w), shown the coarse ones (n, 3, h / 2, w / 2)."""
        one = self.conv1(x)
        two = self.conv2(one)
        three = self.conv3(torch.cat([two, coarse], 1))
        four = self.conv4(three)
        five = self.conv5(four)
        deep = self.conv6(five)
        for layer in self.dilated:
            deep = layer(deep)
        deep = self.conv12(torch.cat([self.conv11(torch.cat([deep, five], 1)), four], 1))
        up = self.conv13(F.interpolate(torch.cat([deep, four], 1), scale_factor=2))
        up = self.conv14(torch.cat([up, three], 1))
        up = self.conv15(F.interpolate(torch.cat([up, two, coarse], 1), scale_factor=2))
        return self.exit(self.conv16(torch.cat([up, one], 1)))  # type: ignore[no-any-return]


class CombCN(nn.Module):
    """Both networks, trained together; the fill's coarse frames are kept for their own loss."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.coarse, self.fine = Coarse(width // 4), Fine(width)
        self.last_coarse: Tensor | None = None  # (n, 3, h / 2, w / 2) of the last clips

    def remember(self, references: Inputs, clips: int) -> Bank:
        """Return an empty bank: it knows no references."""
        nothing = references.crop.new_zeros(clips, 0, 1)
        return Bank(nothing, nothing)

    def forward_clip(self, inputs: Inputs, bank: Bank, frames: int) -> Fill:
        """Fill whole clips of `frames` frames."""
        known = 1 - inputs.mask
        x = torch.cat([inputs.crop * known, known], 1)
        half = F.avg_pool2d(x, 2).unflatten(0, (-1, frames)).transpose(1, 2)
        self.last_coarse = self.coarse(half).transpose(1, 2).flatten(0, 1)
        image = self.fine(x, self.last_coarse)
        return Fill(image, torch.full_like(image[:, :1], UNTRUSTED))


def _volume(takes: int, gives: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    padding = (kernel // 2, dilation * (kernel // 2), dilation * (kernel // 2))
    convolution = nn.Conv3d(
        takes, gives, kernel, stride=(1, stride, stride), padding=padding, dilation=(1, dilation, dilation)
    )
    return nn.Sequential(convolution, nn.BatchNorm3d(gives), nn.ReLU())


def _picture(takes: int, gives: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(takes, gives, kernel, stride=stride, padding=padding, dilation=dilation)
    return nn.Sequential(convolution, nn.BatchNorm2d(gives), nn.ReLU())


def _grown(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[2:])
