"""The networks that training.train can train: the generator, and what it is compared with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from training.baselines import LGTSM, CombCN
from training.model import Bank, Fill, Generator, Inputs, read_config

__all__ = ["NETWORKS", "Network", "build", "channels_last"]

NETWORKS = ("ours", "ours-offline", "lgtsm", "lgtsm-online", "combcn")


class Network(Protocol):
    """What fills whole clips."""

    def remember(self, references: Inputs, clips: int) -> Bank:
        """Encode the references of `clips` profiles."""
        ...

    def forward_clip(self, inputs: Inputs, bank: Bank, frames: int) -> Fill:
        """Fill clips of `frames` frames each."""
        ...


def build(name: str, *, config: Path, width: int, without: frozenset[str] = frozenset()) -> nn.Module:
    """Return an untrained network; `config` and `without` are for ours, `width` for the others."""
    if name in ("ours", "ours-offline"):
        parts = {"attention": "attention" not in without, "shift": "shift" not in without}
        return Generator(replace(read_config(config), offline=name == "ours-offline", **parts))
    if name == "combcn":
        return CombCN(width)
    if name in NETWORKS:
        return LGTSM(width, online=name == "lgtsm-online")
    raise ValueError(f"there is no network {name!r}: choose one of {', '.join(NETWORKS)}")


def channels_last(network: nn.Module) -> nn.Module:
    """Lay weights of 2D convolutions out as they are computed quickest; those of volumes stay as they are."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
