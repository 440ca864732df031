"""What the generator is told: pure functions, one term each, and their weights.

Pictures are (n, 3, h, w), 0..1, with n = clips x frames; masks (n, 1, h, w) are 1 in the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "Weights",
    "adversarial",
    "around",
    "coarse",
    "detail",
    "discriminating",
    "dissimilarity",
    "expression",
    "hole",
    "perceptual",
    "style",
    "temporal",
    "whole",
]


@dataclass(frozen=True)
class Weights:
    """How much each term counts."""

    hole: float = 6.0
    whole: float = 1.0
    structure: float = 1.0
    temporal: float = 3.0
    perceptual: float = 0.4
    style: float = 40.0
    distance: float = 4.0
    expression: float = 0.2
    detail: float = 1.0
    adversarial: float = 0.02
    coarse: float = 6.0  # of CombCN's 3D network

    def of(self, terms: dict[str, Tensor]) -> Tensor:
        """Return the weighted sum of named terms."""
        known = {field.name for field in fields(self)}
        if strange := set(terms) - known:
            raise ValueError(f"no weight is known for {', '.join(sorted(strange))}")
        return torch.stack([getattr(self, name) * value for name, value in terms.items()]).sum()


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the channels where the mask is 1."""
    return (values * mask).sum() / (mask.sum() * values.shape[1]).clamp_min(1)


def hole(fill: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error in the hole."""
    return _mean((fill - truth).abs(), mask)


def whole(fill: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error around the hole: what the fill says there carries the seam."""
    return _mean((fill - truth).abs(), 1 - mask)


def dissimilarity(fill: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """1 - SSIM of the luma in the hole (Wang et al. 2004), windows of 7 pixels."""
    luma = torch.tensor([0.299, 0.587, 0.114], device=fill.device).view(1, 3, 1, 1)
    a, b = ((image * luma).sum(1, keepdim=True) for image in (fill, truth))

    def mean(x: Tensor) -> Tensor:  # along one axis after the other: a fifth of the time
        for side, pad in (((7, 1), (3, 0)), ((1, 7), (0, 3))):
            x = F.avg_pool2d(x, side, stride=1, padding=pad, count_include_pad=False)
        return x

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))
    return _mean(1 - ssim, mask)


def temporal(fill: Tensor, truth: Tensor, mask: Tensor, frames: int) -> Tensor:
    """Mean absolute error of the change from frame to frame, in the hole of both: what flickers."""
    error = (fill - truth).unflatten(0, (-1, frames))
    both = mask.unflatten(0, (-1, frames))
    return _mean((error[:, 1:] - error[:, :-1]).abs().flatten(0, 1), (both[:, 1:] * both[:, :-1]).flatten(0, 1))


def perceptual(fill: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of features (Johnson et al. 2016)."""
    return torch.stack([(a - b).abs().mean() for a, b in zip(fill, truth, strict=True)]).sum()


def style(fill: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of the features' Gram matrices (Gatys et al. 2016), per picture."""
    return torch.stack([(_gram(a) - _gram(b)).abs().mean() for a, b in zip(fill, truth, strict=True)]).sum()


def _gram(features: Tensor) -> Tensor:
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def expression(fill: tuple[Tensor, Tensor], truth: tuple[Tensor, Tensor]) -> Tensor:
    """How far the expression read from the filled face is from the true one's: features and probabilities.

    The FER loss of arXiv 2402.09100; what network they used is not known to us.
    """
    features = (fill[0] - truth[0]).abs().mean()
    said, meant = F.log_softmax(fill[1], 1), F.softmax(truth[1], 1)
    return features + F.kl_div(said, meant, reduction="batchmean")


def coarse(fill: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error in the hole of a fill (n, 3, h / 2, w / 2) at half the size."""
    return _mean((fill - F.avg_pool2d(truth, 2)).abs(), F.avg_pool2d(mask, 2))


def detail(fill: Tensor, expected: Tensor, trust: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Teach where the expected picture's finest detail may be shown.

    At run time the fill is enlarged, and what the reference knows beyond its resolution is added where it is trusted.
    Here the fill is shrunk by two and enlarged, and the expected picture's own detail stands for that; no gradient
    reaches the fill.
    """
    coarse = _coarse(fill.detach())
    shown = coarse + torch.sigmoid(trust) * (expected - _coarse(expected))
    return _mean((shown - truth).abs(), mask)


def _coarse(image: Tensor) -> Tensor:
    return F.interpolate(F.avg_pool2d(image, 2), scale_factor=2.0, mode="bilinear")


def adversarial(scores: Tensor) -> Tensor:
    """What the generator wants of the discriminator (hinge)."""
    return -scores.mean()


def discriminating(real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator wants (hinge)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def around(mask: Tensor, side: int) -> Tensor:
    """Return for each mask (n, 1, s, s) the corner (n, 2), row and column, of a square about the middle of its hole."""
    size = mask.shape[-1]
    places = torch.arange(size, dtype=mask.dtype, device=mask.device)
    weight = mask[:, 0].sum((1, 2)).clamp_min(1)
    row = (mask[:, 0].sum(2) * places).sum(1) / weight
    column = (mask[:, 0].sum(1) * places).sum(1) / weight
    corner = torch.stack([row, column], 1) - side / 2
    return corner.clamp(0, size - side).long()
