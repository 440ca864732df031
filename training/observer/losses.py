"""What the observer is trained for: pure functions of what the network says and of the truth."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.observer.model import Observation

__all__ = ["Weights", "head_pose", "landmark_error", "losses"]

Weights = dict[str, float]
WEIGHTS: Weights = {
    "points": 10.0,
    "guess": 4.0,
    "depth": 2.0,
    "visible": 0.2,
    "mask": 1.0,
    "overlap": 0.5,
    "face": 0.3,
    "same": 0.3,
    "pose": 0.5,
}
COVERED = 0.5  # what a landmark that cannot be seen counts


def head_pose(points: Tensor) -> Tensor:
    """Return yaw, pitch and roll (n, 3) in radians of landmarks (n, 468, 3)."""
    across, down = points[:, 454] - points[:, 234], points[:, 152] - points[:, 10]
    eyes = points[:, 263] - points[:, 33]
    return torch.stack(
        [
            torch.atan2(across[:, 2], across[:, 0]),
            torch.atan2(down[:, 2], down[:, 1]),
            torch.atan2(eyes[:, 1], eyes[:, 0]),
        ],
        dim=1,
    )


def landmark_error(points: Tensor, truth: Tensor) -> Tensor:
    """Return each landmark's distance from the truth (n, 468), in eye distances of the truth."""
    unit = (truth[:, 33, :2] - truth[:, 263, :2]).norm(dim=1).clamp_min(1e-3)
    return (points[..., :2] - truth[..., :2]).norm(dim=-1) / unit[:, None]


def losses(said: Observation, truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return each loss, unweighted; landmarks count where there is a face."""
    is_face = (truth["face"] != 0).float()
    weight = is_face[:, None] * (COVERED + (1 - COVERED) * truth["visible"])
    weight = weight / weight.sum().clamp_min(1)
    unit = (truth["points"][:, 33, :2] - truth["points"][:, 263, :2]).norm(dim=1).clamp_min(1e-3)[:, None]
    depth = (said.points[..., 2] - truth["points"][..., 2]).abs() / unit
    covered = truth["mask"]
    belief = torch.sigmoid(said.mask)
    both, either = (belief * covered).sum((1, 2)), (belief + covered - belief * covered).sum((1, 2))
    edge = 1 + 2 * _edge(covered)
    return {
        "points": (_robust(landmark_error(said.points, truth["points"])) * weight).sum(),
        "guess": (_robust(landmark_error(said.guess, truth["points"])) * weight).sum(),
        "depth": (depth * weight).sum(),
        "visible": _where(
            F.binary_cross_entropy_with_logits(said.visible, truth["visible"], reduction="none"), is_face
        ),
        "mask": (F.binary_cross_entropy_with_logits(said.mask, covered, reduction="none") * edge).mean(),
        "overlap": (1 - (both + 20) / (either + 20)).mean(),
        "face": _where(_says(said.face, truth["face"]), (truth["face"] >= 0).float()),
        "same": _where(_says(said.same, truth["same"]), (truth["same"] >= 0).float()),
        "pose": _where((said.pose - head_pose(truth["points"])).abs(), is_face),
    }


def _robust(error: Tensor) -> Tensor:
    """Grow as the error does, and a little faster where it is small: the last percents are what is wanted."""
    return error + 0.05 * torch.log1p(error / 0.01)


def _says(logit: Tensor, truth: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logit, truth.clamp_min(0), reduction="none")


def _where(values: Tensor, weight: Tensor) -> Tensor:
    while weight.dim() < values.dim():
        weight = weight.unsqueeze(-1)
    weight = weight.expand_as(values)
    return (values * weight).sum() / weight.sum().clamp_min(1)


def _edge(mask: Tensor) -> Tensor:
    """1 along the edge of a mask (n, h, w)."""
    share = F.avg_pool2d(mask[:, None], 5, 1, 2)[:, 0]
    return 4 * share * (1 - share)
