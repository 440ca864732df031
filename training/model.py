"""The generator: what the face looks like behind the occluder, frame after frame.

A U-Net of gated convolutions (Yu et al. 2019, arXiv 1806.03589, section 3.1) with a learnable temporal shift on the
feature branch (LGTSM, Chang et al. 2019, arXiv 1907.01131, section 3.2), landmarks and a reference as guidance
(arXiv 2402.09100). Pixels are folded into channels at the entrance and unfolded at the exit, so that all arithmetic is
at a quarter of the crop's side and below, where it is cheap on a CPU. At the coarsest level the frame's features attend
to themselves and to those of the profile's references, the bank.

It gives a change to the expected picture (the warped reference in the frame's light), not a picture: before it has
learned anything it gives the expected picture back.

Shapes: n = batch x frames, s = side of the crop, c = channels. Clips are flat: frame t of clip b is b * frames + t.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import tomllib
import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "Bank",
    "Clip",
    "Config",
    "Fill",
    "Generator",
    "Inputs",
    "Level",
    "Picture",
    "Shift",
    "Stream",
    "look",
    "read_config",
]

FEWEST = 16  # channels to shift: what CPUs compute at a time
CHANNELS = 9  # of what is seen: crop 3, mask 1, expected 3, drawing 2


@dataclass(frozen=True)
class Config:
    """A size of the network."""

    name: str
    size: int  # side of the crop in pixels
    fold: int  # pixels of a side that are folded into channels
    widths: tuple[int, int, int]  # channels at 1, 1/2 and 1/4 of the folded side
    depths: tuple[int, int, int]  # gated blocks at each level, on the way down and, but for the coarsest, up again
    keys: int  # numbers in which attention compares
    references: int  # in the bank
    offline: bool = False  # whether the shift may look one frame ahead
    attention: bool = True  # without it and without the shift: for ablations
    shift: bool = True

    @property
    def coarse(self) -> int:
        """Side of the coarsest level."""
        return self.size // self.fold // 4


def read_config(path: Path) -> Config:
    """Read the table [model] of a configuration file."""
    table = tomllib.loads(path.read_text())["model"]
    return Config(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})


class Inputs(NamedTuple):
    """What the network sees, all 0..1."""

    crop: Tensor  # (n, 3, s, s) what the camera sees
    mask: Tensor  # (n, 1, s, s) 1 where it is covered
    expected: Tensor  # (n, 3, s, s) the warped reference in the light of the crop
    drawing: Tensor  # (n, 2, s, s) the landmarks, drawn as lines and as openings


class Bank(NamedTuple):
    """What is remembered of a profile's references: encoded once, an input to every frame."""

    keys: Tensor  # (clips, places, keys)
    values: Tensor  # (clips, places, c)


class Fill(NamedTuple):
    """What the network gives."""

    image: Tensor  # (n, 3, s, s)
    trust: Tensor  # (n, 1, s, s) logits, positive where the reference's own detail may be shown


class Time(Protocol):
    """Where a shift finds the frames before and after."""

    def before(self, x: Tensor) -> Tensor:
        """Return, for each frame's x, that of the frame before; zeros before the first."""
        ...

    def after(self, x: Tensor) -> Tensor:
        """Return, for each frame's x, that of the frame after; zeros after the last."""
        ...


class Clip:
    """Time as a whole clip knows it."""

    def __init__(self, frames: int) -> None:
        self._frames = frames

    def before(self, x: Tensor) -> Tensor:
        """Delay by a frame."""
        clips = x.unflatten(0, (-1, self._frames))
        return torch.cat([torch.zeros_like(clips[:, :1]), clips[:, :-1]], 1).flatten(0, 1)

    def after(self, x: Tensor) -> Tensor:
        """Advance by a frame."""
        clips = x.unflatten(0, (-1, self._frames))
        return torch.cat([clips[:, 1:], torch.zeros_like(clips[:, :1])], 1).flatten(0, 1)


class Picture:
    """Time as a single picture knows it: nothing was before, and nothing comes after."""

    def before(self, x: Tensor) -> Tensor:
        """Return a zero for all of x."""
        return x.new_zeros(())

    after = before


class Stream:
    """Time as a running camera knows it: one frame, what was kept of the last one, and no future."""

    def __init__(self, past: Sequence[Tensor]) -> None:
        self._past: Iterator[Tensor] = iter(past)
        self.kept: list[Tensor] = []  # for the next frame

    def before(self, x: Tensor) -> Tensor:
        """Take the next of the past states, and keep x for the frame to come."""
        self.kept.append(x)
        return next(self._past)

    def after(self, x: Tensor) -> Tensor:
        """Refuse."""
        raise ValueError("a stream knows no frame after this one: an offline generator needs whole clips")


class Shift(nn.Module):
    """A learnable temporal shift: a quarter of the channels, or FEWEST, are mixed with those of the frame before.

    One weight per channel and tap (t - 1, t; offline also t + 1), at first half of each. The other channels take part
    with the weights 0 and 1: taking the shifted ones out and putting them back costs more than to multiply all.
    """

    def __init__(self, channels: int, *, offline: bool, on: bool = True) -> None:
        super().__init__()
        self.shifted = min(max(channels // 4, FEWEST), channels) if on else 0
        self.offline = offline
        self.taps = nn.Parameter(torch.full((3 if offline else 2, self.shifted, 1, 1), 0.5))
        if offline:
            self.taps.data /= 1.5

    def forward(self, x: Tensor, time: Time) -> Tensor:
        """Mix x (n, c, h, w) over time."""
        if not self.shifted:
            return x
        past, now, *future = self._weights(x.shape[1])
        mixed = past * time.before(x) + now * x
        return mixed + future[0] * time.after(x) if future else mixed

    def _weights(self, channels: int) -> list[Tensor]:
        """Return the weight of every channel (channels, 1, 1), for each tap."""
        others = (channels - self.shifted, 1, 1)
        return [torch.cat([tap, tap.new_full(others, float(number == 1))]) for number, tap in enumerate(self.taps)]


class GatedBlock(nn.Module):
    """A gated convolution beside a straight path; its features are shifted in time, its gate is not."""

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        self.shift = Shift(channels, offline=config.offline, on=config.shift)
        self.feature = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 1)
        nn.init.normal_(self.feature.weight, std=0.7 * (9 * channels) ** -0.5)

    def forward(self, x: Tensor, time: Time) -> Tensor:
        """Refine x (n, c, h, w)."""
        lit = F.leaky_relu(x, 0.2)
        return x + self.feature(self.shift(lit, time)) * torch.sigmoid(self.gate(lit))


class Level(nn.Module):
    """Blocks that are told of time, one after another."""

    def __init__(self, blocks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, time: Time) -> Tensor:
        """Refine x (n, c, h, w)."""
        for block in self.blocks:
            x = block(x, time)
        return x


class Attention(nn.Module):
    """Every place of the frame looks at all of its places and at all of the bank's (Vaswani et al. 2017)."""

    def __init__(self, channels: int, keys: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(channels, keys, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        self.scale = keys**-0.5

    def remember(self, x: Tensor, clips: int) -> Bank:
        """Turn features of references (clips * references, c, h, w) into what frames attend to."""
        x = F.leaky_relu(x, 0.2)
        keys, values = (part.flatten(2).transpose(1, 2) for part in (self.key(x), self.value(x)))
        return Bank(*(part.reshape(clips, -1, part.shape[-1]) for part in (keys, values)))

    def forward(self, x: Tensor, bank: Bank) -> Tensor:
        """Refine x (n, c, h, w); each clip of the batch has its own bank."""
        lit = F.leaky_relu(x, 0.2)
        query = self.query(lit).flatten(2).transpose(1, 2)  # (n, h w, keys)
        keys, values = self.remember(x, len(x))
        frames = len(x) // len(bank.keys)
        remembered = bank if frames == 1 else Bank(*(part.repeat_interleave(frames, 0) for part in bank))
        keys, values = (torch.cat(pair, 1) for pair in zip((keys, values), remembered, strict=True))
        weight = torch.softmax(query @ keys.transpose(1, 2) * self.scale, -1)
        found = (weight @ values).transpose(1, 2).reshape(x.shape)
        return x + self.out(found)


class Generator(nn.Module):
    """The network; `forward_clip` and `forward_frame` are two ways through the same weights."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        fine, middle, coarse = config.widths
        self.entry = nn.Conv2d(CHANNELS, fine, config.fold, stride=config.fold)
        levels = [
            Level(GatedBlock(width, config) for _ in range(depth))
            for width, depth in zip(
                (*config.widths, middle, fine), (*config.depths, *config.depths[1::-1]), strict=True
            )
        ]
        self.down1, self.down2, self.bottom, self.up2, self.up1 = levels
        self.shrink1 = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.shrink2 = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.attention = Attention(coarse, config.keys)
        self.grow2 = nn.Conv2d(coarse, middle, 1)
        self.grow1 = nn.Conv2d(middle, fine, 1)
        self.exit = nn.Conv2d(fine, 4 * config.fold**2, 3, padding=1)
        for layer in (self.exit, self.attention.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward_clip(self, inputs: Inputs, bank: Bank, frames: int) -> Fill:
        """Fill whole clips: `inputs` hold len(bank.keys) clips of `frames` frames each."""
        return self._fill(inputs, bank, Clip(frames))

    def forward_frame(self, inputs: Inputs, bank: Bank, past: Sequence[Tensor]) -> tuple[Fill, list[Tensor]]:
        """Fill one frame of each stream, given what `initial_state` or the call before returned as state."""
        time = Stream(past)
        fill = self._fill(inputs, bank, time)
        return fill, time.kept

    def initial_state(self, streams: int = 1) -> list[Tensor]:
        """Return the state before the first frame: a zero for every shifted feature."""
        return [torch.zeros(streams, *shape) for shape in self.state_shapes()]

    def state_shapes(self) -> list[tuple[int, int, int]]:
        """Return the shape (c, h, w) of each tensor of the state, in the order in which they are used."""
        side = self.config.size // self.config.fold
        fine, middle, coarse = self.config.widths
        levels = (
            (self.down1, 1, fine),
            (self.down2, 2, middle),
            (self.bottom, 4, coarse),
            (self.up2, 2, middle),
            (self.up1, 1, fine),
        )
        return [
            (width, side // step, side // step)
            for level, step, width in levels
            for block in level.blocks  # type: ignore[union-attr]
            if block.shift.shifted
        ]

    def remember(self, references: Inputs, clips: int) -> Bank:
        """Encode references (clips * references): uncovered crops, which are their own expectation."""
        features, *_ = self._down(self.enter(references), Picture())
        return self.attention.remember(features, clips)

    def enter(self, inputs: Inputs) -> Tensor:
        """Fold the pixels into channels (n, c, s / fold, s / fold)."""
        return self.entry(look(inputs) - 0.5)  # type: ignore[no-any-return]

    def features(self, entered: Tensor, bank: Bank, time: Time) -> Tensor:
        """Return what `exit` makes the picture of."""
        coarse, middle, fine = self._down(entered, time)
        if self.config.attention:
            coarse = self.attention(coarse, bank)
        coarse = self.bottom(coarse, time)
        middle = self.up2(middle + F.interpolate(self.grow2(coarse), scale_factor=2.0, mode="nearest"), time)
        fine = self.up1(fine + F.interpolate(self.grow1(middle), scale_factor=2.0, mode="nearest"), time)
        return F.leaky_relu(fine, 0.2)

    def _down(self, entered: Tensor, time: Time) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.down1(entered, time)
        middle = self.down2(self.shrink1(F.leaky_relu(fine, 0.2)), time)
        return self.shrink2(F.leaky_relu(middle, 0.2)), middle, fine

    def _fill(self, inputs: Inputs, bank: Bank, time: Time) -> Fill:
        change = F.pixel_shuffle(self.exit(self.features(self.enter(inputs), bank, time)), self.config.fold)
        return Fill(inputs.expected + change[:, :3], change[:, 3:])


def look(inputs: Inputs) -> Tensor:
    """Return all that is seen (n, CHANNELS, s, s), 0..1; what is covered is black."""
    return torch.cat([inputs.crop * (1 - inputs.mask), inputs.mask, inputs.expected, inputs.drawing], 1)
