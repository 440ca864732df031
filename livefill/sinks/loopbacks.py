"""Which v4l2loopback devices there are, and who holds them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from livefill import v4l2
from livefill.sinks.remedy import GET_ONE, NO_ONE, WITHOUT

__all__ = ["by", "choose", "get_one", "holders", "is_loopback", "others"]


def choose(asked: str | None) -> str | None:
    """Return the loopback to write to: the one asked for, else the one called livefill, else the first."""
    loopbacks = [found for found in v4l2.devices() if found.is_loopback and asked in (None, str(found.path))]
    for loopback in loopbacks:
        if not loopback.outputs and not others(str(loopback.path)):
            v4l2.revive_output(loopback.path)
    preferred = sorted(loopbacks, key=lambda found: found.name != "livefill")
    return asked or (str(preferred[0].path) if preferred else None)


def get_one() -> str:
    """Return how to get a virtual camera on this system, and how to do without."""
    there = GET_ONE.get(platform.system())
    return f"{there} {WITHOUT}" if there else NO_ONE


def is_loopback(device: str) -> bool:
    """Tell whether a node is a v4l2loopback."""
    try:
        return v4l2.query(Path(device)).is_loopback
    except OSError:
        return False


def others(device: str) -> list[str]:
    """Return who but this process has a device open."""
    return [f"{who.name} (pid {who.pid})" for who in v4l2.holders(Path(device)) if who.pid != os.getpid()]


def holders(device: str | None) -> str:
    """Return in words who has a device open."""
    return ", ".join(others(device) if device else []) or "another user's application"


def by(size: tuple[int, int]) -> str:
    """Write a size."""
    return f"{size[0]}x{size[1]}"
