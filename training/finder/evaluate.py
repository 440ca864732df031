"""Count what the finder finds, through the very code that runs.

python -m training.finder.evaluate RUN/best.pt --people DIR --labels people.npz --sprites DIR --scenes 1500
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from livefill import finder as runtime
from livefill.finder import Candidate
from livefill.types import Tensor
from training.finder.model import Finder, places
from training.finder.scenes import Scene, Stage

__all__ = ["COVERED", "SIZES", "evaluate", "hits", "runner"]

SIZES = {"small": (20, 30), "middle": (30, 75), "large": (75, 400)}  # widths of faces, in pixels of the picture
COVERED = 0.1  # of the landmarks hidden: a covered face
WIDE = 1.75  # radii: a face's width, as in `geometry.crop_transform`


def runner(model: Finder) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    """Return a function that runs the network as the exported one would be run."""

    @torch.no_grad()
    def run(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        picture = torch.from_numpy(inputs["picture"]).permute(0, 3, 1, 2).float() / 255
        said = model(picture)
        return {"score": torch.sigmoid(said.heat).numpy(), "place": places(said).numpy()}

    return run


def hits(face: NDArray[np.float32], found: Iterable[Candidate]) -> bool:
    """Say whether a candidate lies where the face (6,) of a scene is: near enough for the closer look to correct it."""
    x, y, radius, angle = face[:4]
    return any(
        np.hypot(one.center[0] - x, one.center[1] - y) < 0.25 * radius
        and 1 / 1.25 < one.radius / radius < 1.25
        and abs((one.angle - angle + np.pi) % (2 * np.pi) - np.pi) < np.radians(15)
        for one in found
    )


def evaluate(model: Finder, scenes: list[Scene], threshold: float = runtime.THRESHOLD) -> dict[str, float]:
    """Return the share of faces found, clear and covered, of each of SIZES, and candidates per scene without one."""
    model.eval()
    finder = runtime.Finder(runner(model), threshold=threshold)
    rows: dict[str, list[float]] = {}
    for scene in scenes:
        found = finder.find(scene.picture)
        if not scene.faces[:, 4].any():
            rows.setdefault("false", []).append(len(found))
        for face in scene.faces[scene.faces[:, 4] == 1]:
            look = "covered" if face[5] > COVERED else "clear"
            for name, (least, most) in SIZES.items():
                if least <= WIDE * face[2] < most:
                    hit = float(hits(face, found))
                    rows.setdefault(look, []).append(hit)
                    rows.setdefault(f"{look} {name}", []).append(hit)
    model.train()
    return {name: round(float(np.mean(values)), 4) for name, values in sorted(rows.items())}


def main() -> None:
    """Evaluate on people who were held out, at several thresholds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--sprites", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scenes", type=int, default=1500)
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.2, 0.3, 0.4, 0.5])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = Finder()
    model.load_state_dict(torch.load(options.checkpoint, weights_only=True)["model"])
    stage = Stage.open(options.people, options.labels, options.sprites, part="held out")
    random = np.random.default_rng(7)
    scenes = [stage.draw(random) for _ in range(options.scenes)]
    for threshold in options.thresholds:
        print(json.dumps({"threshold": threshold, **evaluate(model, scenes, threshold)}), flush=True)


if __name__ == "__main__":
    main()
