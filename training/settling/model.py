"""The settler: by how much the expected picture must still be moved where it is hidden.

A small U-Net (Ronneberger et al. 2015) looks, in half the crop's resolution, at what is seen beside the occluder and at
what was expected there and behind it, and gives a smooth displacement. As in the generator a part of its features is
shifted in time (LGTSM, Chang et al. 2019, arXiv 1907.01131, section 3.2), so that it is steady. While it learns it also
says how the light differs, which explains that away; what runs leaves that to the generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from livefill.settler import SIDE
from training.model import Clip, Level, Shift, Stream, Time

__all__ = ["FIELD", "INPUTS", "LIGHT", "Settler", "moved"]

FIELD = 32  # places a side in which it answers
INPUTS = 9  # crop 3, mask 1, expected 3, drawing 2
WIDTHS = (32, 48, 64, 96)  # channels at 1/2, 1/4, 1/8 and 1/16 of the side
DEPTHS = (1, 2, 2, 3)
LIGHT = 0.1  # of full scale, that one of light stands for


class Block(nn.Module):
    """A residual convolution, part of whose input is shifted in time."""

    def __init__(self, channels: int, *, shifted: bool) -> None:
        super().__init__()
        self.shift = Shift(channels, offline=False, on=shifted)
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, time: Time) -> Tensor:
        """Refine x (n, c, h, w)."""
        return x + torch.relu(self.convolution(self.shift(x, time)))


def _level(channels: int, depth: int, *, shifted: bool) -> Level:
    return Level(Block(channels, shifted=shifted) for _ in range(depth))


class Settler(nn.Module):
    """Says where what is hidden lies; `forward_clip` and `forward_frame` are two ways through the same weights."""

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        entry = (INPUTS + 3, *widths[:-1])
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4 if i == 0 else 3, stride=2, padding=1)
            for i, (a, b) in enumerate(zip(entry, widths, strict=True))
        )
        self.before = nn.ModuleList(
            _level(width, depth, shifted=i >= 2) for i, (width, depth) in enumerate(zip(widths, DEPTHS, strict=True))
        )
        self.up = nn.ModuleList([nn.Conv2d(widths[2], widths[1], 1), nn.Conv2d(widths[3], widths[2], 1)])
        self.after = nn.ModuleList([_level(widths[1], 2, shifted=False), _level(widths[2], 2, shifted=True)])
        self.leave = nn.ModuleList(nn.Conv2d(width, 5, 3, padding=1) for width in widths[1:3])
        for layer in self.leave:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward_clip(self, seen: Tensor, frames: int) -> Tensor:
        """Return displacement and light (n, 5, FIELD, FIELD) of what is `seen` (n, INPUTS, SIDE, SIDE), clip by clip.

        The displacement is in pixels of SIDE.
        """
        return self._say(seen, Clip(frames))

    def forward_frame(self, seen: Tensor, past: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Do the same for one frame of each stream, given what `initial_state` or the call before returned as state."""
        time = Stream(past)
        return self._say(seen, time), time.kept

    def initial_state(self, streams: int = 1) -> list[Tensor]:
        """Return the state before the first frame: a zero for every shifted feature."""
        return [torch.zeros(streams, *shape) for shape in self.state_shapes()]

    def state_shapes(self) -> list[tuple[int, int, int]]:
        """Return the shape (c, h, w) of each tensor of the state, in the order in which they are used."""
        fine, coarse = ((self.widths[i], SIDE >> (i + 1), SIDE >> (i + 1)) for i in (2, 3))
        return [fine] * DEPTHS[2] + [coarse] * DEPTHS[3] + [fine] * len(self.after[1].blocks)  # type: ignore[arg-type]

    def _say(self, seen: Tensor, time: Time) -> Tensor:
        crop, mask, expected, drawing = seen.split([3, 1, 3, 2], 1)
        visible = 1 - mask
        x = torch.cat([(crop - 0.5) * visible, mask, expected - 0.5, drawing, (crop - expected) * visible * 4], 1)
        levels = []
        for down, before in zip(self.down, self.before, strict=True):
            x = before(torch.relu(down(x)), time)
            levels.append(x)
        _, fine, middle, coarse = levels
        middle = self.after[1](middle + _doubled(self.up[1](coarse)), time)
        fine = self.after[0](fine + _doubled(self.up[0](middle)), time)
        said: Tensor = _doubled(self.leave[1](middle)) + self.leave[0](fine)
        return said


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def moved(image: Tensor, displacement: Tensor) -> Tensor:
    """Move pictures (n, c, s, s) by displacements (n, 2, h, w) in pixels of SIDE."""
    size = image.shape[-1]
    places = torch.linspace(-1 + 1 / size, 1 - 1 / size, size, device=image.device)
    down, across = torch.meshgrid(places, places, indexing="ij")
    dense = F.interpolate(displacement.float(), size=(size, size), mode="bilinear", align_corners=False)
    look = torch.stack([across, down], -1) - dense.permute(0, 2, 3, 1) * (2 / SIDE)
    return F.grid_sample(image, look, mode="bilinear", padding_mode="border", align_corners=False)
