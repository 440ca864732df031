from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from livefill.capture import FileSource
from livefill.config import Settings
from livefill.demo import demo_clip, demo_profile
from livefill.pipeline import Shown
from livefill.profile import Profile, save_profile
from livefill.staging import Staging
from livefill.types import Frame


def state_after(profile: Profile, frames: int = 6) -> str:
    """What is said once the bundled person was seen by somebody's profile."""
    save_profile(profile)
    staging = Staging(say=lambda _: None)
    staging.load(Settings(profile=profile.name, backend="reference"))
    shown = None
    with FileSource(demo_clip("demo_calibrate")) as source:
        for frame, _ in zip(source, range(frames), strict=False):
            shown = seen(staging, frame)
    staging.close()
    return staging.state(shown)


def seen(staging: Staging, frame: Frame) -> Shown:
    return Shown(frame, staging.stages.tracker.track(frame), frame)


def somebody_like(profile: Profile) -> Profile:
    """Somebody whose face lies where the profile's does, with other features in other places."""

    def other(image: np.ndarray, seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(0, 30, (48, 64)).astype(np.float32)
        features = cv2.resize(noise, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
        return np.clip(cv2.GaussianBlur(image, (0, 0), 8) + features, 0, 255).astype(np.uint8)

    changed = tuple(replace(one, image=other(one.image, seed)) for seed, one in enumerate(profile.references))
    return Profile("somebody", changed)


def test_somebody_elses_face_is_not_called_a_missing_one() -> None:
    assert (
        state_after(somebody_like(demo_profile())) == "passing through: somebody else's face (yours? calibrate again)"
    )


def test_ones_own_face_is_followed() -> None:
    assert state_after(demo_profile()) == "nothing to fill"
