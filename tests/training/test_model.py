from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs PyTorch")

from torch.optim.swa_utils import AveragedModel  # noqa: E402

import training  # noqa: E402
from training.model import Bank, Config, Generator, Inputs, read_config  # noqa: E402
from training.runs import begin_with  # noqa: E402

SMALL = Config("small", size=32, fold=4, widths=(8, 12, 16), depths=(1, 1, 1), keys=4, references=2)
FRAMES = 5


def generator(config: Config = SMALL, seed: int = 0) -> Generator:
    """A generator with random weights everywhere: fresh ones give the expected picture back."""
    torch.manual_seed(seed)
    model = Generator(config).eval()
    for value in model.parameters():
        value.data = 0.2 * torch.randn_like(value)
    return model


def inputs(count: int, seed: int = 0) -> Inputs:
    random = torch.Generator().manual_seed(seed)
    parts = [torch.rand(count, channels, SMALL.size, SMALL.size, generator=random) for channels in (3, 1, 3, 2)]
    return Inputs(parts[0], (parts[1] > 0.5).float(), parts[2], parts[3])


def bank(clips: int, seed: int = 7) -> Bank:
    random = torch.Generator().manual_seed(seed)
    places = SMALL.references * SMALL.coarse**2
    return Bank(*(torch.randn(clips, places, width, generator=random) for width in (SMALL.keys, SMALL.widths[2])))


def at(frames: Inputs, number: int) -> Inputs:
    return Inputs(*(part[number : number + 1] for part in frames))


@torch.no_grad()
def test_clip_and_frame_by_frame_give_the_same() -> None:
    model, seen, known = generator(), inputs(FRAMES), bank(1)
    whole = model.forward_clip(seen, known, FRAMES)
    past = model.initial_state()
    for number in range(FRAMES):
        fill, past = model.forward_frame(at(seen, number), known, past)
        assert torch.allclose(fill.image[0], whole.image[number], atol=1e-5)
        assert torch.allclose(fill.trust[0], whole.trust[number], atol=1e-5)


@torch.no_grad()
@settings(max_examples=15, deadline=None)
@given(st.integers(1, FRAMES - 1), st.integers(0, 2**16))
def test_a_frame_changes_nothing_before_it(changed: int, seed: int) -> None:
    model, seen, other = generator(), inputs(FRAMES), inputs(FRAMES, seed + 1)
    mixed = Inputs(*(torch.cat([a[:changed], b[changed:]]) for a, b in zip(seen, other, strict=True)))
    one, two = (model.forward_clip(each, bank(1), FRAMES).image for each in (seen, mixed))
    assert torch.equal(one[:changed], two[:changed])
    assert not torch.allclose(one[changed], two[changed])


@torch.no_grad()
def test_the_past_matters_to_a_causal_generator_and_the_future_too_to_an_offline_one() -> None:
    seen, other = inputs(FRAMES), inputs(FRAMES, 3)
    for config, reach in ((SMALL, {2, 3}), (replace(SMALL, offline=True), {1, 2, 3})):
        model = generator(config)
        mixed = Inputs(*(torch.cat([a[:2], b[2:3], a[3:]]) for a, b in zip(seen, other, strict=True)))
        one, two = (model.forward_clip(each, bank(1), FRAMES).image for each in (seen, mixed))
        assert reach <= {number for number in range(FRAMES) if not torch.allclose(one[number], two[number])}


@torch.no_grad()
def test_an_offline_generator_begun_with_causal_weights_does_at_first_what_they_do(tmp_path: Path) -> None:
    causal, seen, known = generator(), inputs(FRAMES), bank(1)
    torch.save({"model": causal.state_dict()}, tmp_path / "causal.pt")
    offline = generator(replace(SMALL, offline=True), seed=1)
    begin_with(tmp_path / "causal.pt", offline, AveragedModel(offline))
    one, other = (model.forward_clip(seen, known, FRAMES) for model in (causal, offline))
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.trust, other.trust)


def test_an_offline_generator_refuses_a_stream() -> None:
    model = generator(replace(SMALL, offline=True))
    with pytest.raises(ValueError, match="whole clips"):
        model.forward_frame(inputs(1), bank(1), model.initial_state())


@torch.no_grad()
def test_clips_of_a_batch_do_not_hear_each_other() -> None:
    model, seen, known = generator(), inputs(2 * FRAMES), bank(2)
    both = model.forward_clip(seen, known, FRAMES).image
    second = Inputs(*(part[FRAMES:] for part in seen))
    alone = model.forward_clip(second, Bank(*(part[1:] for part in known)), FRAMES).image
    assert torch.allclose(both[FRAMES:], alone, atol=1e-5)


@torch.no_grad()
def test_what_is_in_the_hole_does_not_matter() -> None:
    model, seen = generator(), inputs(1)
    other = seen._replace(crop=torch.where(seen.mask > 0, 1 - seen.crop, seen.crop))
    assert torch.equal(*(model.forward_clip(each, bank(1), 1).image for each in (seen, other)))


@torch.no_grad()
def test_before_it_has_learned_it_gives_what_is_expected() -> None:
    seen = inputs(3)
    assert torch.equal(Generator(SMALL).forward_clip(seen, bank(1), 3).image, seen.expected)


@torch.no_grad()
def test_the_bank_matters_and_is_encoded_from_references() -> None:
    model, seen = generator(), inputs(2)
    references = inputs(2 * SMALL.references, 5)
    known = model.remember(references, 2)
    assert known.keys.shape == (2, SMALL.references * SMALL.coarse**2, SMALL.keys)
    assert not torch.allclose(model.forward_clip(seen, known, 1).image, model.forward_clip(seen, bank(2), 1).image)


def test_parts_can_be_left_out() -> None:
    model = generator(replace(SMALL, attention=False, shift=False))
    assert model.state_shapes() == []
    seen = inputs(2)
    one, two = (model.forward_clip(seen, bank(1, seed), 2).image for seed in (1, 2))
    assert torch.equal(one, two)


def test_state_shapes_are_those_of_the_state() -> None:
    model = generator()
    _, kept = model.forward_frame(inputs(1), bank(1), model.initial_state())
    assert [tuple(state.shape[1:]) for state in kept] == model.state_shapes()


@pytest.mark.parametrize("name", ["fast", "hq"])
def test_the_configurations_can_be_built(name: str) -> None:
    config = read_config(Path(training.__file__).parent / "configs" / f"{name}.toml")
    assert config.name == name
    model = Generator(config)
    assert model.state_shapes()[0][1:] == (config.size // config.fold,) * 2
    assert 2 * sum(value.numel() for value in model.parameters()) < 15e6  # bytes, as halves
