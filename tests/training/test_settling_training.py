from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs PyTorch")

from livefill.backends.runtimes import open_network  # noqa: E402
from livefill.settler import SIDE  # noqa: E402
from training.clips.dataset import recordings, to_batch  # noqa: E402
from training.settling import train as training  # noqa: E402
from training.settling.model import FIELD, INPUTS, Settler, moved  # noqa: E402
from training.settling.train import Seen, evaluate, loss, misled, seen_in, settled, train  # noqa: E402

FRAMES = 3


def clip(seed: int, frames: int = 9) -> dict[str, np.ndarray]:
    """A drawn face that is expected some pixels beside its place, behind a block that goes to and fro."""
    random = np.random.default_rng(seed)
    points = synthetic.face((SIDE / 2, SIDE / 2), 70)
    picture = synthetic.picture(points, (SIDE, SIDE), seed=seed)
    off = random.integers(-3, 4, 2)
    expected = np.roll(picture, tuple(off), axis=(0, 1))
    masks = [synthetic.block((SIDE, SIDE), (40 + i, 60, 80 + i, 100)) for i in range(frames)]
    mask = np.stack([(255 * one).astype(np.uint8) for one in masks])
    crop = np.where(mask[..., None] > 0, random.integers(0, 256, 3), picture).astype(np.uint8)
    drawing = np.zeros((frames, SIDE, SIDE, 2), np.uint8)
    several = {"expected": expected, "truth": picture}
    bank = {"bank_crop": picture[None], "bank_drawing": drawing[:1]}
    return {"crop": crop, "mask": mask, "drawing": drawing, **bank} | {
        name: np.stack([image] * frames) for name, image in several.items()
    }


def seen(*seeds: int) -> Seen:
    return seen_in(to_batch([clip(seed, FRAMES) for seed in seeds]))


def lively(seed: int = 0) -> Settler:
    """One that moves things, as it has not learned not to."""
    torch.manual_seed(seed)
    model = Settler().eval()
    for layer in model.leave:
        torch.nn.init.normal_(layer.weight, std=0.05)
    return model


@torch.no_grad()
def test_a_clip_and_its_frames_one_by_one_are_settled_alike() -> None:
    model, frames = lively(), torch.rand(2 * FRAMES, INPUTS, SIDE, SIDE)
    whole = model.forward_clip(frames, FRAMES).unflatten(0, (2, FRAMES))
    state = model.initial_state(2)
    for number in range(FRAMES):
        said, state = model.forward_frame(frames.unflatten(0, (2, FRAMES))[:, number], state)
        torch.testing.assert_close(said, whole[:, number], atol=1e-5, rtol=0)
    assert [tuple(one.shape[1:]) for one in state] == model.state_shapes()


@settings(max_examples=5, deadline=None)
@given(last=st.integers(1, FRAMES - 1), seed=st.integers(0, 99))
@torch.no_grad()
def test_what_comes_later_changes_nothing(last: int, seed: int) -> None:
    model, frames = lively(seed), torch.rand(FRAMES, INPUTS, SIDE, SIDE)
    other = frames.clone()
    other[last:] = torch.rand(FRAMES - last, INPUTS, SIDE, SIDE)
    one, two = (model.forward_clip(each, FRAMES) for each in (frames, other))
    torch.testing.assert_close(one[:last], two[:last], atol=1e-6, rtol=0)
    assert (one[last:] - two[last:]).abs().max() > 1e-5


@torch.no_grad()
def test_before_it_has_learned_nothing_is_moved() -> None:
    here = seen(1)
    place, shown, lit = settled(Settler(), here, FRAMES, fast=False)
    assert not place.any()
    torch.testing.assert_close(shown, here.expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(lit, shown)


def test_a_displacement_is_in_pixels_of_what_it_looks_at() -> None:
    picture = torch.from_numpy(cv2.GaussianBlur(np.random.default_rng(0).random((SIDE, SIDE), np.float32), (0, 0), 3))
    place = torch.zeros(1, 2, FIELD, FIELD)
    place[:, 0], place[:, 1] = 3, -2
    found = moved(picture[None, None], place)[0, 0]
    wanted = torch.roll(picture, (-2, 3), (0, 1))
    torch.testing.assert_close(found[8:-8, 8:-8], wanted[8:-8, 8:-8], atol=1e-4, rtol=0)


def test_what_is_moved_by_a_known_field_can_be_moved_back() -> None:
    torch.manual_seed(3)
    here = seen(*range(8))
    worse, back, known = misled(here, FRAMES)
    chosen = known[:, 0, FIELD // 2, FIELD // 2] > 0
    assert 0 < int(chosen.sum()) < len(chosen)
    assert not known[:, 0, 0, 0].any()  # in a corner there is no head
    assert torch.equal(worse.truth, here.truth)
    assert torch.equal(worse.mask, here.mask)
    before, after = (
        (picture - here.truth)[chosen][..., 40:-40, 40:-40].abs().mean()
        for picture in (worse.expected, moved(worse.expected, back))
    )
    assert after < 0.7 * before


def test_the_loss_is_less_where_it_was_moved_right() -> None:
    here = seen(2)
    place = torch.zeros(FRAMES, 2, FIELD, FIELD)
    told = {"wanted": place, "known": torch.zeros(FRAMES, 1, 1, 1)}
    wrong, right = (float(loss(place, picture, here, FRAMES, **told)) for picture in (here.expected, here.truth))
    assert right < 0.01 < wrong
    told["known"] = torch.ones(FRAMES, 1, 1, 1)
    assert float(loss(place + 1, here.truth, here, FRAMES, **told)) > right + 0.2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("clips")
    for seed in range(4):
        np.savez(there / f"001_{seed:06d}.npz", **clip(seed))
    return there


def options(run: Path, folder: Path, **other: object) -> argparse.Namespace:
    run.mkdir(exist_ok=True)
    default = {"minutes": 0.0, "total_minutes": None, "start": None, "batch": 2, "frames": FRAMES, "rate": 3e-3}
    machine = {"workers": 0, "threads": 1, "seed": 1, "device": "cpu"}
    return argparse.Namespace(run=run, clips=[folder], exam=[folder], **{**default, **machine, **other})


def test_it_trains_and_goes_on_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    assert len(recordings(folder)) == 4
    train(options(tmp_path / "run", folder))
    train(options(tmp_path / "run", folder))
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert {"loss", "psnr", "ssim", "flicker", "expected ssim"} <= set(lines[-1])
    assert (tmp_path / "run" / "best.pt").exists()


def test_the_weights_that_ship_are_those_that_are_kept_and_move_things_to_their_place(
    folder: Path, tmp_path: Path
) -> None:
    shipped = Path(training.__file__).with_name("weights.pt")
    kept = torch.load(shipped, weights_only=True)
    model = Settler().eval()
    model.load_state_dict({name: value.float() for name, value in kept["model"].items()})
    here = seen(5)
    with torch.no_grad():
        place, _, _ = settled(model, here, FRAMES, fast=False)
    stream = open_network("settler").stream()
    for number in range(FRAMES):
        frame = {
            "crop": here.crop[number].permute(1, 2, 0),
            "mask": here.mask[number, 0],
            "expected": here.expected[number].permute(1, 2, 0),
            "drawing": here.drawing[number].permute(1, 2, 0),
        }
        said = stream.run({name: part[None].contiguous().numpy() for name, part in frame.items()})["displacement"]
        np.testing.assert_allclose(said[0], place[number].permute(1, 2, 0).numpy(), atol=0.02)
    result = evaluate(model, [here], FRAMES)
    assert result["ssim"] > result["expected ssim"]
