"""All that looks at the generator's fill while it learns; none of it is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training import losses
from training.features import VGG, AlexLPIPS, Expressions
from training.model import Fill, Inputs

__all__ = ["FACE", "Critic", "face_of"]

LOOK = 112  # pixels of the square about the hole that VGG looks at
LOOKS = 2  # frames of a batch that VGG looks at; every second one is looked at otherwise
FACE = 0.625  # of the crop's side that the face takes, in its middle


def face_of(images: Tensor) -> Tensor:
    """Return the middle of crops (n, 3, s, s): the face."""
    side = round(FACE * images.shape[-1])
    start = (images.shape[-1] - side) // 2
    return images[..., start : start + side, start : start + side]


class Critic(nn.Module):
    """Names what is wrong with a fill, but for what the discriminator says."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg, self.distance, self.expressions = VGG(), AlexLPIPS(), Expressions()

    def forward(self, fill: Fill, inputs: Inputs, truth: Tensor, frames: int, *, fast: bool) -> dict[str, Tensor]:
        """Return the named terms; `fast` looks in bfloat16."""
        mask, image = inputs.mask, fill.image
        shown = mask * image + (1 - mask) * truth
        terms = {
            "hole": losses.hole(image, truth, mask),
            "whole": losses.whole(image, truth, mask),
            "structure": losses.dissimilarity(face_of(image), face_of(truth), face_of(mask)),
            "temporal": losses.temporal(image, truth, mask, frames),
            "detail": losses.detail(image, inputs.expected, fill.trust, truth, mask),
        }
        with torch.autocast(image.device.type, torch.bfloat16, enabled=fast):
            return terms | self._felt(shown, truth, mask)

    def _felt(self, shown: Tensor, truth: Tensor, mask: Tensor) -> dict[str, Tensor]:
        picked = torch.randperm(len(shown))[:LOOKS]
        looked, meant = (_squares(part[picked], mask[picked]) for part in (shown, truth))
        start = int(torch.randint(2, ()))
        faces, true_faces = (face_of(part[start::2]) for part in (shown, truth))
        with torch.no_grad():
            wanted = [part.float() for part in self.vgg(meant)]
            true_expression = self.expressions(true_faces)
        seen = [part.float() for part in self.vgg(looked)]
        return {
            "perceptual": losses.perceptual(seen, wanted),
            "style": losses.style(seen, wanted),
            "distance": self.distance(faces, true_faces).mean(),
            "expression": losses.expression(self.expressions(faces), true_expression),
        }


def _squares(images: Tensor, masks: Tensor) -> Tensor:
    """Cut the square about each picture's hole."""
    corners = losses.around(masks, LOOK).tolist()
    return torch.stack([image[:, y : y + LOOK, x : x + LOOK] for image, (y, x) in zip(images, corners, strict=True)])
