"""What the finder is trained for: pure functions of what the network says and of the truth.

Faces are (n, m, 6) as in `scenes.Scene`: x, y, radius, angle, 1 a face / 0 none / -1 not said, share that is covered.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.finder.model import RADIUS, STRIDE, Finding, cells

__all__ = ["WEIGHTS", "Target", "losses", "target"]

Target = dict[str, Tensor]
WEIGHTS = {"heat": 1.0, "offset": 3.0, "size": 2.0, "way": 3.0}
SPREAD = 0.22  # of the radius: standard deviation of the heat around a centre
LEAST = 3.0  # pixels: the same, of the smallest face
LEARNS = 0.3  # cells as hot as this learn the circle


def target(faces: Tensor, height: int, width: int) -> Target:
    """Return what a grid of height x width cells should say.

    `heat` (n, h, w) is 1 at the cell of a centre and falls off around it, `told` (n, h, w) is 0 where nothing is said
    about faces, `offset`, `size` and `way` are those of the face whose heat is the greatest there.
    """
    x, y, radius, angle, state, _ = (value[..., None, None] for value in faces.unbind(-1))
    middles = cells(height, width, faces.device)
    across, down = x - middles[0], y - middles[1]  # (n, m, h, w)
    away = torch.hypot(across, down)
    spread = (SPREAD * radius).clamp_min(LEAST)
    heat = torch.exp(-0.5 * (away / spread) ** 2) * (state > 0)
    nearest = (across.abs() <= STRIDE / 2) & (down.abs() <= STRIDE / 2) & (state > 0)
    heat = torch.where(nearest, torch.ones_like(heat), heat)
    heat, which = heat.max(dim=1)
    untold = ((away < radius.clamp_min(STRIDE)) & (state < 0)).any(1) & (heat < LEARNS)

    def of_hottest(values: Tensor) -> Tensor:
        return values.expand_as(away).gather(1, which[:, None])[:, 0]

    radius = radius.clamp_min(1)
    return {
        "heat": heat,
        "told": (~untold).float(),
        "offset": torch.stack([of_hottest(across / radius), of_hottest(down / radius)], dim=1),
        "size": of_hottest(torch.log(radius / RADIUS)),
        "way": torch.stack([of_hottest(torch.cos(angle)), of_hottest(torch.sin(angle))], dim=1),
    }


def losses(said: Finding, truth: Target) -> dict[str, Tensor]:
    """Return each loss, unweighted: the focal loss of the heat (Law and Deng 2018, equation 1), L1 of the others."""
    heat, told = truth["heat"], truth["told"]
    center = (heat > 0.999).float()
    belief = torch.sigmoid(said.heat)
    missed = F.softplus(-said.heat) * (1 - belief) ** 2 * center
    invented = F.softplus(said.heat) * belief**2 * (1 - heat) ** 4 * (1 - center)
    weight = heat * (heat >= LEARNS)
    weight = weight / weight.sum().clamp_min(1)
    return {
        "heat": ((missed + invented) * told).sum() / center.sum().clamp_min(1),
        "offset": ((said.offset - truth["offset"]).abs().sum(1) * weight).sum(),
        "size": ((said.size - truth["size"]).abs() * weight).sum(),
        "way": ((said.way - truth["way"]).abs().sum(1) * weight).sum(),
    }
