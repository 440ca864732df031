"""Run the generator on recorded clips, measure it there, and show what it does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from training import losses
from training.clips.dataset import Batch
from training.critic import Critic, face_of
from training.model import Bank, Fill, Inputs
from training.networks import Network

__all__ = ["examine", "fill_clips", "sheet"]


def fill_clips(
    model: Network,
    batch: Batch,
    frames: int,
    *,
    forward: Callable[[Inputs, Bank, int], Fill] | None = None,
    without: frozenset[str] = frozenset(),
    fast: bool = False,
) -> tuple[Fill, Inputs]:
    """Fill a batch of clips, in bfloat16 if `fast`; "reference" and "landmarks" may be left out.

    `forward` is the model's own `forward_clip`, if it has been compiled.
    """
    inputs, references = batch.inputs(), batch.references()
    if "reference" in without:
        inputs = inputs._replace(expected=inputs.crop * (1 - inputs.mask))
        references = Inputs(*(torch.zeros_like(part) for part in references))
    if "landmarks" in without:
        inputs = inputs._replace(drawing=torch.zeros_like(inputs.drawing))
    clips = len(inputs.crop) // frames
    with torch.autocast(inputs.crop.device.type, torch.bfloat16, enabled=fast):
        fill = (forward or model.forward_clip)(inputs, model.remember(references, clips), frames)
    return Fill(fill.image.float(), fill.trust.float()), inputs


@torch.no_grad()
def examine(
    model: Network, exam: list[Batch], frames: int, critic: Critic, *, without: frozenset[str] = frozenset()
) -> dict[str, float]:
    """Measure on clips, in the hole: PSNR, SSIM, LPIPS and flicker, beside those of what was expected."""
    rows: dict[str, list[float]] = {}
    for batch in exam:
        fill, inputs = fill_clips(model, batch, frames, without=without)
        truth, mask = batch.truth.float() / 255, inputs.mask
        for name, picture in (("", fill.image.clamp(0, 1)), ("expected ", inputs.expected)):
            squares = ((picture - truth).square() * mask).unflatten(0, (-1, frames)).sum((1, 2, 3, 4))
            count = 3 * mask.unflatten(0, (-1, frames)).sum((1, 2, 3, 4)).clamp_min(1)
            shown = (mask * picture + (1 - mask) * truth)[:: frames // 2]
            measured = {
                "psnr": float((-10 * torch.log10(squares / count + 1e-6)).mean()),
                "ssim": 1 - float(losses.dissimilarity(picture, truth, mask)),
                "flicker": 255 * float(losses.temporal(picture, truth, mask, frames)),
                "lpips": float(critic.distance(face_of(shown), face_of(truth[:: frames // 2])).mean()),
            }
            for key, value in measured.items():
                rows.setdefault(name + key, []).append(value)
    return {name: round(float(np.mean(values)), 4) for name, values in rows.items()}


@torch.no_grad()
def sheet(model: Network, batch: Batch, frames: int, *, without: frozenset[str] = frozenset()) -> Tensor:
    """Return a picture (3, h, w), a row for every third frame: covered, mask, expected, filled, true, trust."""
    fill, inputs = fill_clips(model, batch, frames, without=without)
    truth = batch.truth.float() / 255
    shown = inputs.mask * fill.image.clamp(0, 1) + (1 - inputs.mask) * truth
    parts = (inputs.crop, inputs.mask, inputs.expected, shown, truth, fill.trust.sigmoid())
    columns = [part.expand(-1, 3, -1, -1)[::3] for part in parts]
    return torch.cat([part.permute(1, 0, 2, 3).flatten(1, 2) for part in columns], 2)
