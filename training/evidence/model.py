"""The network that weighs evidence: a small U-Net (Ronneberger et al. 2015) over what is known of each pixel.

0.15 million weights, 0.1 GMAC. It begins at half the mask's resolution, and its last convolution gives four pixels a
place (Shi et al. 2016), which keeps it small.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from livefill.evidence import FEATURES

__all__ = ["Evidence"]

WIDTHS = (32, 48, 64)  # channels at a half, a quarter and an eighth of the side


class Evidence(nn.Module):
    """Says how likely each pixel is covered."""

    def __init__(self, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.enter = nn.Conv2d(len(FEATURES), fine, 4, stride=2, padding=1)
        self.down = nn.ModuleList(
            [nn.Conv2d(fine, middle, 3, stride=2, padding=1), nn.Conv2d(middle, coarse, 3, stride=2, padding=1)]
        )
        self.before = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for width in widths])
        self.up = nn.ModuleList([nn.Conv2d(middle, fine, 1), nn.Conv2d(coarse, middle, 1)])
        self.after = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for width in widths[:2]])
        self.leave = nn.Conv2d(fine, 4, 3, padding=1)

    def forward(self, known: Tensor) -> Tensor:
        """Return the log-odds (b, n, n) of what is `known` (b, len(FEATURES), n, n); n is a multiple of 8."""
        levels = [_more(torch.relu(self.enter(known)), self.before[0])]
        for down, before in zip(self.down, self.before[1:], strict=True):
            levels.append(_more(torch.relu(down(levels[-1])), before))
        x = levels.pop()
        for up, after in zip(reversed(self.up), reversed(self.after), strict=True):
            coarse = F.interpolate(up(x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = _more(levels.pop() + coarse, after)
        return F.pixel_shuffle(self.leave(x), 2)[:, 0]


def _more(x: Tensor, convolution: nn.Module) -> Tensor:
    return x + torch.relu(convolution(x))
