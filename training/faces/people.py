"""Draw the pictures of synthetic people to train on, the same from the same seed, and label them.

Each person is looked at straight first (the reference), then either twice in unrelated poses and expressions, the
second time turned further (`still_NNNNNN_1…2.jpg`), or twenty times along a smooth movement (`clip_NNNNNN_1…20.jpg`;
every sixth person). All but the turned poses lie within the limits inside which the generator keeps who the person is;
children, as far as proportions tell, are left out. What is already there is kept.

    python -m training.faces.people OUT --people 600 --seed 1
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.landmarker import FaceMesh
from livefill.types import RGB
from training.faces import labels
from training.faces.directions import load, moved
from training.faces.generator import LAYERS, STYLE, FaceGenerator, Styles
from training.faces.motion import LIMITS, conversation
from training.faces.pictures import write_picture

__all__ = [
    "RANGES",
    "SIDE",
    "TURNED",
    "Poser",
    "draw_people",
    "file_names",
    "is_adult",
    "poses",
    "to_picture",
]

Floats = NDArray[np.float32]
Amounts = dict[str, float]  # standard deviations per attribute
Render = Callable[[Floats], NDArray[np.uint8]]  # styles (n, LAYERS, STYLE) to faces (n, 1024, 1024, 3)
SIDE = 432  # pixels of a picture: hair, neck and some of the room are in it
# Standard deviations within which a person stays who they are, also all at once (a raised face with an open mouth soon
# is a child's); the head's count from straight ahead.
RANGES = {
    "yaw": (-1.3, 1.3),
    "pitch": (-0.7, 0.7),
    "mouth": (-0.3, 2.0),
    "smile": (-1.0, 1.4),
    "eye": (-1.2, 0.6),
    "brow": (-1.0, 1.0),
}
# Turned further, for what a face looks like from the side; who it is suffers a little.
TURNED = RANGES | {"yaw": (-3.2, 3.2), "pitch": (-1.5, 1.5)}
NEARLY = {"yaw": 0.25, "pitch": 0.25, "mouth": 0.1, "smile": 0.3, "eye": 0.2, "brow": 0.2}  # still, in the reference
STRAIGHTENED = ("yaw", "pitch")
TRUNCATION = (0.6, 0.9)
STILLS, FRAMES = (RANGES, TURNED), 20  # frames: more than a causal generator looks back
GROWN = 1.14  # eye distances from the eyes to the chin; a child's eyes are lower and further apart


class Generator(Protocol):
    """What draws: `FaceGenerator`, or the one in torch."""

    mean: Floats

    def sample(self, random: np.random.Generator, count: int) -> Floats: ...

    def render(self, styles: Styles) -> RGB: ...


def file_names(person: int) -> list[str]:
    """Return the names of a person's pictures, the reference first."""
    kind, count = ("clip", FRAMES) if person % 6 == 0 else ("still", len(STILLS))
    return [f"{kind}_{person:06d}_{number}.jpg" for number in range(count + 1)]


def poses(person: int, random: np.random.Generator) -> list[Amounts]:
    """Return pose and expression of each of a person's pictures."""
    reference = {name: float(random.normal(0, spread)) for name, spread in NEARLY.items()}
    count = len(file_names(person)) - 1
    return [reference, *(_sequence(random) if count == FRAMES else [_still(limits, random) for limits in STILLS])]


def _still(ranges: dict[str, tuple[float, float]], random: np.random.Generator) -> Amounts:
    return {name: float(random.uniform(*limits)) for name, limits in ranges.items()}


def _sequence(random: np.random.Generator) -> list[Amounts]:
    """Return some moments of a conversation, between 1/30 and 1/10 second apart, moved as far as RANGES allow."""
    first, step = int(random.integers(90)), int(random.integers(1, 4))
    moments = conversation(int(random.integers(2**31)), first + FRAMES * step)[first::step]
    wider = {name: RANGES[name][1] / limit * random.uniform(0.5, 1) for name, limit in LIMITS.items()}
    blink = random.uniform(-FRAMES, FRAMES)  # half of the people do not
    frames = []
    for number, moment in enumerate(moments):
        amounts = {name: amount * wider[name] for name, amount in moment.amounts.items()}
        amounts["eye"] = RANGES["eye"][0] * float(np.exp(-((number - blink) ** 2)))
        frames.append({name: float(np.clip(amount, *RANGES[name])) for name, amount in amounts.items()})
    return frames


class Poser:
    """Draws persons of a generator and knows how each of them holds the head.

    The moves M = C Vᵀ (V C Vᵀ)⁻¹ were made from weights V that tell the attributes from a style, with C the styles'
    covariance; so V = (Mᵀ C⁻¹ M)⁻¹ Mᵀ C⁻¹.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator, self._moves = generator, load()
        covariance = np.cov(generator.sample(np.random.default_rng(1), 4096).T)
        moves = np.stack(list(self._moves.values()), 1).astype(np.float64)
        told = np.linalg.solve(covariance + 1e-3 * np.trace(covariance) / STYLE * np.eye(STYLE), moves).T
        self._weights = np.linalg.solve(told @ moves, told)

    def person(self, random: np.random.Generator) -> Styles:
        """Return the styles (LAYERS, STYLE) of a random person who looks straight ahead, the mouth hardly open."""
        own = random.uniform(*TRUNCATION) * (self._generator.sample(random, 1)[0] - self._generator.mean)
        values = {name: float(value) for name, value in zip(self._moves, self._weights @ own, strict=True)}
        styles = np.tile(self._generator.mean + own, (LAYERS, 1)).astype(np.float32)
        straight = {name: -values[name] for name in STRAIGHTENED}
        return self.posed(styles, straight | {"mouth": -max(0.0, values["mouth"])})

    def posed(self, styles: Styles, amounts: Amounts) -> Styles:
        """Return the styles of the person in a pose."""
        return moved(styles, self._moves, amounts)


def is_adult(points: Floats) -> bool:
    """Return whether the landmarks (468, 3) of a face that looks straight ahead are an adult's, to the eye."""
    right, left, chin = points[33], points[263], points[152]
    return bool(np.linalg.norm((right + left) / 2 - chin) > GROWN * np.linalg.norm(right - left))


def to_picture(face: RGB) -> RGB:
    """Return a generated face (1024, 1024, 3) as a picture (SIDE, SIDE, 3)."""
    return np.asarray(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def draw_people(out: Path, numbers: range, *, seed: int, device: str) -> None:
    """Draw the persons `numbers` that are not yet complete in the folder `out`."""
    wanted = [person for person in numbers if not all((out / name).exists() for name in file_names(person))]
    if not wanted:
        return
    generator, render = _backend(device)
    poser, began = Poser(generator), time.monotonic()
    with FaceMesh(video=False, confidence=0.3) as mesh:
        for done, person in enumerate(wanted, 1):
            for name, face in zip(file_names(person), _person(poser, render, mesh, [seed, person]), strict=True):
                write_picture(out / name, to_picture(face))
            if done % 10 == 0 or done == len(wanted):
                print(f"{done} of {len(wanted)} people, {(time.monotonic() - began) / done:.1f} s each", flush=True)


def _person(poser: Poser, render: Render, mesh: FaceMesh, seed: list[int]) -> NDArray[np.uint8]:
    """Return the faces (pictures, 1024, 1024, 3) of the first adult that comes from the seed."""
    random = np.random.default_rng(seed)
    while True:
        styles, reference, *others = poser.person(random), *poses(seed[-1], random)
        first = render(poser.posed(styles, reference)[None])
        found = mesh.find(to_picture(first[0]))
        if found and is_adult(found[0]):
            return np.concatenate([first, render(np.stack([poser.posed(styles, amounts) for amounts in others]))])


def _backend(device: str) -> tuple[Generator, Render]:
    """Return the generator and what draws many: OpenVINO on the CPU where it is installed, else torch."""
    if device == "cpu" and importlib.util.find_spec("openvino"):
        generator = FaceGenerator()
        return generator, lambda styles: np.stack([generator.render(each) for each in styles])
    from training.faces.torch_generator import TorchFaceGenerator

    torched = TorchFaceGenerator(device)
    return torched, torched.render_many


def _share(out: Path, numbers: range, seed: int, device: str, job: int, jobs: int) -> None:
    """Draw every `jobs`-th person on as large a share of the processor's cores."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[job::jobs] or cores)
    draw_people(out, numbers[job::jobs], seed=seed, device=device)


def main() -> None:
    """Draw and label."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder for the pictures and labels.npz")
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for torch on a GPU")
    parser.add_argument("--no-labels", action="store_true", help="only draw")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the CPU's cores")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    everyone, started = range(options.people), multiprocessing.get_context("spawn")
    shares = [(options.out, everyone, options.seed, options.device, job, options.jobs) for job in range(options.jobs)]
    if options.jobs == 1:
        draw_people(options.out, everyone, seed=options.seed, device=options.device)
    else:
        with started.Pool(options.jobs) as pool:
            pool.starmap(_share, shares)
    if options.no_labels:
        return
    count, lean = labels.label(options.out, options.out / "labels.npz")
    print(f"{count} faces labelled; the teacher leans by {lean:.4f} eye distances")


if __name__ == "__main__":
    main()
