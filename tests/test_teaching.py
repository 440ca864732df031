from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from footage import Clips, Demo

from livefill.app import calibrate
from livefill.bias import Bias
from livefill.capture import FileSource
from livefill.geometry import eye_distance
from livefill.landmarker import FaceMesh
from livefill.profile import Profile
from livefill.teaching import taught
from livefill.tracking import open_tracker
from livefill.tracking.corrected import CorrectedTracker
from livefill.tracks import track_file
from livefill.types import RGB, Frame, Points

with_mediapipe = pytest.mark.skipif(find_spec("mediapipe") is None, reason="the extra mediapipe is not installed")


@pytest.fixture(scope="module")
def learned(demo: Demo) -> Profile:
    """The bundled person's profile, and what the face mesh says of every third clean frame."""
    return taught(demo.profile, [frame.image for frame in demo.clean(40)[::3]])


@with_mediapipe
def test_landmarks_come_closer_to_the_mesh_on_frames_it_did_not_see(demo: Demo, learned: Profile) -> None:
    assert learned.bias is not None
    tracker, gaps = open_tracker("observer", demo.profile), []
    with FaceMesh(video=True) as mesh:
        for frame in demo.clean(40)[1::3]:
            track = tracker.track(frame)
            assert track is not None
            mesh_says: Points = mesh.settle(frame.image)[0][:, :2]
            gaps.append(
                [
                    np.linalg.norm(points - mesh_says, axis=1).mean() / eye_distance(mesh_says)
                    for points in (track.landmarks, learned.bias.correct(track.landmarks))
                ]
            )
    raw, corrected = np.mean(gaps, axis=0)
    assert corrected < 0.7 * raw


@with_mediapipe
def test_what_is_filled_with_stays_as_it_was(demo: Demo, learned: Profile) -> None:
    assert learned.references is demo.profile.references
    assert learned.expressions is demo.profile.expressions


@with_mediapipe
def test_pictures_without_a_face_teach_nothing(demo: Demo) -> None:
    empty = cast("RGB", np.full((240, 320, 3), 90, np.uint8))
    assert taught(demo.profile, [empty, empty]) is demo.profile
    assert taught(demo.profile, []) is demo.profile


def test_without_mediapipe_the_profile_is_as_it_was(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert taught(demo.profile, [demo.clean(1)[0].image]) is demo.profile


@with_mediapipe
def test_calibration_learns_where_it_is_asked_to(clips: Clips) -> None:
    with FileSource(clips.clean) as source:
        assert calibrate(source, "me", teach=True)[0].bias is not None
    with FileSource(clips.clean) as source:
        assert calibrate(source, "me")[0].bias is None
    with FileSource(clips.clean) as source:  # references and frames are both marked by the mesh: nothing to make good
        assert calibrate(source, "me", tracker="mediapipe", teach=True)[0].bias is None


def test_tracks_are_written_without_the_bias(demo: Demo, clips: Clips, tmp_path: Path) -> None:
    points = demo.profile.references[0].points
    shift = np.array([0.1 * eye_distance(points), 0], np.float32)
    profile = Profile("me", demo.profile.references, bias=Bias.of([points], [points + shift]))
    track_file(clips.clean, tmp_path / "raw.npz", Profile("me", demo.profile.references))
    track_file(clips.clean, tmp_path / "corrected.npz", profile)
    with np.load(tmp_path / "raw.npz") as raw, np.load(tmp_path / "corrected.npz") as corrected:
        gap = corrected["points"] - raw["points"]
        widths = [eye_distance(one) for one in raw["points"]]
        np.testing.assert_allclose(np.linalg.norm(gap, axis=-1).mean(1), 0.1 * np.array(widths), rtol=0.03)
        assert np.array_equal(raw["mask"], corrected["mask"])


def test_a_corrected_tracker_is_the_one_inside_but_for_landmarks(demo: Demo) -> None:
    points, frame = demo.profile.references[0].points, demo.clean(1)[0]
    tracker = CorrectedTracker(open_tracker("observer", demo.profile), Bias.of([points], [points + 1]))
    track, plain = tracker.track(frame), open_tracker("observer", demo.profile).track(frame)
    assert track is not None
    assert plain is not None
    assert np.array_equal(track.occluder, plain.occluder)
    assert (track.landmarks - plain.landmarks).min() > 0.5
    assert tracker.track(Frame(1, 9.0, np.zeros((240, 320, 3), np.uint8))) is None
    assert not tracker.stranger
    tracker.close()
