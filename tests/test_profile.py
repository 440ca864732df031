from __future__ import annotations

import io
import os
import stat
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from livefill.bias import Bias
from livefill.errors import LivefillError, ProfileError
from livefill.geometry import apply, face_hull, fill_polygon
from livefill.profile import (
    Profile,
    Reference,
    delete_profile,
    list_profiles,
    load_profile,
    profile_path,
    save_profile,
)

BANK = synthetic.person("ada", mouths=(0.0, 0.05, 0.1))


def rewritten(path: Path, **changed: np.ndarray) -> None:
    """Change arrays of a profile's file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changed
    with path.open("wb") as out:
        np.savez(out, **arrays)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_what_is_saved_is_what_is_loaded(home: Path) -> None:
    path = save_profile(BANK)
    assert path == profile_path("ada")
    assert path.is_relative_to(home)
    loaded = load_profile("ada")
    assert (loaded.name, loaded.created) == (BANK.name, BANK.created)
    assert len(loaded.references) == 3
    for one, other in zip(loaded.references, BANK.references, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.points, other.points)
        assert np.array_equal(one.depth, other.depth)
        assert (one.points.dtype, one.depth.dtype, one.image.dtype) == (np.float32, np.float32, np.uint8)


def test_the_observers_bias_is_saved_as_well(home: Path) -> None:
    bias = Bias.of([BANK.references[0].points], [BANK.references[0].points + 1])
    save_profile(replace(BANK, bias=bias))
    loaded = load_profile("ada").bias
    assert loaded is not None
    assert np.array_equal(loaded.fields, bias.fields)
    assert loaded.reach == bias.reach
    save_profile(BANK)
    assert load_profile("ada").bias is None


@pytest.mark.parametrize("fields", [np.zeros((4, 2, 468), np.float32), np.full((4, 468, 2), np.nan, np.float32)])
def test_a_damaged_bias_is_a_damaged_profile(home: Path, fields: np.ndarray) -> None:
    rewritten(save_profile(BANK), bias=fields, reach=np.array(1.0))
    with pytest.raises(ProfileError, match="damaged"):
        load_profile("ada")


def test_other_expressions_are_saved_as_well(home: Path) -> None:
    split = Profile("ada", BANK.references[:1], expressions=BANK.references[1:], shares=(0.5, 0.3, 0.2))
    save_profile(split)
    loaded = load_profile("ada")
    assert (len(loaded.references), len(loaded.expressions)) == (1, 2)
    np.testing.assert_allclose(loaded.usual, [0.5, 0.3, 0.2])
    for one, other in zip(loaded.pictures, BANK.references, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.points, other.points)


def test_a_profile_from_before_there_were_other_expressions_is_read(home: Path) -> None:
    path = save_profile(BANK)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "shares"}
    with path.open("wb") as out:
        np.savez(out, **arrays)
    loaded = load_profile("ada")
    assert (len(loaded.references), loaded.expressions, loaded.shares) == (3, (), ())
    np.testing.assert_allclose(loaded.usual, 1 / 3)


@pytest.mark.parametrize(
    "changed",
    [
        {"shares": np.array([0.5, 0.5], np.float32)},
        {"shares": np.array([0.5, np.nan, 0.5], np.float32)},
        {"shares": np.array([2, -1, 0], np.float32)},
        {"shares": np.zeros(3, np.float32)},
        {"shares": np.ones((3, 2), np.float32)},
        {"points1": np.full((468, 3), np.nan, np.float32)},
        {"points1": np.zeros((468, 3), np.float32)},
    ],
    ids=["too few", "no number", "less than nothing", "nothing", "of two kinds", "no place", "one place"],
)
def test_numbers_that_would_fail_in_mid_meeting_are_damage(home: Path, changed: dict[str, np.ndarray]) -> None:
    rewritten(save_profile(BANK), **changed)
    with pytest.raises(ProfileError, match="damaged"):
        load_profile("ada")


def test_only_the_owner_may_read(home: Path) -> None:
    path = save_profile(BANK)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_saving_again_replaces_and_leaves_nothing_else(home: Path) -> None:
    save_profile(BANK)
    path = save_profile(synthetic.person("ada"))
    assert len(load_profile("ada").references) == 1
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_profiles_are_listed_and_deleted(home: Path) -> None:
    assert list_profiles() == []
    for name in ("grace", "ada", "v1.2"):
        save_profile(synthetic.person(name))
    assert list_profiles() == ["ada", "grace", "v1.2"]
    delete_profile("ada")
    assert list_profiles() == ["grace", "v1.2"]


@pytest.mark.parametrize("stray", [b"default (copy).npz", b".hidden.npz", b"caf\xe9.npz", b"\xff.npz", b"a\nb.npz"])
def test_a_file_without_a_name_for_a_profile_is_not_listed(home: Path, stray: bytes) -> None:
    path = save_profile(BANK)
    with suppress(OSError):  # a file system may refuse such a name
        path.with_name(os.fsdecode(stray)).write_bytes(path.read_bytes())
    assert list_profiles() == ["ada"]


@pytest.mark.parametrize(
    "name", ["../x", "", ".", "..", ".hidden", "a/b", "a\\b", "x" * 65, "a b", "a\n", "/etc/passwd"]
)
@pytest.mark.parametrize("act", [profile_path, load_profile, delete_profile])
def test_no_name_leads_out_of_the_folder(home: Path, name: str, act: object) -> None:
    with pytest.raises(ProfileError, match="no name for a profile"):
        act(name)  # type: ignore[operator]


@given(st.text(max_size=12))
def test_every_name_is_a_file_of_the_folder_or_refused(name: str) -> None:
    try:
        path = profile_path(name)
    except ProfileError:
        return
    assert path.resolve().parent == profile_path("a").resolve().parent
    assert not path.name.startswith(".")


# --- what may be wrong with it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [load_profile, delete_profile])
def test_missing_profile_says_what_to_do(home: Path, act: object) -> None:
    with pytest.raises(ProfileError, match=r"no profile 'ada'.*livefill (calibrate --profile ada|profiles)"):
        act("ada")  # type: ignore[operator]


def test_where_others_are_a_missing_profile_names_them(home: Path) -> None:
    save_profile(BANK)
    with pytest.raises(ProfileError, match=r"no profile 'bob'.*--profile bob \(or name one .*: ada\)"):
        load_profile("bob")


@pytest.mark.parametrize("version", [0, 2, 999])
def test_another_format_is_refused_with_the_command_that_mends_it(home: Path, version: int) -> None:
    rewritten(save_profile(BANK), format=np.array(version))
    with pytest.raises(ProfileError, match=rf"format {version}.*livefill calibrate --profile ada"):
        load_profile("ada")


def renamed(kind: bytes) -> bytes:
    """An array's file whose head says `kind` where the type should be."""
    head = b"{'descr': " + kind + b", 'fortran_order': False, 'shape': (), }\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(8)


def packed(member: bytes) -> bytes:
    """A zip with a format that is `member`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("format.npy", member)
    return out.getvalue()


def marked(data: bytes, offset: int, value: int) -> bytes:
    """A zip of which all entries have `value` at an offset, both in their own heads and in the directory."""
    marks = bytearray(data)
    for signature, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        at = -1
        while (at := data.find(signature, at + 1)) >= 0:
            marks[at + offset + shift] = value
    return bytes(marks)


def damage(data: bytes, how: str) -> bytes:
    third = len(data) // 3
    return {
        "an array alone": renamed(b"'<f8'"),
        "an unfinished head": packed(renamed(b"(((")),
        "a head that is no type": packed(renamed(b"'<q9'")),
        "objects": packed(renamed(b"'|O'")),
        "another compression": marked(data, 8, 99),  # NotImplementedError
        "encrypted": marked(data, 6, 1),  # RuntimeError
        "a pickle": b"\x80\x04N." * 20,
        "empty": b"",
        "text": b"not a profile at all\n" * 20,
        "half": data[: len(data) // 2],
        "no end": data[:-30],
        "zip without members": b"PK\x05\x06" + bytes(18),
        "flipped": data[:third] + bytes(byte ^ 255 for byte in data[third : third + 200]) + data[third + 200 :],
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "text",
        "half",
        "no end",
        "zip without members",
        "flipped",
        "an array alone",
        "an unfinished head",
        "a head that is no type",
        "objects",
        "another compression",
        "encrypted",
        "a pickle",
    ],
)
def test_damaged_file_is_an_error_of_ours_in_our_words(home: Path, how: str) -> None:
    path = save_profile(BANK)
    path.write_bytes(damage(path.read_bytes(), how))
    with pytest.raises(ProfileError) as raised:
        load_profile("ada")
    assert str(raised.value) == (
        f"profile 'ada' cannot be read: {path} is damaged, or no profile. "
        "Make it anew with: livefill calibrate --profile ada"
    )


def test_a_file_that_may_not_be_read_is_told_with_what_mends_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_profile(BANK)

    def refuse(self: Path, mode: str) -> IO[bytes]:  # as root may read everything
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ProfileError, match=rf"no permission\. Its owner .* chmod u\+r {path}$"):
        load_profile("ada")


@pytest.mark.parametrize(
    "changed",
    [
        {"points0": np.zeros((10, 3), np.float32)},
        {"image1": np.frombuffer(b"no picture", np.uint8)},
        {"format": np.array("one")},
        {"image7": np.zeros(4, np.uint8)},
        {"image0": np.zeros(0, np.uint8)},
    ],
)
def test_file_with_other_contents_is_an_error_of_ours(home: Path, changed: dict[str, np.ndarray]) -> None:
    rewritten(save_profile(BANK), **changed)
    with pytest.raises(ProfileError, match="livefill calibrate --profile ada"):
        load_profile("ada")


def test_profile_without_a_reference_is_refused(home: Path) -> None:
    save_profile(Profile("ada", ()))
    with pytest.raises(ProfileError, match="no reference"):
        load_profile("ada")


def test_nothing_in_a_profile_is_executed(home: Path) -> None:
    path = save_profile(BANK)
    rewritten(path, created=np.array([lambda: None, 1], dtype=object)[1:])
    with pytest.raises(ProfileError):
        load_profile("ada")


def test_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIVEFILL_HOME", str(tmp_path / "file"))
    with pytest.raises(LivefillError, match="cannot write"):
        save_profile(BANK)
    assert list_profiles() == []


def test_failed_save_leaves_the_old_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_profile(BANK)

    def full(*_args: object, **_arrays: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(ProfileError, match="No space left"):
            save_profile(synthetic.person("ada"))
    assert len(load_profile("ada").references) == 3
    assert list(path.parent.iterdir()) == [path]


# --- which reference --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("by", [synthetic.move(), synthetic.move(25, 1.7, (90, -40))])
def test_nearest_reference_wins_wherever_the_face_is(index: int, by: np.ndarray) -> None:
    points = apply(by, BANK.references[index].points)
    assert BANK.nearest(points) == index


def test_current_reference_is_kept_unless_another_is_clearly_nearer() -> None:
    a, b = BANK.references[0].points, BANK.references[2].points

    def between(share: float, current: int | None) -> int:
        two = Profile("two", (BANK.references[0], BANK.references[2]))
        return two.nearest((a + share * (b - a)).astype(np.float32), current=current)

    assert between(0.52, None) == 1
    assert between(0.52, 0) == 0  # hardly nearer: no change
    assert between(0.48, 1) == 1
    assert between(0.9, 0) == 1
    assert between(0.1, 1) == 0


def test_what_is_hidden_does_not_choose() -> None:
    closed, opened = BANK.references[0], BANK.references[2]
    turned = Reference(opened.image, synthetic.turned(opened.points, 12), opened.depth)
    below = closed.points[:, 1] > 140
    imagined = synthetic.turned(synthetic.face(mouth=0.25), 12)  # what a network sees behind a hand
    points = np.where(below[:, None], imagined, closed.points)
    two = Profile("two", (closed, turned))
    assert two.nearest(points) == 1
    assert two.nearest(points, np.where(below, 0, 1).astype(np.float32)) == 0


# --- a reference seen in another pose ---------------------------------------------------------------------------------


def test_view_of_the_same_pose_is_the_picture_itself() -> None:
    reference: Reference = BANK.references[0]
    seen = reference.view(reference.points, np.eye(2, 3, dtype=np.float32), (256, 256), (256, 256))
    assert synthetic.psnr(seen, reference.image) > 45


@pytest.mark.parametrize("by", [synthetic.move(12, 1.0, (10, 5)), synthetic.move(-8, 1.2, (-12, 0))])
def test_view_of_a_moved_face_shows_it_there(by: np.ndarray) -> None:
    reference = BANK.references[0]
    truth, points = synthetic.moved(reference, by)
    seen = reference.view(points, np.eye(2, 3, dtype=np.float32), (256, 256), (256, 256))
    face = fill_polygon((256, 256), face_hull(points)) > 0
    assert synthetic.psnr(seen, truth, face) > 30


@pytest.mark.parametrize("size", [(60, 40), (61, 43), (1, 1), (7, 3)])
def test_view_may_have_any_size(size: tuple[int, int]) -> None:
    reference = BANK.references[0]
    to_view = np.array([[1, 0, -100], [0, 1, -110]], np.float32)
    seen = reference.view(reference.points, to_view, size, (256, 256))
    assert seen.shape == (size[1], size[0], 3)
    there = reference.image[110 : 110 + size[1], 100 : 100 + size[0]]
    assert np.abs(seen[3:-3, 3:-3].astype(int) - there[3:-3, 3:-3]).max(initial=0) <= 2


def test_shrunk_reference_has_the_width_asked_for_and_its_landmarks_in_place() -> None:
    reference = synthetic.person(size=(512, 512)).references[0]
    small = reference.shrunk(80)
    assert np.ptp(small.points[:, 0]) == pytest.approx(80, rel=0.02)
    assert small.depth == pytest.approx(reference.depth * 80 / np.ptp(reference.points[:, 0]), rel=0.02, abs=0.01)
    size = small.image.shape[1::-1]
    assert small.points == pytest.approx(reference.points * size[0] / 512, abs=0.6)
    assert reference.shrunk(10_000) is reference
