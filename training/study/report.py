"""The study's tables, in Markdown: means over clips with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["MEASURES", "interval", "table"]

MEASURES = {  # name, digits, whether more is better
    "mse": ("MSE", 4, False),
    "psnr": ("PSNR", 2, True),
    "ssim": ("SSIM", 3, True),
    "lpips": ("LPIPS", 3, False),
    "expression": ("expression", 2, True),
    "overlap": ("overlap", 3, True),
    "identity": ("identity", 3, True),
    "flicker": ("flicker", 2, False),
}
DRAWS = 2000


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of its 95 % interval, over clips drawn anew (bootstrap, Efron 1979)."""
    drawn = np.random.default_rng(1).choice(np.asarray(values), (DRAWS, len(values)))
    low, high = np.percentile(drawn.mean(1), (2.5, 97.5))
    return float(np.mean(values)), float(high - low) / 2


def table(rows: Mapping[str, Mapping[str, Mapping[str, float]]], pooled: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table of methods: `rows` are the measures of each clip, `pooled` those of all clips together.

    The best mean of each column is bold; a method whose interval holds it is not clearly worse.
    """
    shown = [name for name in MEASURES if any(name in clip for clips in rows.values() for clip in clips.values())]
    means = {
        method: {name: interval([clip[name] for clip in clips.values() if name in clip]) for name in shown}
        for method, clips in rows.items()
    }
    heads = " | ".join(MEASURES[name][0] for name in shown)
    lines = [f"| | {heads} | Fréchet |", "|---|" + "---|" * (len(shown) + 1)]
    best = {
        name: (max if MEASURES[name][2] else min)(means, key=lambda method: means[method][name][0]) for name in shown
    }
    nearest = min(pooled, key=lambda method: pooled[method]["frechet"])
    for method, found in means.items():
        cells = []
        for name in shown:
            mean, half = found[name]
            digits = MEASURES[name][1]
            text = f"{mean:.{digits}f}"
            cells.append((f"**{text}**" if best[name] == method else text) + f" ± {half:.{digits}f}")
        distance = f"{pooled[method]['frechet']:.2f}"
        cells.append(f"**{distance}**" if method == nearest else distance)
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
