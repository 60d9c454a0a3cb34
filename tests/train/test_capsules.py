"""Architecture `capsule`: routing as it is written down, gradients that stay finite, runs that resume."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dropgan.train import Recipe, change_recipe, load_recipe, resume
from dropgan.train.data.batches import Batch
from dropgan.train.networks import SampleSpec, build_networks
from dropgan.train.networks.capsule import CapsuleDiscriminator
from dropgan.train.networks.dropout import ChannelDropout, Dropout
from dropgan.train.networks.routing import (
    ROUTINGS,
    AttentionRouting,
    DynamicRouting,
    squash,
    squashed_length,
)
from dropgan.train.objective.losses import LOSSES
from dropgan.train.objective.penalties import r1_penalty
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

from .small_runs import SMALL as SMALL_RUN
from .small_runs import same_weights, train_small

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "generator.hidden": [6],
    "generator.dense": [8],
    "discriminator.hidden": [6, 8],
    "discriminator.primary_capsules": 3,
    "discriminator.primary_size": 4,
    "discriminator.capsules": 5,
    "discriminator.capsule_size": 6,
    "training.batch_size": 8,
}


def small(**changes: Any) -> Recipe:
    return change_recipe(load_recipe("capsule"), {**SMALL, **changes})


GREY = SampleSpec((1, 12, 12))


def judge(spec: SampleSpec = GREY, **changes: Any) -> CapsuleDiscriminator:
    torch.manual_seed(0)
    recipe = small(**{"conditional": bool(spec.classes), **changes})
    network = build_networks(recipe, spec)[1]
    assert isinstance(network, CapsuleDiscriminator)
    return network


# Routing against implementations that follow the papers line by line


def slow_squash(vector: list[float]) -> list[float]:
    square = sum(value * value for value in vector)
    return [value * square / (1 + square) / math.sqrt(square + 1e-7) for value in vector]


def softmax(values: list[float]) -> list[float]:
    powers = [math.exp(value) for value in values]
    return [power / sum(powers) for power in powers]


def slow_dynamic(votes: list[list[list[float]]], rounds: int) -> list[list[float]]:
    """Sabour et al. 2017, procedure 1, for one sample: votes[j][i] is what i says of j; s before squash."""
    above, below, size = len(votes), len(votes[0]), len(votes[0][0])
    b = [[0.0] * above for _ in range(below)]
    for _ in range(rounds):
        c = [softmax(row) for row in b]
        s = [[sum(c[i][j] * votes[j][i][d] for i in range(below)) for d in range(size)] for j in range(above)]
        v = [slow_squash(vector) for vector in s]
        for i in range(below):
            for j in range(above):
                b[i][j] += sum(votes[j][i][d] * v[j][d] for d in range(size))
    return s


def slow_attention(votes: list[list[list[float]]], prior: list[list[float]]) -> list[list[float]]:
    """Mazzia et al. 2021, equations 4 to 7, with the matrix of all pairs."""
    above, below, size = len(votes), len(votes[0]), len(votes[0][0])
    pairs = [
        [
            [sum(one[d] * other[d] for d in range(size)) / math.sqrt(size) for other in votes[j]]
            for one in votes[j]
        ]
        for j in range(above)
    ]
    c = [softmax([sum(pairs[j][i]) for j in range(above)]) for i in range(below)]
    return [
        [sum((c[i][j] + prior[j][i]) * votes[j][i][d] for i in range(below)) for d in range(size)]
        for j in range(above)
    ]


@pytest.mark.parametrize("rounds", [1, 3])
def test_dynamic_routing_is_the_procedure(rounds: int) -> None:
    """A softmax over the wrong capsules, or one round too many, would still train, and be something else."""
    votes = torch.randn(2, 3, 5, 4)
    routed = DynamicRouting(5, 3, rounds)(votes)
    expected = torch.tensor([slow_dynamic(sample.tolist(), rounds) for sample in votes])
    assert (routed - expected).abs().max() < 1e-5


def test_attention_routing_is_the_equations() -> None:
    """The sum over all pairs is taken without making them."""
    votes, routing = torch.randn(2, 3, 5, 4), AttentionRouting(5, 3, 1)
    torch.nn.init.normal_(routing.prior)
    expected = [slow_attention(sample.tolist(), routing.prior.tolist()) for sample in votes]
    assert (routing(votes) - torch.tensor(expected)).abs().max() < 1e-5


def test_votes_are_products_with_matrices_of_their_own() -> None:
    """A matrix for each pair of capsules, whatever they are stacked as."""
    network = judge()
    inputs, outputs, size = network.votes.between
    capsules = torch.randn(2, inputs, 4)
    weight = network.votes.weight.detach().view(inputs, outputs, size, 4)
    expected = torch.einsum("ijdk,nik->njid", weight, capsules)
    assert (network.votes(capsules) - expected).abs().max() < 1e-5


def test_squash_keeps_directions_and_bounds_lengths() -> None:
    """Lengths are probabilities."""
    vectors = torch.randn(50, 7) * torch.logspace(-2, 2, 50)[:, None]
    squashed = squash(vectors)
    assert torch.allclose(torch.cosine_similarity(vectors, squashed), torch.ones(50), atol=1e-5)
    assert (squashed.norm(dim=1) - squashed_length(vectors)).abs().max() < 1e-3
    assert squashed_length(vectors).max() < 1


# Gradients


def nothing_to_see(network: CapsuleDiscriminator) -> Tensor:
    """Samples of which all capsules are 0."""
    for name, weight in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.zeros_(weight)
    return torch.zeros(4, 1, 12, 12)


@pytest.mark.parametrize("routing", list(ROUTINGS))
def test_gradients_of_capsules_of_length_zero(routing: str) -> None:
    """The slope of a root is infinite at 0, and R1 differentiates twice: one NaN and all weights are lost."""
    network = judge(**{"discriminator.routing": routing})
    samples = nothing_to_see(network)
    (network(samples).sum() + r1_penalty(network, samples)).backward()
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
    vectors = torch.zeros(3, 5, requires_grad=True)
    (slope,) = torch.autograd.grad(squash(vectors).sum(), vectors, create_graph=True)
    (curve,) = torch.autograd.grad(slope.square().sum(), vectors)
    assert slope.isfinite().all()
    assert curve.isfinite().all()


@pytest.mark.parametrize("routing", list(ROUTINGS))
def test_gradients_of_gradients_are_right(routing: str) -> None:
    """Against differences, in double precision, through two rounds of routing."""
    routed = ROUTINGS[routing](3, 2, 2).double()
    votes = torch.randn(1, 2, 3, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda given: squashed_length(routed(squash(given))), votes)


@pytest.mark.parametrize(
    ("routing", "loss"), [("attention", "margin"), *(("dynamic", loss.name) for loss in LOSSES)]
)
def test_every_loss_trains_it(routing: str, loss: str) -> None:
    """Every objective, with R1, in bf16: weights move and stay finite."""
    penalty = {"penalty.wgan_gp_weight": 10.0, "penalty.r1_weight": 0.0} if loss == "wasserstein" else {}
    recipe = small(**{"training.loss": loss, "discriminator.routing": routing, **penalty})
    state = TrainingState.fresh(recipe, SampleSpec((1, 12, 12)), CPU)
    state.set_learning_rates(recipe)
    before = {name: weight.clone() for name, weight in state.discriminator.named_parameters()}
    samples = torch.rand(8, 1, 12, 12) * 2 - 1
    train_step(state, recipe, lambda _: Batch(samples, None), device=CPU, precision="bf16")
    for name, weight in state.discriminator.named_parameters():
        assert weight.isfinite().all(), name
        moved = not torch.equal(weight, before[name])
        assert moved or name == "output.bias", name  # cancels where real and generated logits are subtracted


# Settings


def test_dropout_of_units_and_of_capsules() -> None:
    """Behind every convolution, and of whole capsules; in eval mode of nothing."""
    network = judge(**{"discriminator.dropout_kind": "element", "discriminator.capsule_dropout": 0.5})
    drops = [part for part in network.modules() if isinstance(part, Dropout | ChannelDropout)]
    assert [type(part) for part in drops] == [Dropout] * 3 + [ChannelDropout]
    capsules = torch.ones(2, 200, 4)
    kept = network.drop(capsules)
    whole = kept[..., :1].expand_as(kept)
    assert torch.equal(kept, whole), "a capsule is dropped as a whole or not at all"
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(network.eval().drop(capsules), capsules)


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 28, 28), (3, 9, 14), (3, 40, 33)])
def test_any_size_of_image(shape: tuple[int, int, int]) -> None:
    """Odd and oblong sizes, grey and colour; every pixel counts."""
    network = judge(SampleSpec(shape)).eval()
    samples = (torch.rand(4, *shape) * 2 - 1).requires_grad_(True)
    logits = network(samples)
    assert logits.shape == (4, 1)
    (gradient,) = torch.autograd.grad(logits.sum(), samples)
    assert gradient.abs().amax(0).min() > 0


def test_labels_and_spectral_norm_reach_it() -> None:
    """A label that the capsules ignored would be seen in no other test; a bound without the votes is none."""
    network = judge(SampleSpec((1, 12, 12), classes=3), **{"discriminator.spectral_norm": True}).eval()
    logits = network(torch.rand(1, 1, 12, 12).expand(3, -1, -1, -1), torch.arange(3))
    assert len({round(float(logit), 6) for logit in logits.detach()}) == 3
    largest = torch.linalg.matrix_norm(network.votes.weight.detach().flatten(1), 2)
    assert largest == pytest.approx(1, abs=0.05)


def test_resumed_to_the_bit(tmp_path: Path, image_file: Path) -> None:
    """As every run: interrupted and resumed, the weights are those of a run that was not."""
    own = {"discriminator.routing": "attention", "training.schedule": "constant", "training.steps": 6}
    recipe = change_recipe(load_recipe("capsule"), {**SMALL_RUN, **SMALL, **own, "conditional": False})
    whole = train_small(tmp_path / "whole", image_file, recipe)
    part = train_small(tmp_path / "part", image_file, change_recipe(recipe, {"training.steps": 3}))
    assert same_weights(whole, resume(part.path, steps=6))
