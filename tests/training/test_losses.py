from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch")

from training import losses  # noqa: E402
from training.discriminator import Discriminator  # noqa: E402

FRAMES = 3


def pictures(count: int = FRAMES, seed: int = 0, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def mask(count: int = FRAMES, size: int = 32) -> torch.Tensor:
    box = torch.zeros(count, 1, size, size)
    box[..., 8:20, 10:24] = 1
    return box


def test_a_perfect_fill_costs_nothing() -> None:
    truth, inside = pictures(), mask()
    for term in (losses.hole, losses.whole, losses.dissimilarity):
        assert float(term(truth, truth, inside)) == pytest.approx(0, abs=1e-6)
    assert float(losses.temporal(truth, truth, inside, FRAMES)) == 0
    assert float(losses.perceptual([truth], [truth])) == 0
    assert float(losses.style([truth], [truth])) == 0


def test_hole_and_whole_count_their_own_side_of_the_mask() -> None:
    truth, inside = torch.zeros(1, 3, 32, 32), mask(1)
    assert float(losses.hole(0.25 * inside.expand(-1, 3, -1, -1), truth, inside)) == pytest.approx(0.25)
    assert float(losses.whole(0.25 * inside.expand(-1, 3, -1, -1), truth, inside)) == 0
    assert float(losses.whole(truth + 0.5, truth, inside)) == pytest.approx(0.5)


def test_an_empty_hole_costs_nothing() -> None:
    assert float(losses.hole(pictures(), pictures(seed=1), torch.zeros(FRAMES, 1, 32, 32))) == 0


def test_a_constant_error_does_not_flicker_and_one_that_comes_and_goes_does() -> None:
    truth, inside = pictures(), mask()
    blinking = truth + torch.tensor([0, 0.1, 0]).view(-1, 1, 1, 1)
    assert float(losses.temporal(truth + 0.1, truth, inside, FRAMES)) == pytest.approx(0, abs=1e-6)
    assert float(losses.temporal(blinking, truth, inside, FRAMES)) == pytest.approx(0.1, abs=1e-6)


def test_clips_of_a_batch_are_no_neighbours_in_time() -> None:
    truth = torch.zeros(4, 3, 32, 32)
    fill = torch.tensor([0.0, 0.0, 0.5, 0.5]).view(-1, 1, 1, 1).expand_as(truth)
    assert float(losses.temporal(fill, truth, mask(4), 2)) == 0
    assert float(losses.temporal(fill, truth, mask(4), 4)) > 0.1


def test_dissimilarity_is_about_structure() -> None:
    truth, inside = pictures(), mask()
    noise = pictures(seed=5)
    assert float(losses.dissimilarity(noise, truth, inside)) > 0.7
    assert float(losses.dissimilarity(truth * 0.97, truth, inside)) < 0.01


def test_style_is_taken_picture_by_picture() -> None:
    one, other = torch.zeros(2, 4, 8, 8), torch.zeros(2, 4, 8, 8)
    one[0], other[1] = 1, 1  # over the whole batch they would be alike
    assert float(losses.style([one], [other])) > 0


def test_expression_prefers_the_same_face() -> None:
    features, logits = torch.rand(2, 8, 4, 4), 3 * torch.rand(2, 7)
    assert float(losses.expression((features, logits), (features, logits))) == pytest.approx(0, abs=1e-6)
    assert float(losses.expression((features, logits.flip(1)), (features, logits))) > 0


def test_trust_is_learned_where_the_reference_is_right_and_the_fill_is_left_alone() -> None:
    truth = pictures(1)
    fill = truth.clone().requires_grad_()
    trust = torch.zeros(1, 1, 32, 32, requires_grad=True)
    losses.detail(fill, truth, trust, truth, mask(1)).backward()
    assert fill.grad is None
    assert trust.grad is not None
    assert float(trust.grad.sum()) < 0  # more trust, less error
    wrong = torch.zeros(1, 1, 32, 32, requires_grad=True)
    losses.detail(truth, pictures(1, seed=9), wrong, truth, mask(1)).backward()
    assert wrong.grad is not None
    assert float(wrong.grad.sum()) > 0


def test_squares_lie_about_the_hole_and_in_the_picture() -> None:
    assert losses.around(mask(1), 8).tolist() == [[9, 12]]
    corner = torch.zeros(1, 1, 32, 32)
    corner[..., :2, 30:] = 1
    assert losses.around(corner, 8).tolist() == [[0, 24]]


def test_weights_refuse_a_term_that_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="glamour"):
        losses.Weights().of({"glamour": torch.ones(())})
    assert float(losses.Weights(hole=2).of({"hole": torch.tensor(3.0)})) == 6


def test_the_discriminator_can_tell_noise_from_calm() -> None:
    torch.manual_seed(0)
    judge = Discriminator((8, 8, 8, 8))
    frames, inside = torch.full((1, 4, 3, 32, 32), 0.5), torch.ones(1, 4, 1, 32, 32)
    learner = torch.optim.Adam(judge.parameters(), lr=1e-2)
    first = None
    for step in range(30):
        noise = torch.rand(1, 4, 3, 32, 32, generator=torch.Generator().manual_seed(step))
        loss = losses.discriminating(judge(frames, inside), judge(noise, inside))
        first = first or loss.item()
        learner.zero_grad()
        loss.backward()
        learner.step()
    assert loss.item() < 0.5 * first
    assert judge(frames, inside).shape == (2, 1, 2, 2)
