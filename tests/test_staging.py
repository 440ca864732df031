from __future__ import annotations

from dataclasses import replace

import pytest
import synthetic

from livefill.capture import FileSource
from livefill.config import Settings
from livefill.demo import demo_clip, demo_profile
from livefill.pipeline import Shown
from livefill.profile import Profile, save_profile
from livefill.staging import Staging
from livefill.types import Frame, Points
from livefill.warp import Warp


def state_after(profile: Profile, frames: int = 6, **settings: str) -> str:
    """What is said once the bundled person was seen by somebody's profile."""
    save_profile(profile)
    staging = Staging(say=lambda _: None)
    staging.load(Settings(profile=profile.name, backend="reference", **settings))
    shown = None
    with FileSource(demo_clip("demo_calibrate")) as source:
        for frame, _ in zip(source, range(frames), strict=False):
            shown = seen(staging, frame)
    staging.close()
    return staging.state(shown)


def seen(staging: Staging, frame: Frame) -> Shown:
    return Shown(frame, staging.stages.tracker.track(frame), frame)


@pytest.mark.parametrize("scope", ["head", "face"])
def test_somebody_elses_face_is_not_called_a_missing_one(scope: str) -> None:
    said = state_after(synthetic.somebody_else(demo_profile()), scope=scope)
    assert said == "passing through: somebody else's face (yours? calibrate again)"


def test_before_the_first_frame_it_is_starting_and_no_face_is_missing() -> None:
    assert state_after(demo_profile(), frames=0) == "starting"


def test_ones_own_face_is_followed() -> None:
    assert state_after(demo_profile()) == "nothing to fill"


def test_meshes_are_worked_out_once_before_the_first_frame_and_kept_over_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[bool] = []
    whole = Warp.of

    def counted(points: Points, *, coarse: bool = False) -> Warp:
        made.append(coarse)
        return whole(points, coarse=coarse)

    profile = demo_profile()
    save_profile(profile)
    monkeypatch.setattr(Warp, "of", counted)
    staging = Staging(say=lambda _: None)
    settings = Settings(profile=profile.name, backend="reference")
    staging.load(settings)
    assert made.count(False) == len(profile.pictures)
    staging.load(replace(settings, feather=2.0))
    assert made.count(False) == len(profile.pictures)
    save_profile(replace(synthetic.somebody_else(profile), name=profile.name))
    staging.load(settings)
    assert made.count(False) == len(profile.pictures) + len(profile.references)
    staging.close()
