"""Scenes and their recordings: what the generator learns from is what the running program would hand to it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import synthetic
from numpy.testing import assert_allclose, assert_array_equal

from livefill.profile import Profile, Reference
from livefill.types import Track
from training.clips.record import FACE_SHARE, SIZE, record
from training.clips.scenes import FRAMES, SIDE, Cast, Moment, Scene, _to_and_fro
from training.covering import Wardrobe
from training.faces.pictures import write_picture
from training.occluders.library import Sprite

PICTURE = 432
GREEN = (0, 200, 0)


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Cast:
    """Twelve drawn people with a reference and two stills each, and one who talks."""
    folder = tmp_path_factory.mktemp("people")
    names, points = [], []
    for person in range(12):
        kind, count = ("clip", FRAMES) if person == 0 else ("still", 2)
        for number in range(count + 1):
            shape = synthetic.face((216, 230), 200, mouth=0.02 * number)
            name = f"{kind}_{person:06d}_{number}.jpg"
            write_picture(folder / name, synthetic.picture(shape, (PICTURE, PICTURE), seed=person))
            names.append(name)
            points.append(np.column_stack([shape, synthetic.depth(shape)]))
    matte = np.zeros((160, 160), np.uint8)
    cv2.ellipse(matte, (80, 85), (65, 80), 0, 0, 360, (255,), -1)
    labels = folder / "people.npz"
    np.savez(labels, names=names, points=np.array(points, np.float32), mattes=np.array([matte] * len(names)))
    return Cast.open(folder, labels)


@pytest.fixture(scope="module")
def wardrobe() -> Wardrobe:
    return Wardrobe([Sprite(np.full((80, 60, 3), GREEN, np.uint8), np.ones((80, 60), np.float32), "mug")])


def scene(cast: Cast, wardrobe: Wardrobe, seed: int, person: int = 1) -> Scene:
    return Scene(cast, wardrobe, person, np.random.default_rng(seed))


def test_every_tenth_person_is_held_out(cast: Cast) -> None:
    assert cast.numbers == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11]
    assert cast.talks(0)
    assert not cast.talks(1)


def test_the_same_seed_plays_the_same_scene(cast: Cast, wardrobe: Wardrobe) -> None:
    one, other = (scene(cast, wardrobe, 3) for _ in range(2))
    for a, b in zip(one.references(), other.references(), strict=True):
        assert_array_equal(a[0], b[0])
    for a, b in zip(one.moments(), other.moments(), strict=True):
        for mine, yours in zip(a, b, strict=True):
            assert_array_equal(mine, yours)


def test_a_talking_person_calibrates_with_other_frames_than_are_played(cast: Cast, wardrobe: Wardrobe) -> None:
    pictures = cast.pictures(0)
    for seed in range(8):
        talk = scene(cast, wardrobe, seed, person=0)
        kept, played = ({one.path for one in part} for part in (talk._bank, talk._played))
        assert pictures[0].path in kept
        assert kept.isdisjoint(played)
        assert len(talk.references()) == len(kept) in (1, 3, 11)


def test_what_is_played_goes_to_and_fro() -> None:
    assert [_to_and_fro(number, 3) for number in range(7)] == [0, 1, 2, 1, 0, 1, 2]
    assert [_to_and_fro(number, 1) for number in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("seed", range(4))
def test_only_what_the_mask_says_is_covered(cast: Cast, wardrobe: Wardrobe, seed: int) -> None:
    moments = list(scene(cast, wardrobe, seed).moments())
    assert len(moments) == FRAMES
    for moment in moments[::7]:
        assert moment.covered.shape == moment.clean.shape == (SIDE, SIDE, 3)
        change = np.abs(moment.covered.astype(float) - moment.clean).mean(2)
        if (moment.mask > 0.99).sum() > 500:
            assert change[moment.mask > 0.99].mean() > 2 * change[moment.mask == 0].mean()


def test_motion_is_smooth(cast: Cast, wardrobe: Wardrobe) -> None:
    for seed in range(6):
        points = np.array([moment.points[:, :2] for moment in scene(cast, wardrobe, seed).moments()])
        assert np.abs(np.diff(points, n=2, axis=0)).max() < 8  # pixels a frame and frame


def test_a_recording_is_what_the_filler_shows_its_session() -> None:
    points = synthetic.face((208, 215), 200)
    image = synthetic.picture(points, (SIDE, SIDE))
    mask = synthetic.block((SIDE, SIDE), (150, 240, 260, 330))
    solid = np.column_stack([points, synthetic.depth(points)]).astype(np.float32)
    moment = Moment(synthetic.covered(image, mask), image, mask, solid)
    profile = Profile("drawn", (Reference(image, points, synthetic.depth(points)),))
    clip = record([(moment, Track(points, mask, 1.0))] * 12, profile)
    assert clip is not None
    assert clip["crop"].shape == clip["truth"].shape == clip["expected"].shape == (12, SIZE, SIZE, 3)
    assert clip["bank_crop"].shape == (1, SIZE, SIZE, 3)
    hidden = clip["mask"][0] > 0
    assert_array_equal(clip["crop"][0][~hidden], clip["truth"][0][~hidden])
    assert np.abs(clip["crop"][0].astype(int) - clip["truth"][0])[hidden].mean() > 20
    # The reference is the very picture: what is expected is the truth.
    assert np.abs(clip["expected"][0].astype(int) - clip["truth"][0])[hidden].mean() < 6
    eyes = np.flatnonzero((clip["drawing"][0][..., 1] > 0).any(0))
    assert_allclose(np.ptp(eyes) / SIZE, FACE_SHARE * np.ptp(points[[33, 263], 0]) / 200, rtol=0.35)


def test_a_scene_that_cannot_be_followed_is_left_out() -> None:
    points = synthetic.face((208, 215), 200)
    image = synthetic.picture(points, (SIDE, SIDE))
    profile = Profile("drawn", (Reference(image, points, synthetic.depth(points)),))
    mask = synthetic.block((SIDE, SIDE), (150, 240, 260, 330))
    solid = np.column_stack([points, synthetic.depth(points)]).astype(np.float32)
    moment = Moment(image, image, mask, solid)
    lost, astray = None, Track(points + 120, mask, 1.0)
    assert record([(moment, lost)] * 12, profile) is None
    assert record([(moment, astray)] * 12, profile) is None
    assert record([(moment, Track(points, mask, 1.0)), (moment, lost)] * 6, profile) is None


def test_recordings_become_batches(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="batches are PyTorch's")
    from training.clips.dataset import Clips, recordings

    random = np.random.default_rng(0)
    shapes = {"crop": 3, "expected": 3, "truth": 3, "drawing": 2}
    clip = {name: random.integers(0, 256, (10, 16, 16, depth), np.uint8) for name, depth in shapes.items()}
    clip |= {"mask": random.integers(0, 2, (10, 16, 16), np.uint8) * 255}
    clip |= {f"bank_{name}": clip[name][:1] for name in ("crop", "drawing")}
    np.savez(tmp_path / "one.npz", **clip)
    np.savez(tmp_path / "empty.npz")
    paths = recordings(tmp_path)
    assert [path.name for path in paths] == ["one.npz"]
    one, other = (next(iter(Clips(paths, clips=2, frames=9, seed=4))) for _ in range(2))
    assert one.crop.shape == (18, 3, 16, 16)
    assert one.bank_crop.shape == (6, 3, 16, 16)
    assert one.inputs().mask.unique().tolist() == [0, 1]
    for a, b in zip(one, other, strict=True):
        assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"training\.clips\.record"):
        Clips([], clips=1, frames=1, seed=0)
