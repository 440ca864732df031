from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from footage import Demo

from livefill.detection import MeshDetector, open_detector
from livefill.landmarker import FaceMesh
from livefill.types import RGB, Points


@pytest.mark.skipif(find_spec("mediapipe") is None, reason="the extra mediapipe is not installed")
def test_a_single_picture_gets_the_landmarks_of_a_face_that_is_followed(demo: Demo) -> None:
    image = demo.clean(1)[0].image
    detector = MeshDetector(256)
    with FaceMesh() as following, FaceMesh(video=False) as searching:
        followed = [_points(following, image) for _ in range(10)][-1]
        searched, found = _points(searching, image), detector.find(image)[0].points
    detector.close()
    assert np.abs(found - followed).mean() < 0.5 * np.abs(searched - followed).mean()


def test_a_hand_at_the_chin_covers_what_surrounds_the_face_and_not_the_face(demo: Demo) -> None:
    detector = open_detector("observer", 256)
    (free,), (near,) = (detector.find(frame.image) for frame in demo.frames(start=0.2, count=2, every=1))
    assert free.cover == pytest.approx(0, abs=0.005)
    assert free.around == pytest.approx(0, abs=0.005)
    assert 0.01 < near.cover < 0.06 < near.around


def _points(mesh: FaceMesh, image: RGB) -> Points:
    return np.asarray(mesh.find(image)[0][:, :2], np.float32)
