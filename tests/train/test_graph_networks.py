"""Architecture `graph`: the graph convolution as it is written down, ties, gradients, every precision."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

from dropgan.export.gate import check_inference_only
from dropgan.export.graph import to_onnx
from dropgan.export.kinds.images import ImageEnding
from dropgan.export.parity import check_parity
from dropgan.export.precision import Quantiser
from dropgan.serve.errors import ModelError
from dropgan.serve.loading import read_onnx
from dropgan.serve.loading.shapes import trace
from dropgan.train import Recipe, change_recipe, load_recipe, resume
from dropgan.train.data.batches import Batch
from dropgan.train.networks import GeneratorNetwork, SampleSpec, build_networks
from dropgan.train.networks.neighbours import MaxRelative, at, nearest
from dropgan.train.objective.penalties import r1_penalty
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

from .small_runs import SMALL as SMALL_RUN
from .small_runs import same_weights, train_small

CPU = torch.device("cpu")
GREY = SampleSpec((1, 12, 12))
SMALL: dict[str, Any] = {
    "generator.latent_dim": 8,
    "generator.hidden": [12],
    "generator.dense": [8],
    "discriminator.hidden": [8],
    "discriminator.dense": [8],
    "training.batch_size": 8,
}


def small(**changes: Any) -> Recipe:
    return change_recipe(load_recipe("graph"), {**SMALL, **changes})


def slow_max_relative(nodes: list[list[float]], count: int) -> list[list[float]]:
    """Node by node: distances, the nearest, weights, the largest differences."""

    def unit(node: list[float]) -> list[float]:
        length = math.sqrt(sum(value * value for value in node) + 1e-6)
        return [value / length for value in node]

    units, made = [unit(node) for node in nodes], []
    for me, mine in enumerate(units):
        distance = [1 - sum(a * b for a, b in zip(mine, other, strict=True)) for other in units]
        order = sorted(range(len(nodes)), key=distance.__getitem__)[: count + 1]
        radius = distance[order[-1]]
        weight = {place: 1 - (distance[place] + 1e-3) / (radius + 1e-3) for place in order}
        made.append(
            [max(weight[j] * (nodes[j][f] - nodes[me][f]) for j in order) for f in range(len(nodes[0]))]
        )
    return made


def as_nodes(grid: Tensor) -> Tensor:
    return grid.permute(0, 2, 3, 1).flatten(1, 2)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("sides", "count"), [((3, 4), 4), ((2, 1), 4), ((1, 1), 4), ((3, 3), 1)])
def test_the_graph_convolution_is_what_it_says(sides: tuple[int, int], count: int, training: bool) -> None:
    """Neighbours of another sample, or features of another node, would train without a word; small grids,
    with fewer nodes than neighbours, are those of small pictures."""
    torch.manual_seed(0)
    grid = torch.randn(3, 5, *sides)
    made = as_nodes(MaxRelative(count).train(training)(grid))
    expected = [slow_max_relative(nodes, count) for nodes in as_nodes(grid).tolist()]
    assert (made - torch.tensor(expected)).abs().max() < 1e-5


def test_ties_change_nothing() -> None:
    """Which of two equally far nodes comes first differs between runtimes, and so would the picture."""
    torch.manual_seed(0)
    nodes = torch.randn(2, 6, 4)
    nodes = torch.cat((nodes, nodes, nodes), 1)[:, torch.randperm(18)]  # every distance three times
    grid = nodes.unflatten(1, (3, 6)).permute(0, 3, 1, 2)
    order = torch.randperm(18)
    moved = nodes[:, order].unflatten(1, (3, 6)).permute(0, 3, 1, 2)
    for count in (2, 4, 5, 9):  # in the midst of equals, and between them
        convolution = MaxRelative(count)
        apart = as_nodes(convolution(grid))[:, order] - as_nodes(convolution(moved))
        assert apart.abs().max() < 1e-5


def test_a_neighbour_comes_and_goes_without_a_jump() -> None:
    """Rounding decides which of two nearly equal distances is the smaller one."""
    torch.manual_seed(0)
    nodes = torch.randn(1, 9, 4)
    before, after, jumps = None, None, []
    for share in torch.linspace(0, 1, 2001):  # a node wanders from one place to another, past the others
        moved = nodes.clone()
        moved[0, 0] = torch.lerp(nodes[0, 1], nodes[0, 2] * 2, share)
        places, weights = nearest(moved, 3)
        assert weights[..., -1].abs().max() == 0
        after = MaxRelative(3)(moved.unflatten(1, (3, 3)).permute(0, 3, 1, 2))
        jumps.append(0.0 if before is None else float((after - before).abs().max()))
        before = after
    assert max(jumps) < 0.05, "of values that are about 1, in steps of a two thousandth of the way"
    assert places.shape == (1, 9, 4)


def test_rows_are_taken_alike_in_training_and_in_the_file() -> None:
    """Two ways to the same values: the fast one, and the one that exports."""
    nodes, places = torch.randn(3, 7, 4), torch.randint(0, 7, (3, 7, 2))
    assert torch.equal(at(nodes, places, training=True), at(nodes, places, training=False))
    assert torch.equal(at(nodes, places, training=True)[2, 5, 1], nodes[2, places[2, 5, 1]])


@pytest.mark.parametrize("same", ["zero", "equal"])
def test_gradients_where_all_nodes_are_alike(same: str) -> None:
    """All distances are 0, and R1 differentiates twice: one NaN and all weights are lost."""
    _, judge = build_networks(small(), GREY)
    for name, weight in judge.named_parameters():
        if same == "zero" and name.endswith("bias"):
            torch.nn.init.zeros_(weight)
    samples = torch.zeros(4, 1, 12, 12)
    (judge(samples).sum() + r1_penalty(judge, samples)).backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in judge.parameters())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_of_the_recipe(precision: str) -> None:
    """Every weight of both networks learns; R1 goes through the graph."""
    recipe = small()
    state = TrainingState.fresh(recipe, GREY, CPU)
    state.set_learning_rates(recipe)
    networks = (state.generator, state.discriminator)
    before = [{name: weight.clone() for name, weight in net.named_parameters()} for net in networks]
    samples = torch.rand(8, 1, 12, 12) * 2 - 1
    train_step(state, recipe, lambda _: Batch(samples, None), device=CPU, precision=precision)
    for network, old in zip(networks, before, strict=True):
        for name, weight in network.named_parameters():
            assert weight.isfinite().all(), name
            assert not torch.equal(weight, old[name]), name


def test_resumed_to_the_bit(tmp_path: Path, image_file: Path) -> None:
    """As every run: neighbours and their ties are found alike, whether a run was interrupted or not."""
    own = {"training.schedule": "constant", "training.steps": 6, "conditional": False}
    recipe = change_recipe(load_recipe("graph"), {**SMALL_RUN, **SMALL, **own})
    whole = train_small(tmp_path / "whole", image_file, recipe)
    part = train_small(tmp_path / "part", image_file, change_recipe(recipe, {"training.steps": 3}))
    assert same_weights(whole, resume(part.path, steps=6))


# The file


@pytest.fixture(scope="module")
def generator() -> GeneratorNetwork:
    """With weights of a size that spreads its pictures."""
    torch.manual_seed(0)
    return build_networks(small(), GREY)[0].eval()


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_it_exports(generator: GeneratorNetwork, precision: str) -> None:
    """Gate and parity, over batches of 1, 3 and many: neighbours of a sample are its own in every batch."""
    ending = ImageEnding("float")
    model = to_onnx(generator, 8, ending, opset=20, precision=precision).SerializeToString()
    report = check_inference_only(model)
    assert report.passed
    assert {"TopK", "GatherElements"} <= report.operators.keys()
    check_parity(model, generator, 8, ending, seed=0, precision=precision, samples=1024)


def test_int8(generator: GeneratorNetwork) -> None:
    """Layers on bytes before and behind the graph move the neighbours a little, so pictures a little."""
    ending = ImageEnding("pixels")
    exact = to_onnx(generator, 8, ending, opset=20)
    made = Quantiser(exact, latent_dim=8, ending=ending, seed=0).best()
    assert any(node.op_type == "QuantizeLinear" for node in made.model.graph.node)
    check_parity(made.model.SerializeToString(), generator, 8, ending, seed=0, precision="int8", samples=1024)


def test_a_file_may_not_take_more_nodes_than_there_are(generator: GeneratorNetwork) -> None:
    """TopK and GatherElements are checked like every operator before a runtime sees a file."""
    model = to_onnx(generator, 8, ImageEnding(), opset=20)
    trace(read_onnx(model.SerializeToString()).graph, 3)
    node = next(node for node in model.graph.node if node.op_type == "TopK")
    count = next(tensor for tensor in model.graph.initializer if tensor.name == node.input[1])
    count.CopyFrom(onnx.numpy_helper.from_array(np.array([10_000]), count.name))
    with pytest.raises(ModelError, match="TopK"):
        trace(read_onnx(model.SerializeToString()).graph, 3)
