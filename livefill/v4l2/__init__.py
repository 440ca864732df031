"""Linux's V4L2, as far as livefill needs it: asking video nodes, and writing to a v4l2loopback."""

from __future__ import annotations

from livefill.v4l2.output import FORMATS, Loopback
from livefill.v4l2.query import (
    LOOPBACK_DRIVER,
    Device,
    Holder,
    Mode,
    devices,
    holders,
    modes,
    query,
    revive_output,
    size_of,
)

__all__ = [
    "FORMATS",
    "LOOPBACK_DRIVER",
    "Device",
    "Holder",
    "Loopback",
    "Mode",
    "devices",
    "holders",
    "modes",
    "query",
    "revive_output",
    "size_of",
]
