"""The observer's network: where the face is, what covers it, and whether it is the one the reference shows.

An encoder sees the crop and the reference side by side, a decoder brings what it found back to a quarter of the crop's
side. Landmarks come in two steps, as in cascaded regression (Dollar et al. 2010): a global guess from the coarsest
features, in a basis of shapes, then each landmark reads the fine features where the guess has put it, and corrects
itself. All arithmetic is at a quarter of the crop's side and below, where it is cheap on a CPU.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["POINTS", "SIZE", "Observation", "Observer"]

SIZE = 192  # side of the crop in pixels
POINTS = 468
WIDTHS = (24, 64, 128, 160)  # channels at 1/4, 1/8, 1/16 and 1/32 of the crop's side
SHAPES = 96  # of the basis in which the global guess is made
CODE = 24  # numbers that tell one landmark from another


class Observation(NamedTuple):
    """What the network says; coordinates are in crop sides from the crop's middle."""

    points: Tensor  # (n, 468, 3)
    visible: Tensor  # (n, 468) logits
    mask: Tensor  # (n, 96, 96) logits, positive where something covers the head
    face: Tensor  # (n,) logits of there being a face
    same: Tensor  # (n,) logits of its being the reference's
    pose: Tensor  # (n, 3) yaw, pitch, roll in radians
    guess: Tensor  # (n, 468, 3), the points before they corrected themselves


class Residual(nn.Module):
    """Two 3x3 convolutions beside a straight path."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Refine x (n, channels, h, w)."""
        return F.relu(x + self.path(x))


def _entry(inside: int, outside: int, side: int, stride: int, padding: int = 0) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, side, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Observer(nn.Module):
    """Observe one crop, with or without a reference."""

    canonical: Tensor

    def __init__(self, canonical: Tensor | None = None) -> None:
        """`canonical` (468, 3) is the mean face, in crop sides: the prior where nothing is known."""
        super().__init__()
        a, b, c, d = WIDTHS
        self.register_buffer("canonical", torch.zeros(POINTS, 3) if canonical is None else canonical.float())
        self.quarter = nn.Sequential(_entry(7, a, 6, 4, 1), _entry(a, a, 3, 1, 1))
        self.eighth = nn.Sequential(_entry(a, b, 2, 2), Residual(b))
        self.sixteenth = nn.Sequential(_entry(b, c, 2, 2), Residual(c))
        self.coarse = nn.Sequential(_entry(c, d, 2, 2), Residual(d), Residual(d))
        self.up3, self.up2, self.up1 = _entry(d, c, 1, 1), _entry(c, b, 1, 1), _entry(b, a, 1, 1)
        self.join3, self.join2, self.join1 = (_entry(width, width, 3, 1, 1) for width in (c, b, a))
        self.mask = nn.Conv2d(a, 4, 1)
        self.fold = _entry(d, 40, 1, 1)
        self.knows = nn.Sequential(nn.Linear(2 * POINTS, 64), nn.ReLU(inplace=True))
        self.head = nn.Sequential(nn.Linear(40 * 36 + 64, 256), nn.ReLU(inplace=True))
        self.shape = nn.Sequential(nn.Linear(256, SHAPES), nn.Linear(SHAPES, 3 * POINTS))
        self.says = nn.Linear(256, 5)
        self.code = nn.Parameter(torch.randn(POINTS, CODE) * 0.3)
        self.near, self.around = nn.Conv2d(a, 16, 1), nn.Conv2d(b, 32, 1)
        self.local = nn.Sequential(
            nn.Linear(48 + CODE + 32, 96), nn.ReLU(inplace=True), nn.Linear(96, 64), nn.ReLU(inplace=True)
        )
        self.context = nn.Linear(256, 32)
        self.correct = nn.Linear(64, 4)
        for last in (self.shape[1], self.correct):
            nn.init.normal_(last.weight, std=1e-3)
            nn.init.zeros_(last.bias)

    def forward(self, crop: Tensor, reference: Tensor, known: Tensor, prior: Tensor) -> Observation:
        """Observe crops (n, 3, SIZE, SIZE), 0..1, with references of the same shape.

        `known` (n,) is 1 where there is a reference and 0 where not; `prior` (n, 468, 2) is where it was laid.
        """
        flag = known[:, None, None, None]
        pair = torch.cat([crop - 0.5, (reference - 0.5) * flag, flag.expand(-1, 1, SIZE, SIZE)], dim=1)
        quarter = self.quarter(pair)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        coarse = self.coarse(sixteenth)
        wide = self.join3(sixteenth + _twice(self.up3(coarse)))
        middle = self.join2(eighth + _twice(self.up2(wide)))
        fine = self.join1(quarter + _twice(self.up1(middle)))
        mask = F.pixel_shuffle(self.mask(fine), 2)[:, 0]

        on = known[:, None, None]
        canonical = self.canonical.expand(len(crop), -1, -1)
        start = torch.cat([on * prior + (1 - on) * canonical[..., :2], canonical[..., 2:]], dim=-1)
        told = self.knows((on * (prior - canonical[..., :2])).flatten(1))
        summary = self.head(torch.cat([self.fold(coarse).flatten(1), told], dim=1))
        with torch.autocast(summary.device.type, enabled=False):  # a few bits are not enough to say where something is
            guess = start + self.shape(summary.float()).view(-1, POINTS, 3)
        points, visible = self._corrected(guess, (self.near(fine), self.around(middle)), summary)
        says = self.says(summary)
        return Observation(points, visible, mask, says[:, 0], says[:, 1], says[:, 2:], guess)

    def _corrected(self, guess: Tensor, maps: tuple[Tensor, ...], summary: Tensor) -> tuple[Tensor, Tensor]:
        """Let each landmark read the features under it, and say by how much it is off and whether it is seen."""
        places = (guess[:, :, None, :2].detach() * 2).clamp(-1.2, 1.2)
        read = [
            F.grid_sample(one, places, mode="bilinear", padding_mode="border", align_corners=False)[..., 0].transpose(
                1, 2
            )
            for one in maps
        ]
        code = self.code.expand(len(guess), -1, -1)
        context = self.context(summary)[:, None].expand(-1, POINTS, -1)
        answer = self.correct(self.local(torch.cat([*read, code, context], dim=-1)))
        return guess + answer[..., :3], answer[..., 3]
