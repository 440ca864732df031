"""The observer: a small network that says of one crop where the face is, what covers it, and whose it is.

It was trained on synthetic people whose faces something covers (docs/training.md). With a reference, warped to where
the face is thought to be, it compares; without one it goes by what faces look like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livefill.backends.runtimes import open_network
from livefill.errors import BackendError
from livefill.geometry import apply, crop_transform, eye_distance, invert
from livefill.pyramid import Pyramid
from livefill.types import RGB, Affine, Mask, Points, Tensor

__all__ = ["FACE_SHARE", "KEYS", "MASK", "SIZE", "Observation", "Observer", "Run"]

Floats = NDArray[np.float32]
Run = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]

SIZE = 192  # side of the crop in pixels
MASK = SIZE // 2  # side of the mask: a pixel of it is two of the crop
FACE_SHARE = 0.62  # of the crop that the face takes
POINTS = 468
KEYS = ("size", "face_share", "topology", "commit")


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look says. The crop is the one that was looked at."""

    points: Points  # (468, 2) in the frame
    depth: Floats  # (468,) in frame pixels, away from the camera
    visible: Floats  # (468,) 0..1
    mask: Mask  # (MASK, MASK) of the crop at half its size, 0..1, 1 where something covers the head
    face: float  # 0..1, that there is a face
    same: float  # 0..1, that it is the reference's; 1 without a reference
    pose: tuple[float, float, float]  # yaw, pitch, roll of the head in radians
    to_crop: Affine
    crop: RGB  # (SIZE, SIZE, 3)
    moved: float  # eye distances between the landmarks and where they were thought to be


class Observer:
    """Looks at crops of frames."""

    def __init__(self, run: Run) -> None:
        """`run` executes the network: from `crop`, `reference`, `known` and `prior` to its outputs."""
        self._run = run

    @classmethod
    def open(cls, *, runtime: str = "onnx") -> Observer:
        """Open the network that ships; raises `BackendError` where it cannot run."""
        network = open_network("observer", keys=KEYS, runtime=runtime)
        if network.contract["size"] != str(SIZE) or float(network.contract["face_share"]) != FACE_SHARE:
            raise BackendError("engines/observer.onnx was made for another crop: write it again with export.observer")
        return cls(network.run)

    def look(self, picture: Pyramid[RGB], prior: Points, expect: Callable[[Affine], RGB] | None) -> Observation:
        """Observe the face whose landmarks (468, 2) are about at `prior`.

        `expect` gives the reference warped onto them, as a crop (SIZE, SIZE, 3) for the affine that cuts it.
        """
        to_crop = crop_transform(prior, SIZE, face_share=FACE_SHARE)
        return self._look(picture, to_crop, None if expect is None else expect(to_crop), prior)

    def look_at(self, picture: Pyramid[RGB], to_crop: Affine) -> Observation:
        """Observe the face in a crop when nothing is known but its place."""
        return self._look(picture, to_crop, None, None)

    def _look(self, picture: Pyramid[RGB], to_crop: Affine, reference: RGB | None, prior: Points | None) -> Observation:
        crop = picture.cut(to_crop, SIZE)
        known = reference is not None
        laid = np.zeros((POINTS, 2), np.float32)
        if known and prior is not None:
            laid = np.asarray(_to_unit(apply(to_crop, prior)), np.float32)
        said = self._run(
            {
                "crop": crop[None],
                "reference": (reference if reference is not None else np.zeros_like(crop))[None],
                "known": np.array([known], np.float32),
                "prior": laid[None],
            }
        )
        in_crop = (said["points"][0] + np.array([0.5, 0.5, 0], np.float32)) * np.float32(SIZE)
        back = invert(to_crop)
        points = apply(back, np.ascontiguousarray(in_crop[:, :2]))
        scale = float(np.hypot(back[0, 0], back[1, 0]))
        tilt = float(np.arctan2(back[1, 0], back[0, 0]))
        yaw, pitch, roll = (float(angle) for angle in said["pose"][0])
        gap = 0.0 if prior is None else float(np.linalg.norm(points - prior, axis=1).mean())
        return Observation(
            points=points,
            depth=np.asarray(in_crop[:, 2] * scale, np.float32),
            visible=np.asarray(said["visible"][0], np.float32),
            mask=np.asarray(said["mask"][0], np.float32),
            face=float(said["face"][0]),
            same=float(said["same"][0]) if known else 1.0,
            pose=(yaw, pitch, roll + tilt),
            to_crop=to_crop,
            crop=crop,
            moved=gap / max(eye_distance(points), 1e-6),
        )


def _to_unit(points: Points) -> Points:
    """Crop pixels to crop sides from the crop's middle."""
    return np.asarray((points - SIZE / 2) / SIZE, np.float32)
