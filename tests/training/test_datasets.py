from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import synthetic
from footage import Demo, write
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill.detection import Face, open_detector
from livefill.errors import ConfigError, SourceError
from livefill.geometry import crop_transform
from livefill.types import RGB, Affine
from training import datasets
from training.datasets import SPLITS, Clip, Dataset, FaceCrop, open_dataset, read_clip

SIZE = 64


def shade(level: int, shape: tuple[int, int] = (SIZE, SIZE)) -> RGB:
    return np.full((*shape, 3), level, np.uint8)


def stub(path: Path) -> Path:
    """A file that is listed, and that nobody may decode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def video(path: Path, count: int = 6) -> Path:
    """A video whose frame n is 20 n bright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, [shade(20 * n) for n in range(count)])


def picture(path: Path, image: RGB) -> None:
    cv2.imwrite(str(path), image[..., ::-1])


def names(dataset: Dataset) -> list[str]:
    return [clip.name for clip in dataset]


def clip_at(path: Path) -> Clip:
    return Clip(path.stem, path, None, "train")


def test_faceforensics_lists_originals_of_the_official_folders(tmp_path: Path) -> None:
    stub(tmp_path / "train/original/abcdefghijk_0_abcdefghijk_0.avi")
    stub(tmp_path / "train/altered/abcdefghijk_0_abcdefghijk_0.avi")
    stub(tmp_path / "val/original/a-cdefgh_jk_1_abcdefghijk_0.avi")
    (clip,) = open_dataset("faceforensics", tmp_path)
    assert (clip.identity, clip.split) == ("abcdefghijk", "train")
    (clip,) = open_dataset("faceforensics", tmp_path, split="val")
    assert clip.identity == "a-cdefgh_jk"


def test_faceforensics_as_lgtsm_lays_it_out(tmp_path: Path) -> None:
    for name in ("b", "a"):
        stub(tmp_path / f"Train/videos/{name}.mp4")
    stub(tmp_path / "Test/videos/c/0001.png")
    stub(tmp_path / "Train/masks/a.png")
    assert names(open_dataset("faceforensics", tmp_path)) == ["a", "b"]
    assert names(open_dataset("faceforensics", tmp_path, split="test")) == ["c"]
    with pytest.raises(ConfigError, match=r"split 'val'.*TU Munich"):
        open_dataset("faceforensics", tmp_path, split="val")


def plus_plus(root: Path, level: str = "youtube/c23", **splits: list[list[str]]) -> None:
    for split in SPLITS:
        pairs = splits.get(split, [])
        path = root / f"splits/{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(pairs))
        for name in {name for pair in pairs for name in pair}:
            stub(root / f"original_sequences/{level}/videos/{name}.mp4")


def test_faceforensics_pp_takes_split_and_compression(tmp_path: Path) -> None:
    plus_plus(tmp_path, "youtube/c23", train=[["071", "054"]], val=[["720", "672"]], test=[["953", "974"]])
    plus_plus(tmp_path, "youtube/raw", train=[["071", "054"]], val=[["720", "672"]], test=[["953", "974"]])
    stub(tmp_path / "manipulated_sequences/Deepfakes/c23/videos/071_054.mp4")
    assert names(open_dataset("faceforensics++", tmp_path)) == ["054", "071"]
    raw = open_dataset("faceforensics++", tmp_path, split="test", compression="raw")
    assert [clip.path.parts[-3:] for clip in raw] == [("raw", "videos", f"{name}.mp4") for name in ("953", "974")]
    with pytest.raises(ConfigError, match=r"youtube.c40.videos.*TU Munich"):
        open_dataset("faceforensics++", tmp_path, compression="c40")


@pytest.mark.parametrize(("level", "compression"), [("c23", "c23"), ("youtube/c0", "raw")])
def test_faceforensics_pp_takes_older_layouts(tmp_path: Path, level: str, compression: str) -> None:
    plus_plus(tmp_path, level, train=[["071", "054"]])
    assert names(open_dataset("faceforensics++", tmp_path, compression=compression)) == ["054", "071"]


def test_faceforensics_pp_finds_the_splits_where_it_is_told(tmp_path: Path) -> None:
    plus_plus(tmp_path, train=[["071", "054"]])
    (tmp_path / "splits").rename(tmp_path / "elsewhere")
    assert len(open_dataset("faceforensics++", tmp_path, splits=tmp_path / "elsewhere")) == 2


def test_faceforensics_pp_takes_extracted_frames(tmp_path: Path) -> None:
    plus_plus(tmp_path, "youtube/c40", train=[["000", "001"]])
    stub(tmp_path / "original_sequences/youtube/c23/images/001/0000.png")
    dataset = open_dataset("faceforensics++", tmp_path)
    assert names(dataset) == ["001"]
    assert dataset.left_out == {"named in a split but not there": 1}


def test_faceforensics_pp_keeps_a_youtube_video_out_of_two_splits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plus_plus(tmp_path, train=[["983", "001"]], val=[["982", "004"]])
    assert names(open_dataset("faceforensics++", tmp_path)) == ["001", "983"]
    assert capsys.readouterr().out == ""
    table = {"982": "zPdvu-SUnbg 0", "983": "zPdvu-SUnbg 1", "001": "aaaaaaaaaaa 0"}
    (tmp_path / "conversion_dict.json").write_text(json.dumps(table))
    assert names(open_dataset("faceforensics++", tmp_path)) == ["001"]
    assert "left out: 1 of an identity that a later split shows" in capsys.readouterr().out
    assert names(open_dataset("faceforensics++", tmp_path, split="val")) == ["004", "982"]


def test_faceforensics_pp_splits_actors_by_the_person(tmp_path: Path) -> None:
    for actor in range(1, 29):
        for scene in ("kitchen_pan", "walking"):
            stub(tmp_path / f"original_sequences/actors/c23/videos/{actor:02d}__{scene}.mp4")
    dataset = open_dataset("faceforensics++ actors", tmp_path, split=None)
    assert len(dataset) == 56
    assert len({(clip.identity, clip.split) for clip in dataset}) == 28


def test_faceforensics_pp_says_which_file_is_wrong(tmp_path: Path) -> None:
    plus_plus(tmp_path, train=[["071", "054"]])
    stub(tmp_path / "original_sequences/youtube/c23/videos/555.mp4")
    assert open_dataset("faceforensics++", tmp_path).left_out == {"in no split": 1}
    (tmp_path / "splits/val.json").write_text('{"a": 1}')
    with pytest.raises(ConfigError, match=r"val\.json must be a list of pairs"):
        open_dataset("faceforensics++", tmp_path)
    (tmp_path / "splits/val.json").write_text("[[")
    with pytest.raises(ConfigError, match=r"val\.json cannot be read as JSON"):
        open_dataset("faceforensics++", tmp_path)
    (tmp_path / "splits/val.json").unlink()
    with pytest.raises(ConfigError, match="official splits"):
        open_dataset("faceforensics++", tmp_path)


def celebs(root: Path, *clips: str) -> None:
    table = {name: {"ytb_id": name[:11], "duration": {"start_sec": 1.0, "end_sec": 4.0}} for name in clips}
    (root / "celebvhq_info.json").write_text(json.dumps({"meta_info": {}, "clips": table}))


@pytest.mark.parametrize("table", [True, False])
def test_celebv_hq_splits_by_the_youtube_id(tmp_path: Path, table: bool) -> None:
    clips = [f"{n:011d}_{k}" for n in range(40) for k in range(3)]
    if table:
        celebs(tmp_path, *clips, "M2Ohb0FAaJU_1")
    for name in clips:
        stub(tmp_path / f"processed/{name}.mp4")
    stub(tmp_path / "raw/00000000001.mp4")
    dataset = open_dataset("celebv-hq", tmp_path, split=None, val=0.2, test=0.2)
    assert names(dataset) == clips
    assert {clip.split for clip in dataset} == set(SPLITS)
    assert len({(clip.identity, clip.split) for clip in dataset}) == 40
    gone = {"named in the table but not there": 1} if table else {}
    assert dataset.left_out == {"that are no clips of it": 1, **gone}


def test_celebv_hq_says_what_is_wrong_with_its_table(tmp_path: Path) -> None:
    stub(tmp_path / "M2Ohb0FAaJU_1.mp4")
    (tmp_path / "celebvhq_info.json").write_text('{"clips": {"M2Ohb0FAaJU_1": {}}}')
    with pytest.raises(ConfigError, match="ytb_id"):
        open_dataset("celebv-hq", tmp_path)
    with pytest.raises(ConfigError, match=r"other\.json cannot be read"):
        open_dataset("celebv-hq", tmp_path, info=tmp_path / "other.json")


@pytest.mark.parametrize("middle", ["mp4/", ""])
def test_voxceleb2_splits_by_the_person(tmp_path: Path, middle: str) -> None:
    for part, person in [("dev", n) for n in range(30)] + [("test", n) for n in (7, 90)]:
        for talk in ("21Uxsk56VDQ", "zzzzzzzzzzz"):
            stub(tmp_path / f"{part}/{middle}id{person:05d}/{talk}/00001.mp4")
    stub(tmp_path / f"dev/{middle}readme.txt")
    dataset = open_dataset("voxceleb2", tmp_path, split=None, val=0.3)
    assert len({(clip.identity, clip.split) for clip in dataset}) == 31
    assert {clip.identity for clip in dataset.only("test")} == {"id00007", "id00090"}
    assert len(dataset.only("val")) > 0
    assert dataset[0].name == "id00000/21Uxsk56VDQ/00001"
    assert dataset.left_out == {"beside the persons' folders": 1, "of an identity that a later split shows": 2}


def test_a_folder_of_videos_and_of_folders_of_pictures(tmp_path: Path) -> None:
    stub(tmp_path / "b.mp4")
    stub(tmp_path / "a/0001.png")
    stub(tmp_path / "notes.txt")
    stub(tmp_path / ".b.mp4")
    (tmp_path / "c.mp4").touch()
    dataset = open_dataset("folder", tmp_path, split=None)
    assert names(dataset) == ["a", "b"]
    assert dataset.left_out == {"that are neither videos nor folders of pictures": 1, "without any bytes": 1}


def test_a_folder_that_is_split_already(tmp_path: Path) -> None:
    for path in ("train/ann_1.mp4", "train/bob_1.mp4", "test/ann_2.mp4"):
        stub(tmp_path / path)
    assert names(open_dataset("folder", tmp_path)) == ["ann_1", "bob_1"]
    dataset = open_dataset("folder", tmp_path, split=None, identity=lambda name: name.split("_")[0])
    assert [(clip.name, clip.split) for clip in dataset] == [("ann_2", "test"), ("bob_1", "train")]


PAIRS = st.lists(st.lists(st.integers(0, 12).map("{:03d}".format), min_size=2, max_size=2), max_size=5)
PEOPLE = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=12)


def assert_apart(dataset: Dataset, expected: set[str]) -> None:
    """Nobody is in two splits, nobody is lost, and the order is that of the names."""
    shown = {split: {clip.identity for clip in dataset if clip.split == split} for split in SPLITS}
    assert not shown["train"] & shown["val"]
    assert not shown["train"] & shown["test"]
    assert not shown["val"] & shown["test"]
    assert set.union(*shown.values()) == expected
    assert names(dataset) == sorted(names(dataset))


@settings(max_examples=25)
@given(st.fixed_dictionaries(dict.fromkeys(SPLITS, PAIRS)), st.dictionaries(st.integers(0, 12), st.integers(0, 5)))
def test_no_split_of_faceforensics_pp_leaks(
    tmp_path_factory: pytest.TempPathFactory, splits: dict[str, Any], videos: dict[int, int]
) -> None:
    root = tmp_path_factory.mktemp("plus")
    plus_plus(root, **splits)
    origins = {f"{name:03d}": f"video{origin}" for name, origin in videos.items()}
    (root / "conversion_dict.json").write_text(json.dumps({name: f"{origin} 0" for name, origin in origins.items()}))
    used = {name for pairs in splits.values() for pair in pairs for name in pair}
    if used:
        dataset = open_dataset("faceforensics++", root, split=None)
        assert_apart(dataset, {origins.get(name, name) for name in used})


@settings(max_examples=25)
@given(PEOPLE, st.sampled_from(["celebv-hq", "voxceleb2", "folder", "faceforensics"]))
def test_no_split_leaks(tmp_path_factory: pytest.TempPathFactory, people: list[tuple[int, int]], kind: str) -> None:
    root = tmp_path_factory.mktemp("set")
    for who, number in people:
        stub(
            {
                "celebv-hq": root / f"{who:011d}_{number}.mp4",
                "voxceleb2": root / f"{'dev' if number else 'test'}/mp4/id{who:05d}/talk/{number:05d}.mp4",
                "folder": root / f"{who}_{number}.mp4",
                "faceforensics": root / f"{SPLITS[number % 3]}/original/{who:011d}_{number}.avi",
            }[kind]
        )
    spelled = "{}" if kind == "folder" else "id{:05d}" if kind == "voxceleb2" else "{:011d}"
    options = {"identity": lambda name: name.split("_")[0]} if kind == "folder" else {}
    dataset = open_dataset(kind, root, split=None, **options)
    assert_apart(dataset, {spelled.format(who) for who, _ in people})
    assert open_dataset(kind, root, split=None, **options) == dataset


def test_more_clips_move_nobody_to_another_split(tmp_path: Path) -> None:
    stub(tmp_path / "ann.mp4")
    (before,) = open_dataset("folder", tmp_path, split=None)
    for n in range(20):
        stub(tmp_path / f"{n}.mp4")
    assert before in open_dataset("folder", tmp_path, split=None).clips


ORIGINS = {"celebv-hq": "YouTube ids", "voxceleb2": "Oxford", "folder": ""}


@pytest.mark.parametrize("kind", datasets.LOADERS)
def test_a_missing_or_empty_folder_says_what_to_obtain(tmp_path: Path, kind: str) -> None:
    for root in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ConfigError) as raised:
            open_dataset(kind, root)
        assert str(root) in str(raised.value)
        assert "Expected: ROOT/" in str(raised.value)
        assert ORIGINS.get(kind, "TU Munich") in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("ted", {}, "unknown data set 'ted'"),
        ("folder", {"split": "dev"}, "unknown split 'dev'"),
        ("folder", {"val": 0.7, "test": 0.7}, "shares"),
        ("faceforensics++", {"compression": "c30"}, "unknown compression 'c30'"),
    ],
)
def test_unknown_options(tmp_path: Path, kind: str, options: dict[str, Any], message: str) -> None:
    stub(tmp_path / "a.mp4")
    with pytest.raises(ConfigError, match=message):
        open_dataset(kind, tmp_path, **options)


def test_frames_are_those_that_were_asked_for(tmp_path: Path) -> None:
    read = read_clip(clip_at(video(tmp_path / "a.mp4")), frames=2, start=1, stride=3, size=32)
    assert read.shape == (2, 32, 32, 3)
    assert read.dtype == np.uint8
    assert read.mean((1, 2, 3)) == pytest.approx([20, 80], abs=2)


def test_pictures_are_read_in_their_order(tmp_path: Path) -> None:
    for n in (10, 9, 1):
        picture(tmp_path / f"{n}.png", shade(n))
    read = read_clip(clip_at(tmp_path), frames=3, size=16)
    assert list(read[:, 0, 0, 0]) == [1, 9, 10]


def test_without_a_crop_it_is_the_middle_square(tmp_path: Path) -> None:
    image = shade(0, (40, 100))
    image[:, 30:70] = (200, 100, 50)
    picture(tmp_path / "0.png", image)
    read = read_clip(clip_at(tmp_path), frames=1, size=20)
    assert (read == (200, 100, 50)).all()


def test_a_crop_function_says_what_is_cut(tmp_path: Path) -> None:
    image = shade(0)
    image[10:20, 30:40] = 255
    picture(tmp_path / "0.png", image)
    affine = np.array([[1, 0, -30], [0, 1, -10]], np.float32)
    assert (read_clip(clip_at(tmp_path), frames=1, size=10, crop=lambda image: affine) == 255).all()
    with pytest.raises(SourceError, match="nothing to crop is found in frame 0"):
        read_clip(clip_at(tmp_path), frames=1, crop=lambda image: None)


class Once:
    """A detector that finds a face in the second picture only."""

    thorough = True

    def __init__(self) -> None:
        self.looked = 0

    def find(self, image: RGB) -> list[Face]:
        self.looked += 1
        face = Face(synthetic.face(), np.zeros(468, np.float32), np.zeros((8, 8), np.float32), 0.0, 0.0)
        return [face] if self.looked == 2 else []

    def close(self) -> None: ...


def test_a_face_crop_stays_where_the_face_was() -> None:
    crop = FaceCrop(100, face_share=0.5, detector=Once())
    crops: list[Affine | None] = [crop(shade(0, (256, 256))) for _ in range(3)]
    assert crops[0] is None
    expected = crop_transform(synthetic.face(), 100, face_share=0.5)
    assert all(np.array_equal(found, expected) for found in crops[1:] if found is not None)
    assert crops[2] is not None


def test_a_face_crop_holds_the_bundled_persons_face(demo: Demo) -> None:
    read = read_clip(clip_at(demo.calibration), frames=2, size=256, crop=FaceCrop(256))
    (face,) = open_detector("observer", 256).find(read[1])
    assert np.ptp(face.points[:, 0]) / 256 == pytest.approx(0.58, abs=0.08)
    assert (face.points.min(0) + face.points.max(0)) / 512 == pytest.approx([0.5, 0.5], abs=0.05)


def test_too_few_frames_and_unreadable_files(tmp_path: Path) -> None:
    clip = clip_at(video(tmp_path / "short.mp4", count=4))
    assert len(read_clip(clip, frames=2, start=1, stride=2, size=8)) == 2
    with pytest.raises(SourceError, match=r"short\.mp4 has 4 frames: 3 from number 0 on, 2 apart, need 5"):
        read_clip(clip, frames=3, stride=2, size=8)
    with pytest.raises(SourceError, match=r"bad\.mp4 cannot be opened as a video"):
        read_clip(clip_at(stub(tmp_path / "bad.mp4")))
    with pytest.raises(SourceError, match=r"There is no file .*gone\.mp4"):
        read_clip(clip_at(tmp_path / "gone.mp4"))


@pytest.mark.parametrize("numbers", [{"frames": 0}, {"start": -1}, {"stride": 0}, {"size": 0}])
def test_numbers_that_make_no_sense(tmp_path: Path, numbers: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        read_clip(clip_at(tmp_path / "any.mp4"), **numbers)
