from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import livefill
from livefill.landmarker import FaceMesh

SIZE = (320, 240)  # width, height


@pytest.fixture(scope="session")
def landmarks() -> NDArray[np.float32]:
    """The bundled person's landmarks (468, 3) in a picture of SIZE."""
    video = cv2.VideoCapture(str(Path(livefill.__file__).parent / "assets" / "demo_calibrate.mp4"))
    _, frame = video.read()
    video.release()
    with FaceMesh(video=False) as mesh:
        (face,) = mesh.find(np.ascontiguousarray(cv2.resize(frame, SIZE)[..., ::-1]))
    return face
