"""Find the directions in style space that turn the head, open the mouth, smile, ...

Random faces are drawn and measured; a ridge regression from styles to measurements gives a row of weights for each
attribute. A move must change one attribute by a standard deviation and the others not at all, and look like what the
generator has learnt: so it is made orthogonal under the styles' covariance. Run once, about ten minutes:

    python -m training.faces.directions
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.faces.generator import LAYERS, STYLE, FaceGenerator, Styles
from training.faces.measure import ATTRIBUTES, FaceMeter, attributes

__all__ = ["FILE", "fit", "load", "moved"]

Floats = NDArray[np.float32]
FILE = Path(__file__).with_name("directions.npz")
# The layers that carry an attribute and leave the identity alone: coarse for pose, finer for the eyes.
REACH = {"yaw": (0, 7), "pitch": (0, 7), "mouth": (5, 10), "smile": (5, 10), "eye": (8, 13), "brow": (8, 13)}
GAIN = {"mouth": 1.5, "smile": 1.5}  # so few layers carry less than the whole move
RIDGE = 0.3  # of the mean variance of a style


def load() -> dict[str, Floats]:
    """Return the move (STYLE,) of each attribute, worth one standard deviation."""
    with np.load(FILE) as stored:
        return {name: stored[name].astype(np.float32) for name in ATTRIBUTES}


def moved(styles: Styles, moves: Mapping[str, Floats], amounts: Mapping[str, float]) -> Styles:
    """Return `styles` (LAYERS, STYLE) with each attribute changed by its amount, in standard deviations."""
    result = styles.copy()
    for name, amount in amounts.items():
        first, end = REACH[name]
        result[first:end] += amount * GAIN.get(name, 1.0) * moves[name]
    return result


def fit(styles: Floats, measured: Floats, covariance: Floats) -> Floats:
    """Return a move (STYLE,) per attribute from `styles` (n, STYLE) and what was `measured` on them (n, attributes)."""
    weights = _regress(styles, measured, float(np.trace(covariance)) / STYLE)
    return np.asarray((covariance @ weights.T @ np.linalg.inv(weights @ covariance @ weights.T)).T, np.float32)


def _regress(styles: Floats, measured: Floats, variance: float) -> NDArray[np.float64]:
    """Return the weights (attributes, STYLE) that tell each attribute, in standard deviations, from a style."""
    centred = (styles - styles.mean(0)).astype(np.float64)
    wanted = (measured - measured.mean(0)) / measured.std(0)
    shrink = RIDGE * variance * len(styles) * np.eye(STYLE)
    return np.asarray(np.linalg.solve(centred.T @ centred + shrink, centred.T @ wanted).T)


def _measure(generator: FaceGenerator, styles: Floats) -> tuple[Floats, Floats]:
    """Return the styles whose faces were found, and their attributes."""
    kept, values = [], []
    with FaceMeter() as meter:
        for style in styles:
            picture = generator.render(np.tile(style, (LAYERS, 1)))
            points = meter.landmarks(cv2.resize(picture, (512, 512), interpolation=cv2.INTER_AREA))
            if points is not None:
                kept.append(style)
                values.append(attributes(points))
    return np.array(kept), np.array(values)


def _held_out(styles: Floats, measured: Floats, covariance: Floats) -> list[float]:
    """Return, per attribute, the correlation of prediction and measurement on a quarter that was not fitted."""
    part = len(styles) // 4
    weights = _regress(styles[part:], measured[part:], float(np.trace(covariance)) / STYLE)
    guess = styles[:part] @ weights.T
    return [float(np.corrcoef(guess[:, i], measured[:part, i])[0, 1]) for i in range(len(ATTRIBUTES))]


def main() -> None:
    """Draw, measure, fit and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=400, help="how many random faces to measure")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator, random = FaceGenerator(), np.random.default_rng(options.seed)
    covariance = np.cov(generator.sample(random, 8192).T).astype(np.float32)
    drawn = generator.mean + 0.8 * (generator.sample(random, options.faces) - generator.mean)
    styles, measured = _measure(generator, drawn)
    for name, correlation in zip(ATTRIBUTES, _held_out(styles, measured, covariance), strict=True):
        print(f"{name}: held-out correlation {correlation:.2f}")
    moves = fit(styles, measured, covariance)
    np.savez_compressed(FILE, **dict(zip(ATTRIBUTES, moves.astype(np.float16), strict=True)))


if __name__ == "__main__":
    main()
