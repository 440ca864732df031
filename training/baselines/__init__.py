"""What the generator is compared with: networks of earlier work, built anew from their descriptions."""

from __future__ import annotations

from training.baselines.combcn import CombCN
from training.baselines.lgtsm import LGTSM

__all__ = ["LGTSM", "CombCN"]
