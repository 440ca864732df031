"""The discriminator: which patches of a clip are real (a temporal PatchGAN, LGTSM, arXiv 1907.01131, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

__all__ = ["Discriminator"]

WIDTHS = (32, 64, 96, 128)


class Discriminator(nn.Module):
    """Looks at three neighbouring frames and the mask; spectrally normalised throughout (Miyato et al. 2018)."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        inside = (3 * 3 + 1, *widths[:-1])
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in zip(inside, widths, strict=True)
        )
        self.judge = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Return scores (clips * (t - 2), 1, h / 16, w / 16) of frames (clips, t, 3, h, w), 0..1, given the holes."""
        triples = torch.cat([frames[:, :-2], frames[:, 1:-1], frames[:, 2:]], 2).flatten(0, 1)
        x = torch.cat([triples * 2 - 1, mask[:, 1:-1].flatten(0, 1)], 1)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return self.judge(x)
