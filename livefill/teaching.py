"""A better witness at calibration: what MediaPipe's face mesh says of a person's uncovered face, where it is installed.

The observer learned from the mesh, on people who do not exist. How the mesh sees one real person it cannot know, and
most of what it is off by is the same in every frame of that person. So that is learned from the frames that were good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from livefill import interrupt
from livefill.bias import Bias
from livefill.landmarker import FaceMesh, has_mesh
from livefill.profile import Profile
from livefill.tracking import open_tracker
from livefill.types import RGB, Frame

__all__ = ["taught"]

FRAMES = 45  # are enough
LOOKS = 3  # of the observer at one picture, until its landmarks have come to rest
RATE = 30.0  # frames a second


def taught(profile: Profile, images: Sequence[RGB]) -> Profile:
    """Return the profile with the observer's bias on this person, learned from uncovered pictures of them.

    It is as it was where MediaPipe is not installed, and where no picture shows a face to both.
    """
    if not has_mesh():
        return profile
    some = images[:: max(1, -(-len(images) // FRAMES))]
    observed, witnessed = [], []
    with FaceMesh(video=True) as mesh:
        tracker = open_tracker("observer", profile)
        try:
            for i, image in enumerate(some):
                interrupt.check()
                looks = [tracker.track(Frame(i, (LOOKS * i + j) / RATE, image)) for j in range(LOOKS)]
                faces = mesh.settle(image)
                if looks[-1] is not None and faces:
                    observed.append(looks[-1].landmarks)
                    witnessed.append(faces[0][:, :2])
        finally:
            tracker.close()
    return replace(profile, bias=Bias.of(observed, witnessed)) if observed else profile
