"""MediaPipe's face mesh and hands behind two small calls; the only file that imports mediapipe.

Both run on this machine's CPU from models inside the package: nothing is downloaded.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from livefill.errors import TrackerError
from livefill.types import RGB, Mask

__all__ = ["FaceMesh", "Hands", "has_mesh"]

Landmarks = NDArray[np.float32]  # (468, 3)
POINTS = 468
STILL = 0.0015  # face widths between two answers that count as the same
LOOKS = 8  # at one picture, at most


def _solutions() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "2")  # its start-up chatter would break the live line
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import mediapipe
    except ImportError as error:
        raise TrackerError(
            f"MediaPipe cannot be loaded: {error}. Install it with: pip install 'livefill[mediapipe]'"
        ) from error
    try:
        return mediapipe.solutions
    except AttributeError as error:
        raise TrackerError(
            f"mediapipe {mediapipe.__version__} has no models inside. Install: pip install 'livefill[mediapipe]'"
        ) from error


def has_mesh() -> bool:
    """Say whether MediaPipe is installed, in a version with its models inside."""
    try:
        _solutions()
    except TrackerError:
        return False
    return True


class _Solution:
    """A MediaPipe graph as a context manager whose close may be called twice."""

    def __init__(self, graph: Any) -> None:
        self._graph: Any | None = graph

    def _process(self, image: RGB) -> Any:
        if self._graph is None:
            raise TrackerError("the face tracker was used after it was closed")
        return self._graph.process(np.ascontiguousarray(image))

    def close(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._graph = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FaceMesh(_Solution):
    """468 landmarks per face (Kartynnik et al. 2019)."""

    def __init__(self, *, video: bool = True, faces: int = 1, confidence: float = 0.5) -> None:
        """`video` follows a face from call to call; without it every picture is searched anew."""
        super().__init__(
            _solutions().face_mesh.FaceMesh(
                static_image_mode=not video,
                max_num_faces=faces,
                refine_landmarks=False,
                min_detection_confidence=confidence,
                min_tracking_confidence=confidence,
            )
        )

    def find(self, image: RGB) -> list[Landmarks]:
        """Return the landmarks (468, 3) in pixels of every face found, the largest first.

        z grows away from the camera.
        """
        found = self._process(image).multi_face_landmarks or []
        height, width = image.shape[:2]
        size = np.array([width, height, width], np.float32)
        faces = [np.array([(p.x, p.y, p.z) for p in face.landmark[:POINTS]], np.float32) * size for face in found]
        return sorted(faces, key=lambda points: -float(np.ptp(points[:, 0])))

    def settle(self, image: RGB) -> list[Landmarks]:
        """Return what `find` does, the picture shown until the largest face moves no more.

        A first answer cuts its crop from a search, later ones from the answer before, 0.015 eye distances away.
        """
        faces = self.find(image)
        for _ in range(LOOKS - 1):
            before, faces = faces, self.find(image)
            if not before or not faces:
                break
            apart = float(np.linalg.norm(faces[0][:, :2] - before[0][:, :2], axis=1).mean())
            if apart < STILL * float(np.ptp(faces[0][:, 0])):
                break
        return faces


class Hands(_Solution):
    """Where hands are, as a coarse mask (Zhang et al. 2020)."""

    def __init__(self) -> None:
        solutions = _solutions()
        self._bones = sorted(solutions.hands.HAND_CONNECTIONS)
        super().__init__(
            solutions.hands.Hands(
                max_num_hands=2, model_complexity=0, min_detection_confidence=0.4, min_tracking_confidence=0.4
            )
        )

    def find(self, image: RGB) -> Mask:
        """Return a mask of the picture's size: 1 on every hand's bones and palm."""
        mask = np.zeros(image.shape[:2], np.float32)
        size = np.array(image.shape[1::-1], np.float32)
        for hand in self._process(image).multi_hand_landmarks or []:
            joints = np.array([(p.x, p.y) for p in hand.landmark], np.float32) * size
            width = max(1, int(np.hypot(*(joints[5] - joints[17])) / 3))
            corners = np.rint(joints).astype(int)
            for a, b in self._bones:
                cv2.line(mask, tuple(corners[a].tolist()), tuple(corners[b].tolist()), (1.0,), width)
            cv2.fillConvexPoly(mask, cv2.convexHull(corners[[0, 1, 5, 9, 13, 17]]), (1.0,))
        return mask
