"""The commands as scripts call them: what they say, where they say it, and with which status they end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import synthetic
from footage import Clips, Demo, Said, read, small, write

from livefill import demo as bundled
from livefill.capture import FileSource, PatternSource
from livefill.cli.people import FEW
from livefill.profile import list_profiles, load_profile, profile_path, save_profile
from livefill.tracks import track_file

COMMANDS = ["run", "calibrate", "file", "track", "profiles", "demo", "bench", "devices", "doctor"]

Livefill = Callable[..., Said]


def pattern(path: Path, size: tuple[int, int] = (128, 96), frames: int = 6) -> Path:
    return write(path, [frame.image for frame in PatternSource(size, 10, frames)])


def spoilt(path: Path, how: str) -> Path:
    """Something that is no whole video, under the name of one."""
    if how == "missing":
        return path
    if how == "a folder":
        path.mkdir()
        return path
    whole = pattern(path.with_stem("whole"), frames=30).read_bytes()
    contents = {"empty": b"", "text": b"this is no video\n" * 50, "truncated": whole[: len(whole) // 2]}
    path.write_bytes(contents[how])
    return path


def is_one_sentence(said: Said) -> bool:
    lines = said.err.strip().splitlines()
    return said.code == 1 and len(lines) == 1 and lines[0].startswith("livefill: ") and "Traceback" not in said.err


# --- help -------------------------------------------------------------------------------------------------------------


def test_help_names_every_command(livefill: Livefill) -> None:
    said = livefill("--help")
    assert said.code == 0
    assert all(command in said.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(livefill: Livefill, command: str) -> None:
    said = livefill(command, "--help")
    assert said.code == 0
    examples = said.out.partition("Examples")[2]
    assert f"livefill {command}" in examples


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("run", "--camera --profile --sink --size --fps --backend --model --mask --config"),
        ("calibrate", "--camera --input --profile"),
        ("file", "-o --profile --mask --crf"),
        ("track", "-o --profile"),
        ("profiles", "--delete"),
        ("demo", "-o"),
        ("bench", "--input --seconds --size --json"),
    ],
)
def test_promised_options_are_there(livefill: Livefill, command: str, options: str) -> None:
    shown = livefill(command, "--help").out
    assert [option for option in options.split() if option not in shown] == []


@pytest.mark.parametrize(
    "arguments", [["fly"], ["file", "in.mp4"], ["file", "a", "-o", "b", "--crf", "99"], ["--nope"]]
)
def test_wrong_usage_is_told_on_stderr_with_status_2(livefill: Livefill, arguments: list[str]) -> None:
    said = livefill(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err


def test_options_that_only_run_has_are_said_to_be_there(livefill: Livefill, home: Path) -> None:
    said = livefill("panel", "--size", "640x480")
    assert (said.code, said.out) == (2, "")
    words = " ".join(said.err.replace("│", " ").split())
    assert "--size is none of its options; `livefill run --panel` has more of them" in words
    assert "livefill run --panel" in livefill("panel", "--help").out


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["missing", "empty", "text", "truncated", "a folder"])
@pytest.mark.parametrize("command", ["file", "track", "calibrate", "bench"])
def test_bad_input_is_one_sentence_and_leaves_nothing(
    livefill: Livefill, home: Path, tmp_path: Path, command: str, how: str
) -> None:
    source = spoilt(tmp_path / "in.mp4", how)
    before = sorted(tmp_path.rglob("*"))
    out = tmp_path / ("out.npz" if command == "track" else "out.mp4")
    said = {
        "file": lambda: livefill("file", source, "-o", out),
        "track": lambda: livefill("track", source, "-o", out),
        "calibrate": lambda: livefill("calibrate", "--input", source),
        "bench": lambda: livefill("bench", "--input", source, "--seconds", 1),
    }[command]()
    rest = [
        line
        for line in said.err.splitlines()
        if "There is no profile" not in line and "no profile 'default'" not in line
    ]
    rest = [line for line in rest if not line.lstrip().startswith("0%")]  # the guidance of a calibration
    said = Said(said.code, said.out, "\n".join(rest))
    assert is_one_sentence(said), said.err
    assert "in.mp4" in said.err
    assert sorted(tmp_path.rglob("*")) == before
    assert list_profiles() == []


def test_markup_in_a_name_is_shown_as_it_is(livefill: Livefill, home: Path, tmp_path: Path) -> None:
    for name in ("talk [final].mp4", "[/red].mp4", "[bold].mp4"):
        said = livefill("calibrate", "--input", tmp_path / name)
        assert is_one_sentence(said), said.err
        assert name in said.err


@pytest.mark.parametrize("command", ["file", "track"])
def test_input_is_never_overwritten(livefill: Livefill, home: Path, tmp_path: Path, command: str) -> None:
    clip = pattern(tmp_path / "in.mp4")
    data = clip.read_bytes()
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    for target in (clip, link):
        said = livefill(command, clip, "-o", target)
        assert said.code == 1
        assert "choose another" in said.err
        assert clip.read_bytes() == data


@pytest.mark.parametrize("command", ["file", "track"])
def test_missing_input_leaves_an_older_output_as_it_was(
    livefill: Livefill, home: Path, tmp_path: Path, command: str
) -> None:
    older = tmp_path / ("out.npz" if command == "track" else "out.mp4")
    older.write_bytes(b"precious")
    said = livefill(command, tmp_path / "absent.mp4", "-o", older)
    assert said.code == 1
    assert "absent.mp4" in said.err
    assert "Traceback" not in said.err
    assert older.read_bytes() == b"precious"


@pytest.mark.parametrize("target", ["nowhere/out.mp4", "out.gif", "out"])
def test_output_that_cannot_be_written_is_told(livefill: Livefill, home: Path, tmp_path: Path, target: str) -> None:
    said = livefill("file", pattern(tmp_path / "in.mp4"), "-o", tmp_path / target)
    assert said.code == 1
    assert "out" in said.err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(
    ("target", "words"), [("nowhere/tracks.npz", "does not exist: create it"), ("tracks.mp4", "must end in .npz")]
)
def test_tracks_that_cannot_be_written_are_told_before_the_work(
    livefill: Livefill, home: Path, tmp_path: Path, target: str, words: str
) -> None:
    said = livefill("track", pattern(tmp_path / "in.mp4"), "-o", tmp_path / target)
    assert is_one_sentence(said), said.err
    assert words in said.err


@pytest.mark.parametrize("command", ["file", "track", "bench"])
def test_profile_asked_for_by_name_has_to_be_there(
    livefill: Livefill, home: Path, tmp_path: Path, command: str
) -> None:
    clip = pattern(tmp_path / "in.mp4")
    out = tmp_path / ("out.npz" if command == "track" else "out.mp4")
    target = ["--input", clip] if command == "bench" else [clip, "-o", out]
    said = livefill(command, *target, "--profile", "ada")
    assert is_one_sentence(said)
    assert "livefill calibrate --profile ada" in said.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "words"), [('colour = "red"', "unknown setting 'colour'"), ("fps = 0", "between 1 and 240"), ("[", "TOML")]
)
def test_bad_config_is_one_sentence(livefill: Livefill, home: Path, tmp_path: Path, text: str, words: str) -> None:
    config = tmp_path / "livefill.toml"
    config.write_text(text)
    said = livefill("run", "--config", config)
    assert is_one_sentence(said)
    assert words in said.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "12"], "1280x720"),
        (["--fps", "0"], "between 1 and 240"),
        (["--sink", "telepathy"], "no sink 'telepathy'"),
        (["--camera", "absent.mp4"], "no file absent.mp4"),
        (["--backend", "quantum"], "unknown backend"),
        (["--mask", "masks.mp4"], "must be a picture"),
        (["--profile", "ada"], "no profile 'ada'"),
        (["--port", "8000"], "--port needs --panel"),
        (["--host", "0.0.0.0"], "--host needs --panel"),
    ],
)
def test_bad_option_of_run_is_one_sentence(
    livefill: Livefill, home: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    clip = pattern(tmp_path / "in.mp4", frames=2)
    said = livefill("run", "--camera", clip, "--sink", "none", "--no-loop", *options)
    assert said.code == 1
    assert words in said.err.splitlines()[-1]
    assert "Traceback" not in said.err


def test_a_closed_input_is_no_terminal(
    livefill: Livefill, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: bool(shown.append(url)) or True)
    monkeypatch.setattr("sys.stdin", None)
    clip = pattern(tmp_path / "in.mp4", frames=2)
    said = livefill("run", "--camera", clip, "--sink", "none", "--no-loop", "--panel")
    assert said.code == 0, said.err
    assert shown[0].startswith((home / "livefill-").as_uri())


# --- file -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [[], ["--offline"]])
def test_hand_is_taken_off_a_video(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path, how: list[str]
) -> None:
    out = tmp_path / "out.mp4"
    said = livefill("file", clips.hand, "-o", out, *how)
    assert said.code == 0
    assert re.search(rf"{re.escape(str(out))}: 12 frames, \d+ filled\.", said.out)
    assert said.err == ""
    with FileSource(clips.hand) as before, FileSource(out) as after:
        assert (after.size, after.rate, after.frames) == (before.size, before.rate, before.frames)
        changes = [np.abs(a.image.astype(int) - b.image).mean() for a, b in zip(before, after, strict=True)]
    assert changes[0] < 1.5
    assert changes[-1] > 4 * changes[0]
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_the_version_is_told(livefill: Livefill) -> None:
    said = livefill("--version")
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(r"livefill \d+\.\d+\.\d+\S*", said.out.strip())


def test_only_livefills_own_tracker_looks_ahead(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path
) -> None:
    pytest.importorskip("mediapipe")
    out = tmp_path / "out.mp4"
    said = livefill("file", clips.hand, "-o", out, "--offline", "--tracker", "mediapipe")
    assert is_one_sentence(said)
    assert "leave out --offline" in said.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "huge"), "choose one of fast, hq"),
        (("--model", "hq", "--backend", "reference"), "without a generator"),
    ],
)
def test_a_model_is_handed_on_and_one_that_is_not_there_is_named(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    for command in (("file", clips.hand, "-o", tmp_path / "out.mp4"), ("bench", "--seconds", "1")):
        done = livefill(*command, *options)
        assert is_one_sentence(done)
        assert said in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_video_is_refused_before_anything_is_loaded(
    livefill: Livefill, home: Path, tmp_path: Path
) -> None:
    said = livefill("file", pattern(tmp_path / "in.mp4"), "-o", tmp_path / "out.avi4")
    assert said.code == 1
    assert "must end in .mp4, .mov or .mkv" in said.err


def test_without_a_profile_nothing_is_written_and_the_way_to_one_is_said(
    livefill: Livefill, home: Path, tmp_path: Path
) -> None:
    clip, out = pattern(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    said = livefill("file", clip, "-o", out)
    assert said.code == 1
    assert "livefill calibrate" in said.err
    assert not out.exists()


@pytest.mark.parametrize("size", [(97, 65), (128, 65), (97, 64)])
def test_video_of_odd_size_without_a_face_passes(
    livefill: Livefill, acquainted: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    clip, out = pattern(tmp_path / "in.mp4", size, frames=3), tmp_path / "out.mp4"
    assert livefill("file", clip, "-o", out, "--crf", 1).code == 0
    shown = read(out)
    assert len(shown) == 3
    assert shown[0].image.shape == (size[1], size[0], 3)
    assert synthetic.psnr(shown[0].image, read(clip)[0].image) > 38


def test_a_video_that_was_there_is_replaced_and_that_is_said(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    assert "replaces" not in livefill("file", clips.nobody, "-o", out).out
    assert "It replaces the out.mp4 that was there." in livefill("file", clips.nobody, "-o", out).out


def test_a_video_in_which_nothing_was_filled_comes_with_what_to_try(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    lying = [np.ascontiguousarray(np.rot90(frame.image)) for frame in read(clips.clean, 3)]
    said = livefill("file", write(tmp_path / "lying.mp4", lying), "-o", out)
    assert said.code == 0
    assert "Is the picture upright?" in said.err
    said = livefill("file", write(tmp_path / "free.mp4", [frame.image for frame in read(clips.clean, 3)]), "-o", out)
    assert "Nothing was found that covers your face in the 3 frames" in said.err
    assert "--mask" in said.err


def test_a_picture_is_filled_as_a_video_of_one_frame_and_that_is_said(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path
) -> None:
    picture = tmp_path / "in.png"
    cv2.imwrite(str(picture), read(clips.hand)[-1].image[..., ::-1])
    said = livefill("file", picture, "-o", tmp_path / "out.mp4")
    assert said.code == 0, said.err
    assert f"{picture} is a single picture" in said.err


def test_one_frame_is_counted_as_one(livefill: Livefill, acquainted: Path, tmp_path: Path) -> None:
    clip = pattern(tmp_path / "in.mp4", frames=1)
    assert ": 1 frame, 0 filled" in livefill("file", clip, "-o", tmp_path / "out.mp4").out
    assert ": 1 frame." in livefill("track", clip, "-o", tmp_path / "out.npz").out


def test_sound_is_copied(livefill: Livefill, acquainted: Path, tmp_path: Path) -> None:
    clip, out = with_tone(pattern(tmp_path / "silent.mp4"), tmp_path / "in.mp4"), tmp_path / "out.mp4"
    assert livefill("file", clip, "-o", out).code == 0
    assert len(sound_of(clip)) > 10
    assert sound_of(out) == sound_of(clip)
    assert len(read(out)) == 6


def with_tone(video: Path, out: Path) -> Path:
    """Copy a clip and add half a second of a tone."""
    with av.open(str(video)) as source, av.open(str(out), "w") as target:
        picture = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=48000, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = picture
                target.mux(packet)
        tone = np.sin(np.arange(24 * 1024) * 0.05).astype(np.float32)
        for start in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
            block.sample_rate, block.pts = 48000, start
            target.mux(sound.encode(block))
        target.mux(sound.encode())
    return out


def sound_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_two_faces_do_no_harm(livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path) -> None:
    two = write(tmp_path / "two.mp4", [np.hstack([f.image, f.image[:, ::-1]]) for f in read(clips.clean, 3)], crf=5)
    out = tmp_path / "out.mp4"
    assert livefill("file", two, "-o", out, "--crf", 5).code == 0
    for one, other in zip(read(two), read(out), strict=True):
        assert synthetic.psnr(one.image, other.image) > 34


@pytest.fixture(scope="module")
def microphone(demo: Demo, clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """Clean frames with a block that stands before the mouth; and where."""
    images = [frame.image for frame in read(clips.clean, 4)]
    points = demo.profile.references[0].points / 2
    (x, y), reach = points[13], 0.2 * float(np.ptp(points[:, 0]))
    box = tuple(int(v) for v in (x - reach, y - reach, x + reach, y + reach))
    mask = synthetic.block(images[0].shape, box)  # type: ignore[arg-type]
    path = tmp_path_factory.mktemp("microphone") / "in.mp4"
    return write(path, [synthetic.covered(image, mask) for image in images], crf=5), mask


@pytest.mark.parametrize("kind", ["picture", "picture of another size", "picture with alpha", "video"])
def test_mask_says_what_is_always_covered(
    livefill: Livefill,
    acquainted: Path,
    clips: Clips,
    microphone: tuple[Path, np.ndarray],
    tmp_path: Path,
    kind: str,
) -> None:
    clip, mask = microphone
    drawn = (mask[..., None] * np.array([255, 255, 255])).astype(np.uint8)
    path = tmp_path / ("mask.mp4" if kind == "video" else "mask.png")
    if kind == "video":
        write(path, [drawn] * 4)
    elif kind == "picture":
        cv2.imwrite(str(path), drawn)
    elif kind == "picture of another size":
        cv2.imwrite(str(path), cv2.resize(drawn, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))
    else:
        cv2.imwrite(str(path), np.dstack([0 * drawn, drawn[..., 0]]))
    out = tmp_path / "out.mp4"
    said = livefill("file", clip, "-o", out, "--mask", path, "--crf", 5)
    assert said.code == 0, said.err
    for truth, covered, shown in zip(read(clips.clean, 4), read(clip), read(out), strict=True):
        before, after = (synthetic.psnr(one.image, truth.image, mask > 0) for one in (covered, shown))
        assert after > before + 6


@pytest.mark.parametrize(
    ("name", "contents"),
    [("mask.png", b""), ("mask.png", b"no picture"), ("mask.mp4", b"no video"), ("absent.png", None)],
)
def test_bad_mask_is_one_sentence(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path, name: str, contents: bytes | None
) -> None:
    if contents is not None:
        (tmp_path / name).write_bytes(contents)
    said = livefill("file", clips.nobody, "-o", tmp_path / "out.mp4", "--mask", tmp_path / name)
    assert is_one_sentence(said), said.err
    assert name in said.err
    assert not (tmp_path / "out.mp4").exists()


def test_video_of_masks_that_is_too_short_is_told(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path
) -> None:
    masks = write(tmp_path / "masks.mp4", [np.zeros((120, 160, 3), np.uint8)] * 3)
    said = livefill("file", clips.nobody, "-o", tmp_path / "out.mp4", "--mask", masks)
    assert is_one_sentence(said)
    assert "shorter" in said.err
    assert not (tmp_path / "out.mp4").exists()


# --- track ------------------------------------------------------------------------------------------------------------


def test_tracks_are_arrays_as_promised(livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path) -> None:
    out = tmp_path / "tracks.npz"
    said = livefill("track", clips.hand, "-o", out)
    assert said.code == 0
    assert "12 frames" in said.out
    height, width = read(clips.hand, 1)[0].image.shape[:2]
    with np.load(out, allow_pickle=False) as tracks:
        assert sorted(tracks.files) == ["mask", "points", "score", "shape"]
        points, score, mask, shape = (tracks[name] for name in ("points", "score", "mask", "shape"))
    assert (points.shape, points.dtype) == ((12, 468, 2), np.float32)
    assert (score.shape, mask.dtype) == ((12,), np.uint8)
    assert shape.tolist() == [12, height, width]
    bits = np.unpackbits(mask, axis=-1, count=width).reshape(shape)
    assert bits[-1].any()
    assert not bits[0].any()
    assert np.isfinite(points).all()
    assert (points[..., 0] < width).all()
    assert ((score > 0) & (score <= 1)).all()


def test_where_there_is_no_face_points_are_nan(
    livefill: Livefill, acquainted: Path, clips: Clips, tmp_path: Path
) -> None:
    assert livefill("track", clips.nobody, "-o", tmp_path / "tracks.npz").code == 0
    with np.load(tmp_path / "tracks.npz") as tracks:
        assert np.isnan(tracks["points"]).all()
        assert not tracks["score"].any()
        assert not tracks["mask"].any()


def test_without_a_profile_there_are_landmarks_all_the_same(
    livefill: Livefill, home: Path, clips: Clips, tmp_path: Path
) -> None:
    said = livefill("track", clips.clean, "-o", tmp_path / "tracks.npz")
    assert said.code == 0
    assert "Nothing is compared with a reference" in said.err
    with np.load(tmp_path / "tracks.npz") as tracks:
        assert np.isfinite(tracks["points"]).all()


def test_video_with_a_width_not_of_eight_is_packed_and_unpacked(
    home: Path, clips: Clips, tmp_path: Path, demo: Demo
) -> None:
    images = [frame.image[:, :-3] for frame in read(clips.hand)[-2:]]
    track_file(write(tmp_path / "odd.mp4", images), tmp_path / "tracks.npz", demo.profile)
    with np.load(tmp_path / "tracks.npz") as tracks:
        count, height, width = tracks["shape"]
        assert (count, height, width) == (2, *images[0].shape[:2])
        assert tracks["mask"].shape == (2, height, -(-width // 8))
        assert np.isfinite(tracks["points"]).all()


# --- calibrate and profiles -------------------------------------------------------------------------------------------


def test_profile_is_made_from_a_video_and_shown(livefill: Livefill, home: Path, clips: Clips, tmp_path: Path) -> None:
    sheet = tmp_path / "kept.png"
    said = livefill("calibrate", "--input", clips.clean, "--profile", "ada", "--sheet", sheet)
    assert said.code == 0, said.err
    assert "yaw" in said.out
    assert str(profile_path("ada")) in said.out
    assert len(load_profile("ada").references) >= 1
    rows = -(-len(load_profile("ada").pictures) // 6)
    assert cv2.imread(str(sheet)).shape[0] == 260 * rows - 4
    assert "good" in said.err  # the guidance goes to stderr
    count = len(load_profile("ada").pictures)
    assert ("single one" in said.err) == (count == 1)
    assert ("They are few" in said.err) == (1 < count < FEW)
    assert f"{sheet}: the pictures that were kept." in said.out
    assert said.out.endswith("livefill run --profile ada\n")


def test_single_picture_of_a_video_is_told(livefill: Livefill, home: Path, demo: Demo, tmp_path: Path) -> None:
    still = write(tmp_path / "still.mp4", [small(demo.profile.references[0].image)] * 12)
    said = livefill("calibrate", "--input", still)
    assert said.code == 0, said.err
    assert "single one" in said.err
    assert said.out.endswith("livefill run\n")


def test_few_pictures_of_a_video_are_told(livefill: Livefill, home: Path, demo: Demo, tmp_path: Path) -> None:
    face = small(demo.profile.references[0].image)
    wide = cv2.warpAffine(face, np.float32([[1.04, 0, 0], [0, 1, 0]]), face.shape[1::-1])  # a wider one
    said = livefill("calibrate", "--input", write(tmp_path / "two.mp4", [face] * 6 + [wide] * 6))
    assert said.code == 0, said.err
    assert 1 < len(load_profile("default").pictures) < FEW
    assert "They are few" in said.err


def test_frames_of_a_video_that_could_not_serve_are_counted_with_the_reason(
    livefill: Livefill, home: Path, clips: Clips, tmp_path: Path
) -> None:
    faces = [frame.image for frame in read(clips.clean, 3)]
    alone = [np.hstack([face, np.full_like(face, 90)]) for face in faces]
    nobody = np.full_like(alone[0], 90)
    mixed = [np.hstack([faces[0], faces[0][:, ::-1]])]
    for image in alone:
        mixed += [image, nobody, nobody]
    said = livefill("calibrate", "--input", write(tmp_path / "mixed.mp4", mixed, crf=5))
    assert said.code == 0, said.err
    assert "7 of 10 frames were left out: no face is to be seen (6), two faces are in the picture (1)." in said.err
    assert said.err.count("no face is to be seen: look") == 1  # and not each time that it changes
    assert "left out" not in livefill("calibrate", "--input", clips.clean).err


def test_profile_is_made_from_a_picture(livefill: Livefill, home: Path, demo: Demo, tmp_path: Path) -> None:
    picture = tmp_path / "me.png"
    cv2.imwrite(str(picture), small(demo.profile.references[0].image)[..., ::-1])
    said = livefill("calibrate", "--input", picture)
    assert said.code == 0
    assert "single one" not in said.err  # a picture can be no more
    assert list_profiles() == ["default"]


def test_a_camera_that_is_no_camera_says_how_to_list_them(livefill: Livefill, home: Path) -> None:
    said = livefill("calibrate", "--camera", "absent.mp4")
    assert is_one_sentence(said)
    assert "`livefill devices`" in said.err


def test_an_input_that_is_not_there_is_a_file_and_no_camera(livefill: Livefill, home: Path) -> None:
    said = livefill("calibrate", "--input", "absent.mp4")
    assert is_one_sentence(said)
    assert "no file absent.mp4: give --input a video or a picture" in said.err
    assert "camera" not in said.err


def test_nobody_to_calibrate_on_leaves_the_old_profile(livefill: Livefill, home: Path, clips: Clips) -> None:
    data = save_profile(synthetic.person()).read_bytes()
    said = livefill("calibrate", "--input", clips.nobody)
    assert said.code == 1
    assert "no face is to be seen" in said.err.splitlines()[-1]
    assert profile_path("default").read_bytes() == data


def test_bad_name_is_told_before_the_work(livefill: Livefill, home: Path, clips: Clips) -> None:
    said = livefill("calibrate", "--input", clips.clean, "--profile", "../x")
    assert is_one_sentence(said)
    assert "no name for a profile" in said.err


@pytest.mark.parametrize("sheet", ["sheet.xyz", "nowhere/sheet.png"])
def test_sheet_that_will_not_do_is_told_before_the_work(
    livefill: Livefill, home: Path, clips: Clips, tmp_path: Path, sheet: str
) -> None:
    said = livefill("calibrate", "--input", clips.clean, "--sheet", tmp_path / sheet)
    assert is_one_sentence(said), said.err  # no guidance: it has not begun
    assert sheet.partition("/")[0] in said.err
    assert list_profiles() == []


def test_profile_that_cannot_be_saved_is_told_before_the_work(livefill: Livefill, home: Path, clips: Clips) -> None:
    home.write_text("no folder")
    said = livefill("calibrate", "--input", clips.clean)
    assert is_one_sentence(said), said.err
    assert "cannot write" in said.err


def test_what_a_calibration_replaces_is_told(livefill: Livefill, home: Path, clips: Clips) -> None:
    said = livefill("calibrate", "--input", clips.clean, "--profile", "ada")
    assert "replaces" not in said.out
    save_profile(replace(synthetic.person("ada"), created="2026-01-02T03:04:05+00:00"))
    said = livefill("calibrate", "--input", clips.clean, "--profile", "ada")
    assert "Profile 'ada' replaces the one of 2026-01-02 03:04 UTC." in said.out


def test_sheet_without_a_name_is_refused(livefill: Livefill, home: Path, tmp_path: Path) -> None:
    said = livefill("profiles", "--sheet", tmp_path / "me.png")
    assert is_one_sentence(said)
    assert "--sheet needs --show" in said.err


def test_profiles_are_listed_shown_and_deleted(livefill: Livefill, home: Path, tmp_path: Path) -> None:
    assert "livefill calibrate" in livefill("profiles").out
    save_profile(synthetic.person("ada", mouths=(0.0, 0.1)))
    save_profile(synthetic.person("grace")).write_bytes(b"garbage")
    listed = livefill("profiles")
    assert listed.code == 0
    assert "ada: 2 pictures" in listed.out
    assert "grace: profile 'grace' cannot be read" in listed.out
    assert livefill("profiles", "--show", "ada", "--sheet", tmp_path / "ada.png").code == 0
    assert cv2.imread(str(tmp_path / "ada.png")).shape == (256, 516, 3)
    assert livefill("profiles", "--delete", "grace").code == 0
    assert list_profiles() == ["ada"]
    again = livefill("profiles", "--delete", "grace")
    assert is_one_sentence(again)


def test_a_stray_file_among_the_profiles_does_not_end_the_list(livefill: Livefill, home: Path) -> None:
    path = save_profile(synthetic.person("ada"))
    path.with_name("default (copy).npz").write_bytes(path.read_bytes())
    listed = livefill("profiles")
    assert (listed.code, listed.err) == (0, "")
    assert listed.out.startswith("ada: 1 picture,")
    assert "copy" not in listed.out


@pytest.mark.parametrize("sheet", ["sheet.xyz", "nowhere/sheet.png"])
def test_sheet_that_cannot_be_written_is_told(livefill: Livefill, home: Path, tmp_path: Path, sheet: str) -> None:
    save_profile(synthetic.person("ada"))
    said = livefill("profiles", "--show", "ada", "--sheet", tmp_path / sheet)
    assert is_one_sentence(said), said.err
    assert sheet in said.err


# --- demo and bench ---------------------------------------------------------------------------------------------------


@pytest.fixture
def brief(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bundled clips short."""
    from livefill import bench

    for module in (bundled, bench):
        monkeypatch.setattr(module, "demo_clip", lambda name="demo": clips.hand if name == "demo" else clips.clean)


@pytest.mark.usefixtures("brief")
def test_demo_shows_before_and_after(livefill: Livefill, home: Path, clips: Clips, tmp_path: Path) -> None:
    said = livefill("demo", "-o", tmp_path / "a/b")
    assert said.code == 0, said.err
    assert "fps" in said.out
    frames = read(tmp_path / "a/b/before_after.mp4")
    height, width = read(clips.hand, 1)[0].image.shape[:2]
    assert len(frames) == 12
    assert frames[0].image.shape == (height, 2 * width, 3)
    before, after = frames[-1].image[:, :width], frames[-1].image[:, width:]
    assert np.abs(before.astype(int) - after).mean() > 3
    assert cv2.imread(str(tmp_path / "a/b/before_after.png")).shape[1] == 2 * width
    assert sorted(path.name for path in (tmp_path / "a/b").iterdir()) == ["before_after.mp4", "before_after.png"]
    assert list_profiles() == []  # nobody's profile is touched


def test_demo_into_a_file_is_refused(livefill: Livefill, home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = livefill("demo", "-o", tmp_path / "file")
    assert is_one_sentence(said)


def test_bench_prints_one_object(livefill: Livefill, acquainted: Path, clips: Clips) -> None:
    said = livefill(
        "bench", "--input", clips.hand, "--seconds", 2, "--size", "320x180", "--profile", "default", "--json"
    )
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert result["fps"] > 0
    assert result["dropped"] >= 0
    assert 0 < result["latency_ms"]["p50"] <= result["latency_ms"]["p95"] <= result["latency_ms"]["p99"]
    assert set(result["stages_ms"]) == {"capture", "observe", "fill", "paste", "sink"}
    assert all(ms >= 0 for ms in result["stages_ms"].values())
    assert result["stages_ms"]["observe"] > 0
    assert "fast" in result["backend"]
    assert "cores" in result["machine"]
    assert "OpenCV" in result["machine"]
    assert result["profile"] == "default"
    assert result["size"] == "320x180"


@pytest.mark.usefixtures("brief")
def test_bench_without_anything_measures_the_bundled_clip(livefill: Livefill, home: Path) -> None:
    said = livefill("bench", "--seconds", 2, "--size", "160x120")
    assert said.code == 0, said.err
    assert "bundled demo" in said.out
    assert "profile     bundled" in said.out
    assert "latency_ms" in said.out


def test_bench_of_nobody_says_so(livefill: Livefill, home: Path, clips: Clips) -> None:
    said = livefill("bench", "--input", clips.nobody, "--seconds", 1)
    assert is_one_sentence(said)
    assert "no face" in said.err


# --- devices and doctor -----------------------------------------------------------------------------------------------


def test_devices_are_listed(livefill: Livefill, monkeypatch: pytest.MonkeyPatch) -> None:
    from livefill import capture
    from livefill.capture.cameras import Camera
    from livefill.v4l2 import Mode

    found = [Camera("/dev/video0", "Desk [left]", (Mode(1280, 720, 30.0, "MJPG"),), is_virtual=False)]
    monkeypatch.setattr(capture, "list_cameras", lambda: found)
    said = livefill("devices")
    assert said.code == 0
    assert "/dev/video0  Desk [left]  (camera)" in said.out
    assert "MJPG 1280x720 at 30 fps" in said.out
    monkeypatch.setattr(capture, "list_cameras", list)
    assert "livefill doctor" in livefill("devices").out


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_doctor_ends_with_what_it_found(
    livefill: Livefill, monkeypatch: pytest.MonkeyPatch, ok: bool, code: int
) -> None:
    from livefill import doctor

    finding = doctor.Finding(ok, "camera [x]", "as it is", "" if ok else "sudo modprobe v4l2loopback")
    monkeypatch.setattr(doctor, "diagnose", lambda: [finding])
    said = livefill("doctor")
    assert said.code == code
    assert "camera [x]: as it is" in said.out
    assert ("sudo modprobe" in said.out) is not ok


# --- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 1)])
def test_interrupt_and_broken_pipe_end_without_a_traceback(
    livefill: Livefill, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    from livefill import capture

    def interrupted() -> None:
        raise error

    monkeypatch.setattr(capture, "list_cameras", interrupted)
    said = livefill("devices")
    assert said.code == code
    assert "Traceback" not in said.err
