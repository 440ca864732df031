"""The clips that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest
from footage import Demo

from livefill import demo as bundled
from livefill.capture import FileSource
from livefill.demo import demo_clip, run_demo
from livefill.errors import SinkError
from livefill.geometry import face_hull


@pytest.mark.parametrize("name", ["demo", "demo_calibrate"])
def test_bundled_clip_is_there_and_small(name: str) -> None:
    path = demo_clip(name)
    assert path.is_relative_to(Path(__file__).parents[1] / "livefill")
    assert 10_000 < path.stat().st_size < 3_000_000
    with FileSource(path) as source:
        assert min(source.size) >= 360
        assert 30 <= source.frames <= 400
        assert 20 <= source.rate <= 60
        assert sum(1 for _ in source) == source.frames


def test_bundled_clips_are_of_one_size(demo: Demo) -> None:
    with FileSource(demo.clip) as one, FileSource(demo.calibration) as other:
        assert one.size == other.size


def test_bundled_person_can_be_calibrated_on(demo: Demo) -> None:
    assert demo.profile.name == "demo"
    for reference in demo.profile.references:
        height, width = reference.image.shape[:2]
        hull = face_hull(reference.points)
        assert (hull > 0).all()
        assert (hull < [width, height]).all()


def test_the_hand_comes_and_goes(demo: Demo) -> None:
    frames = demo.frames(every=12)
    calm = abs(frames[1].image.astype(int) - frames[0].image).mean()
    covered = abs(frames[len(frames) // 2].image.astype(int) - frames[0].image).mean()
    assert covered > 2 * calm


@pytest.mark.parametrize("there", [True, False])
def test_a_demo_that_is_stopped_leaves_no_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundled, "demo_profile", stopped)
    folder = tmp_path / "some" / "demo"
    if there:
        folder.mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt):
        run_demo(folder)
    assert folder.exists() == there
    assert (tmp_path / "some").exists() == there


def test_a_file_where_the_demos_folder_is_to_be_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(SinkError, match=r"notes\.txt is a file: name a folder"):
        run_demo(path)
    assert path.read_text() == "mine"
