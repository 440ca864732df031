"""What is learned from again is still true: landmarks lie where the picture shows them, the mask where a patch is."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.observer.replay import Replay, lit, moved, patched, replayed  # noqa: E402
from training.observer.samples import MASK, SIZE  # noqa: E402

COUNT, POINTS = 8, 468


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def batch(count: int = COUNT) -> dict[str, torch.Tensor]:
    """Faces of 468 landmarks in two places, and pictures that are bright at the first of these."""
    own = torch.Generator().manual_seed(1)
    points = torch.rand((count, POINTS, 3), generator=own) * 0.5 - 0.25
    points[:, 1:] = points[:, :1] + 0.3
    crop = 40 + torch.randint(0, 9, (count, 3, SIZE, SIZE), generator=own)
    across = torch.arange(SIZE) / SIZE - 0.5
    away = (across[None, None, :] - points[:, 0, 0, None, None]) ** 2 + (
        across[None, :, None] - points[:, 0, 1, None, None]
    ) ** 2
    crop = crop + 200 * torch.exp(-away / (2 * 0.015**2))[:, None]
    return {
        "crop": crop.to(torch.uint8),
        "bare": crop.to(torch.uint8),
        "reference": crop.flip(-1).to(torch.uint8),
        "known": (torch.arange(count) % 2).float(),
        "prior": points[..., :2] + 0.01,
        "points": points,
        "twin": points.clone(),
        "visible": torch.ones((count, POINTS)),
        "mask": torch.zeros((count, MASK, MASK), dtype=torch.uint8),
        "face": torch.ones(count),
        "same": torch.ones(count),
    }


def brightest(crop: torch.Tensor) -> torch.Tensor:
    """Return the middle (n, 2) of what is bright, in crop sides from the crop's middle."""
    weight = (crop.float().mean(1) - 150).clamp_min(0)
    across = torch.arange(SIZE) / SIZE - 0.5
    total = weight.sum((1, 2))
    return torch.stack([(weight.sum(1) @ across) / total, (weight.sum(2) @ across) / total], 1)


def test_moved_landmarks_lie_where_the_picture_shows_them(random: torch.Generator) -> None:
    before = batch()
    after = moved(before, random)
    gone = (after["points"] - before["points"])[:, 0, :2].norm(dim=1)
    assert gone.max() > 0.01
    for name in ("crop", "bare"):
        apart = (brightest(after[name]) - after["points"][:, 0, :2]).norm(dim=1) * SIZE
        assert apart.max() < 0.6, name  # pixels
    assert torch.equal(after["reference"], before["reference"])
    assert torch.equal(after["prior"], before["prior"])


def test_what_left_the_crop_is_not_seen(random: torch.Generator) -> None:
    near = batch()
    near["points"][:, 5:, :2] = 0.499
    after = moved(near, random)
    outside = (after["points"][..., :2].abs() >= 0.5).any(-1)
    assert outside.any()
    assert not after["visible"][outside].any()


def test_the_mask_moves_with_the_picture(random: torch.Generator) -> None:
    shown = batch()
    shown["mask"] = (shown["crop"].float().mean(1, keepdim=True) > 150)[:, 0, ::2, ::2].to(torch.uint8) * 255
    after = moved(shown, random)
    rows = torch.arange(MASK) / MASK - 0.5
    total = after["mask"].sum((1, 2))
    found = torch.stack([(after["mask"].sum(1) @ rows) / total, (after["mask"].sum(2) @ rows) / total], 1)
    assert ((found - after["points"][:, 0, :2]).norm(dim=1) * MASK).max() < 1.0


def test_light_leaves_what_is_not_known_black_and_landmarks_where_they_are(random: torch.Generator) -> None:
    before = batch()
    after = lit(before, random)
    assert not after["reference"][before["known"] == 0].any()
    assert after["reference"][before["known"] == 1].any()
    assert after["crop"].min() >= 0
    assert after["crop"].max() <= 255
    assert (after["crop"] - before["crop"].float()).abs().mean() > 2
    assert torch.equal(after["points"], before["points"])


def test_a_patch_is_in_the_mask_and_hides_what_lies_under_it(random: torch.Generator) -> None:
    before = batch(64)
    before["crop"][::2] //= 2  # the next sample is seen to be another one
    after = patched(before, random)
    changed = (after["crop"] - before["crop"].float()).abs().mean(1)[:, ::2, ::2] > 12
    assert changed.any((1, 2)).sum() >= 4
    assert not changed.any((1, 2)).all()
    assert after["mask"][changed].min() > 0
    untouched = ~(after["mask"] > 0).any((1, 2))
    assert torch.equal(after["visible"][untouched], before["visible"][untouched])
    first = torch.round((before["points"][:, 0, :2] + 0.5) * MASK).long().clamp(0, MASK - 1)
    over = after["mask"][torch.arange(64), first[:, 1], first[:, 0]]
    assert not after["visible"][:, 0][over > 200].any()
    assert after["visible"][:, 0][over == 0].all()


def test_each_sample_is_used_as_often_as_is_asked_for() -> None:
    memory = Replay(20, device="cpu", seed=1, changed=False)
    given = list(replayed([batch() for _ in range(6)], memory, size=16, echoes=3))
    assert len(given) == 6 * COUNT * 3 // 16
    assert all(len(each["face"]) == 16 for each in given)


def test_the_oldest_samples_are_forgotten() -> None:
    memory = Replay(COUNT, device="cpu", seed=1, changed=False)
    old, new = batch(), batch()
    new["same"] = torch.zeros(COUNT)
    memory.add(old)
    memory.add(new)
    assert not memory.draw(64)["same"].any()


def test_the_same_seed_gives_the_same_batches() -> None:
    one, other = (Replay(16, device="cpu", seed=3) for _ in range(2))
    for memory in (one, other):
        memory.add(batch())
    a, b = one.draw(6), other.draw(6)
    assert all(torch.equal(a[name], b[name]) for name in a)
