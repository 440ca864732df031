"""The library: every kind is drawn, alike every time, written once, and read as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.occluders.cutouts import cutout, photographs
from training.occluders.grip import Grip
from training.occluders.hand import HandLook, HandPlace, render_hand
from training.occluders.library import KINDS, SHARES, Sprite, build, draw, kind_of, load, main
from training.occluders.solids import Canvas, light
from training.occluders.textures import SKINS, noise, pattern, skin

QUICK = ("shape", "microphone", "paper")


@cache
def drawn(kind: str) -> Sprite:
    """Return a sprite of this kind, drawn once for all tests."""
    return draw(kind, np.random.default_rng(1))


@pytest.mark.parametrize("kind", KINDS)
def test_sprites_are_cut_out_and_alike_every_time(kind: str) -> None:
    first, again = drawn(kind), draw(kind, np.random.default_rng(1))
    assert first.kind == kind
    assert first.image.dtype == np.uint8
    assert first.alpha.dtype == np.float32
    assert first.image.shape == (*first.alpha.shape, 3)
    assert max(first.alpha.shape) <= 256
    assert first.alpha.min() == 0
    assert 0.9 < first.alpha.max() <= 1
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.alpha, again.alpha)


def test_strands_are_thin_and_there() -> None:
    alpha = drawn("strands").alpha
    assert alpha.sum() > 50
    thin = alpha - cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    assert thin.sum() > 0.1 * alpha.sum()


def test_hands_have_an_arm_that_leaves_the_sprite() -> None:
    alpha = drawn("hand").alpha
    border = np.concatenate([alpha[-1], alpha[:, 0], alpha[:, -1]])
    assert (border > 0.5).sum() > 15


def test_hands_that_point_at_the_viewer_look_shorter_and_gloves_plainer() -> None:
    place = HandPlace((30, 62), 2.6)
    (upright, alpha), (_, pitched) = (render_hand((60, 64), HandLook(), p) for p in (place, replace(place, pitch=0.9)))
    top, lower = (int(np.flatnonzero(a.max(1) > 0.5)[0]) for a in (alpha, pitched))
    assert lower > top + 8
    glove, same = render_hand((60, 64), HandLook(bare=False), place)
    np.testing.assert_array_equal(same, alpha)
    inside = alpha > 0.99
    assert glove[inside].std(0).sum() < upright[inside].std(0).sum()


def test_phones_are_held_by_hands_of_any_skin() -> None:
    held = [Grip(Canvas(64, light(random)), random, (20, 44), 1.0) for random in map(np.random.default_rng, range(3))]
    for grip in held:
        grip.behind()
        behind = grip.canvas.layer[..., 3].sum()
        grip.before()
        assert 0 < behind < grip.canvas.layer[..., 3].sum()
    assert len({tuple(np.round(grip.colour[0, 0], 3)) for grip in held}) == 3


def test_skins_are_of_every_tone() -> None:
    random = np.random.default_rng(0)
    light = np.array([skin(random).mean() for _ in range(300)])
    assert light.min() < 0.3 < 0.7 < light.max()
    assert np.all(np.diff(SKINS.mean(1)) > 0)


def test_textures_are_colours() -> None:
    random = np.random.default_rng(0)
    for _ in range(12):
        texture = pattern(random, (40, 30))
        assert texture.shape == (30, 40, 3)
        assert texture.dtype == np.float32
        assert texture.min() >= 0
        assert texture.max() <= 1
    assert noise(random, (7, 300)).shape == (300, 7)


def test_kinds_come_in_their_shares() -> None:
    kinds = [kind_of(number) for number in range(500)]
    for kind, share in SHARES.items():
        assert kinds.count(kind) == pytest.approx(500 * share, abs=3)
    assert sum(SHARES.values()) == pytest.approx(1)


def test_library_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.occluders.library.kind_of", lambda number: QUICK[number % len(QUICK)])
    steps = build(tmp_path, count=3, seed=3)
    assert [next(steps) for _ in range(2)] == [(1, 3), (2, 3)]
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(before) == 2
    assert list(build(tmp_path, count=3, seed=3))[-1] == (3, 3)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(after) == 3
    assert before.items() <= after.items()
    sprites = load(tmp_path)
    assert sorted(sprite.kind for sprite in sprites) == sorted(QUICK)
    assert {path.stem.rsplit("_", 1)[1] for path in tmp_path.iterdir()} == {f"{n:05d}" for n in range(3)}
    paper = draw("paper", np.random.default_rng((3, QUICK.index("paper"))))
    (read,) = (sprite for sprite in sprites if sprite.kind == "paper")
    np.testing.assert_array_equal(read.image, paper.image)
    np.testing.assert_allclose(read.alpha, paper.alpha, atol=0.5 / 255 + 1e-6)


def test_a_picture_without_alpha_is_named(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mug_00000.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="mug_00000"):
        load(tmp_path)


def test_photographs_are_cut_out_and_recoloured(tmp_path: Path) -> None:
    photograph = np.zeros((200, 200, 3), np.uint8)
    cv2.ellipse(photograph, (100, 100), (45, 75), 0, 0, 360, (120, 150, 210), -1)
    cv2.circle(photograph, (12, 12), 5, (90, 90, 90), -1)  # a speck
    cv2.imwrite(str(tmp_path / "hand.jpg"), photograph)
    (tmp_path / "notes.txt").touch()
    (path,) = photographs(tmp_path)
    tones = []
    for seed in range(5):
        image, alpha = cutout(path, np.random.default_rng(seed))
        assert max(alpha.shape) <= 256
        assert alpha.max() > 0.99
        assert 0.3 < (alpha > 0.5).mean() < 0.95  # the speck is gone, the hand fills its box
        tones.append(float(image[alpha > 0.9].mean()))
    assert np.ptp(tones) > 30
    cv2.imwrite(str(path), np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(ValueError, match="nothing but black"):
        cutout(path, np.random.default_rng(0))


def test_command_builds_and_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.occluders.library.kind_of", lambda number: "microphone")
    sheet = tmp_path / "sheet.png"
    monkeypatch.setattr("sys.argv", ["library", str(tmp_path / "out"), "--count", "2", "--sheet", str(sheet)])
    main()
    assert "2 of 2 sprites" in capsys.readouterr().out
    assert len(load(tmp_path / "out")) == 2
    assert sheet.exists()
