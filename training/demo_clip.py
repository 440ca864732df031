"""Make the bundled demo: a person who does not exist, and a hand before their face.

python -m training.demo_clip -o livefill/assets
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask
from training.faces.directions import load, moved
from training.faces.generator import FaceGenerator
from training.faces.measure import FaceMeter, PersonMatte
from training.faces.motion import FPS, Moment, calibration, conversation
from training.faces.webcam import HEIGHT, WIDTH, place, sensor, wall_behind, widened
from training.occluders.gesture import cover, hand_at, over_the_mouth
from training.occluders.hand import HandLook

__all__ = ["main"]

CHEEKS = (50, 280)  # landmarks whose colour is the person's skin
LIPS = (13, 14)
FACE_WIDTH = 13.8  # centimetres between the landmarks of either side of a face
REPEATABLE = "threads=1:lookahead-threads=1:sliced-threads=0:cpu-independent=1"
NEARER = 0.97  # a slender hand, though nearer to the camera than the face


@dataclass(frozen=True, slots=True)
class Scene:
    """A person before a wall, and what a hand has to fit."""

    person: NDArray[np.float32]  # styles (LAYERS, STYLE)
    matte: Mask
    wall: NDArray[np.float32]
    skin: tuple[int, int, int]
    mouth: tuple[float, float]  # pixels of the frame
    scale: float  # pixels per centimetre at the hand


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame, with and without the hand."""

    covered: RGB
    clean: RGB
    alpha: Mask


def main() -> None:
    """Make both clips, and on demand the truth behind the second."""
    options = _options()
    generator = FaceGenerator()
    scene = _scene(generator, options.seed)
    people = _Actor(generator, scene)
    random = np.random.default_rng(options.seed)
    look_around = (sensor(people.frame(moment), random) for moment in calibration(options.seed))
    _encode(options.output / "demo_calibrate.mp4", look_around, crf=options.crf)
    shots = list(_shots(people, conversation(options.seed), random))
    _encode(options.output / "demo.mp4", (shot.covered for shot in shots), crf=options.crf)
    if options.truth:
        _encode(options.truth / "demo_clean.mp4", (shot.clean for shot in shots), crf=8)
        holes = np.stack([shot.alpha > 0.1 for shot in shots])
        np.savez_compressed(options.truth / "demo_mask.npz", bits=np.packbits(holes), shape=holes.shape)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=64, help="which person")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of demo_calibrate.mp4 and demo.mp4")
    parser.add_argument("--truth", type=Path, help="also write the clean clip and the hand's mask into this folder")
    parser.add_argument("--crf", type=int, default=20, help="x264's quality, lower is better")
    options = parser.parse_args()
    for folder in filter(None, (options.output, options.truth)):
        folder.mkdir(parents=True, exist_ok=True)
    return options


class _Actor:
    """Draws a person in any pose."""

    def __init__(self, generator: FaceGenerator, scene: Scene) -> None:
        self.scene = scene
        self._generator, self._moves = generator, load()

    def frame(self, moment: Moment) -> NDArray[np.float32]:
        """Return the clean frame of a moment, before the sensor."""
        picture = self._generator.render(moved(self.scene.person, self._moves, moment.amounts))
        return place(picture, self.scene.matte, self.scene.wall, moment)


def _scene(generator: FaceGenerator, seed: int) -> Scene:
    person = generator.person(seed)
    picture = generator.render(person)
    with PersonMatte() as mattes:
        matte = widened(mattes.find(picture))
    wall = wall_behind(picture, matte)
    frame = np.asarray(place(picture, matte, wall, Moment({}, (0, 0), 0)), np.uint8)
    with FaceMeter() as meter:
        points = meter.landmarks(frame)
    if points is None:
        raise SystemExit(f"No face is found in the picture of person {seed}: choose another seed.")
    x, y = points[list(LIPS), :2].mean(0)
    scale = NEARER * float(np.linalg.norm(points[454] - points[234])) / FACE_WIDTH
    return Scene(person, matte, wall, _skin(frame, points), (float(x), float(y)), scale)


def _skin(frame: RGB, points: NDArray[np.float32]) -> tuple[int, int, int]:
    """Return the colour of the brighter cheek: the other is in the shade."""
    corners = np.rint(points[list(CHEEKS), :2]).astype(int)
    cheeks = [np.median(frame[y - 12 : y + 13, x - 12 : x + 13], (0, 1)) for x, y in corners]
    red, green, blue = max(cheeks, key=lambda colour: float(colour.sum()))
    return int(red), int(green), int(blue)


def _shots(actor: _Actor, moments: list[Moment], random: np.random.Generator) -> Iterator[Shot]:
    scene = actor.scene
    for number, moment in enumerate(moments):
        clean = actor.frame(moment)
        state = random.bit_generator.state
        seen = sensor(clean, random)
        hand, before = (over_the_mouth(n, scene.mouth, scene.scale) for n in (number, number - 1))
        if hand is None:
            yield Shot(seen, seen, np.zeros((HEIGHT, WIDTH), np.float32))
            continue
        start = (before or hand).wrist
        velocity = (hand.wrist[0] - start[0], hand.wrist[1] - start[1])
        covered, alpha = cover(clean, HandLook(scene.skin, hand_at(number)), hand, velocity)
        random.bit_generator.state = state  # the same noise with the hand and without
        yield Shot(sensor(covered, random), seen, alpha)


def _encode(path: Path, frames: Iterator[RGB], *, crf: int) -> None:
    settings = {"crf": str(crf), "preset": "slow", "x264-params": REPEATABLE}
    with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream("libx264", rate=FPS, options=settings)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in frames:
            planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p")))
        output.mux(stream.encode())


if __name__ == "__main__":
    main()
