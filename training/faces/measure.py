"""Measure a picture of a face: its pose and expression as six numbers, and which pixels are the person."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB, Mask

__all__ = ["ATTRIBUTES", "FaceMeter", "PersonMatte", "attributes"]

ATTRIBUTES = ("yaw", "pitch", "mouth", "smile", "eye", "brow")


def attributes(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the six `ATTRIBUTES` of landmarks (468, 3): angles in radians, lengths in eye distances."""

    def length(a: int, b: int) -> float:
        return float(np.linalg.norm(points[a] - points[b]))

    across, down = points[454] - points[234], points[152] - points[10]
    eyes = length(33, 263)
    return np.array(
        [
            np.arctan2(across[2], across[0]),
            np.arctan2(down[2], down[1]),
            length(13, 14) / eyes,
            length(61, 291) / eyes,
            (length(159, 145) + length(386, 374)) / eyes,
            (length(105, 159) + length(334, 386)) / eyes,
        ],
        np.float32,
    )


class _Graph:
    """A MediaPipe graph as a context manager."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._graph.close()


class FaceMeter(_Graph):
    """MediaPipe's face mesh (Kartynnik et al. 2019) on single pictures."""

    def __init__(self) -> None:
        super().__init__(_solutions().face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1))

    def landmarks(self, image: RGB) -> NDArray[np.float32] | None:
        """Return the landmarks (468, 3) in pixels, or None where no face is found."""
        found = self._graph.process(image).multi_face_landmarks
        if not found:
            return None
        height, width = image.shape[:2]
        return np.array([(p.x * width, p.y * height, p.z * width) for p in found[0].landmark], np.float32)


class PersonMatte(_Graph):
    """MediaPipe's selfie segmentation."""

    def __init__(self) -> None:
        super().__init__(_solutions().selfie_segmentation.SelfieSegmentation(model_selection=0))

    def find(self, image: RGB) -> Mask:
        """Return how much of each pixel is the person."""
        return np.asarray(self._graph.process(image).segmentation_mask, np.float32)


def _solutions() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import mediapipe

    return mediapipe.solutions
