"""Each regulariser does what its paper says."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from dropgan.train import RecipeError, change_recipe, load_recipe
from dropgan.train.data.batches import Batch
from dropgan.train.networks import ARCHITECTURES, SampleSpec, build_networks
from dropgan.train.networks.dropout import ChannelDropout, Dropout
from dropgan.train.networks.layers import block
from dropgan.train.networks.settings import LayerSettings
from dropgan.train.networks.spectral import SpectralNorm, add_spectral_norm, remove_spectral_norm
from dropgan.train.objective.losses import LOSSES, Loss
from dropgan.train.objective.penalties import PENALTIES, Penalty, wgan_gp_penalty
from dropgan.train.recipes.settings import Recipe
from dropgan.train.steps.ema import Ema
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import discriminator_step, generator_step, train_step

from ..test_matrix import of_both

CPU = torch.device("cpu")
SPEC = SampleSpec((1, 8, 8))
ORDER = ["Linear", "BatchNorm1d", "LeakyReLU", "Dropout"]


def _recipe(**settings: object) -> Recipe:
    small = {
        "generator.hidden": [12, 12],
        "discriminator.hidden": [12, 12],
        "training.batch_size": 8,
        "penalty.r1_weight": 0.0,
        "generator.dropout": 0.0,
        "discriminator.dropout": 0.0,
    }
    return change_recipe(
        load_recipe("mlp"), {**small, **{k.replace("__", "."): v for k, v in settings.items()}}
    )


def _state(recipe: Recipe) -> TrainingState:
    state = TrainingState.fresh(recipe, SPEC, CPU)
    state.set_learning_rates(recipe)
    return state


def _names(network: nn.Module) -> list[str]:
    return [type(part).__name__ for part in network.body]


# Dropout and batch norm


def test_dropout_never_feeds_a_batch_norm() -> None:
    """The norm would keep a variance that the deployed network does not have."""
    settings = {"normalisation": "batch", "dropout": 0.3, "dropout_layers": "last"}
    recipe = _recipe(**{f"generator__{key}": value for key, value in settings.items()})
    generator, _ = build_networks(recipe, SPEC)
    assert _names(generator) == [*ORDER[:3], *ORDER]
    with pytest.raises(RecipeError, match=r'dropout_layers = "last".*Li et al'):
        change_recipe(recipe, {"generator.dropout_layers": "all"})


@pytest.mark.parametrize("name", [each.name for each in ARCHITECTURES if each.fits(SampleSpec((1, 16, 16)))])
def test_no_architecture_has_a_batch_norm_behind_dropout(name: str) -> None:
    """In the order in which data goes through, whatever the shape of the network."""
    changes: dict[str, object] = {"penalty.r1_weight": 0.0}
    for network in ("generator", "discriminator"):
        changes[f"{network}.normalisation"] = "batch"
        changes[f"{network}.dropout_layers"] = "last"
        changes[f"{network}.dropout"] = 0.3
        changes[f"{network}.spectral_norm"] = False
        changes[f"{network}.hidden"] = [8, 8]
    recipe = change_recipe(load_recipe("mlp"), {**changes, **of_both(name)})
    generator, discriminator = build_networks(recipe, SampleSpec((1, 16, 16)))
    inputs = torch.randn(4, recipe.generator.latent_dim)
    order: list[str] = []
    heads = list(getattr(discriminator, "heads", []))  # which see nothing of one another
    for built in (generator, *(heads or [discriminator])):
        for module in built.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.modules.dropout._DropoutNd):
                module.register_forward_hook(lambda part, *_: order.append(type(part).__name__))
        order.clear()
        if heads and built is not generator:
            built(torch.randn(4, recipe.discriminator.projection, 8, 8), None)  # type: ignore[attr-defined]
        else:
            inputs = built(inputs)
        norms = [place for place, part in enumerate(order) if "Dropout" not in part]
        assert norms
        assert len(norms) < len(order)
        assert norms == list(range(len(norms))), order  # all dropout comes behind: of units, and of capsules


@pytest.mark.parametrize("layer", [nn.Linear(4, 6), nn.Conv2d(4, 6, 3), nn.ConvTranspose2d(4, 6, 4, 2)])
def test_a_block_fits_its_layer(layer: nn.Module) -> None:
    """Dense and convolutional layers get norms and dropout of their own shape, in the same order."""
    changes = {"normalisation": "batch", "dropout": 0.5, "dropout_kind": "channel", "dropout_layers": "last"}
    recipe = change_recipe(load_recipe("conv"), {f"generator.{key}": value for key, value in changes.items()})
    settings = recipe.generator
    assert isinstance(settings, LayerSettings)
    modules = nn.Sequential(*block(layer, settings, last=True))
    norm, dropout = modules[1], modules[3]
    assert isinstance(norm, nn.BatchNorm1d if isinstance(layer, nn.Linear) else nn.BatchNorm2d)
    assert isinstance(dropout, ChannelDropout)
    shape = (5, 4) if isinstance(layer, nn.Linear) else (5, 4, 8, 8)
    assert modules(torch.randn(shape)).shape[:2] == (5, 6)


def test_channel_dropout_drops_whole_channels() -> None:
    """Single dropped pixels of a feature map are told by their neighbours; the expectation stays."""
    torch.manual_seed(0)
    out = ChannelDropout(0.25)(torch.ones(400, 50, 3, 2))
    flat = out.flatten(2)
    assert torch.equal(flat, flat[..., :1].expand_as(flat))
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    assert (out == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    values = torch.randn(3, 4, 2, 2)
    assert torch.equal(ChannelDropout(0.5).eval()(values), values)
    assert set(Dropout(0.5)(torch.ones(1, 1, 50, 50)).unique().tolist()) == {0.0, 2.0}  # single ones


def test_batch_norm_judges_fakes_by_statistics_of_fakes() -> None:
    """In one pass with real images a generated one would be judged otherwise than in the generator's step."""
    recipe = _recipe(discriminator__normalisation="batch")
    state, seen = _state(recipe), []
    state.discriminator.register_forward_hook(lambda _, args, out: seen.append((args[0], out.detach())))
    reals, fakes = torch.rand(8, 1, 8, 8), -torch.rand(8, 1, 8, 8)
    norm = state.discriminator.body[1]
    discriminator_step(state, recipe, Batch(reals, None), fakes, precision="fp32", lazy_penalties=False)
    assert [len(inputs) for inputs, _ in seen] == [8, 8]
    assert norm.num_batches_tracked == 2
    running = norm.running_mean.clone()
    generator_step(state, recipe, Batch(reals, None), fakes.requires_grad_(), precision="fp32")
    assert torch.equal(norm.running_mean, running)
    assert norm.training
    assert norm.track_running_stats


def test_average_of_a_batch_norm_follows_the_average_of_its_weights() -> None:
    """Statistics of the last step beside weights of a thousand steps would shift every activation."""
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    ema = Ema(network, 0.9)
    network[1].running_mean.fill_(1.0)
    ema.update(10_000)
    torch.testing.assert_close(ema.module[1].running_mean, torch.full((2,), 0.1))


# Spectral norm


def _largest(weight: Tensor, dim: int = 0) -> float:
    return torch.linalg.matrix_norm(weight.detach().movedim(dim, 0).flatten(1), 2).item()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_spectral_norm_holds_the_largest_singular_value_at_one(precision: str) -> None:
    """It bounds the slope of the discriminator; in training it must keep up with the weights."""
    rates = {"generator__learning_rate": 2e-4, "discriminator__learning_rate": 2e-4}  # the paper's
    recipe = _recipe(discriminator__spectral_norm=True, generator__spectral_norm=True, **rates)
    state = _state(recipe)
    batch = torch.rand(8, 1, 8, 8) * 2 - 1
    for _ in range(30):
        train_step(state, recipe, lambda _: Batch(batch, None), device=CPU, precision=precision)
    for network in (state.generator, state.discriminator):
        layers = [layer for layer in network.modules() if parametrize.is_parametrized(layer)]
        assert len(layers) == 3
        for layer in layers:
            assert _largest(layer.weight) == pytest.approx(1, abs=0.05)
            assert _largest(layer.parametrizations.weight.original) > 1.05


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 5, 3), nn.ConvTranspose2d(3, 5, 4), nn.Embedding(7, 4)])
def test_spectral_norm_of_other_layers(layer: nn.Module) -> None:
    """A transposed convolution and an embedding keep their outputs in dimension 1."""
    add_spectral_norm(layer)
    for _ in range(50):
        weight = layer.weight
    assert _largest(weight, 0 if isinstance(layer, nn.Conv2d) else 1) == pytest.approx(1, abs=1e-3)
    norm = layer.parametrizations.weight[0]
    assert isinstance(norm, SpectralNorm)
    assert len(norm.left) == (4 if isinstance(layer, nn.Embedding) else 5)


def test_spectral_norm_agrees_with_torchs_own() -> None:
    """Same weights, iterated to the end: the same quotient."""
    torch.manual_seed(0)
    plain = nn.Linear(6, 9)
    ours, theirs = copy.deepcopy(plain), nn.utils.parametrizations.spectral_norm(copy.deepcopy(plain))
    add_spectral_norm(ours)
    for _ in range(200):
        pair = ours.weight, theirs.weight
    torch.testing.assert_close(*pair)


def test_the_average_has_plain_weights_as_they_act() -> None:
    """What is exported must hold no iteration and equal the trained network where there is no average."""
    recipe = _recipe(generator__spectral_norm=True, training__ema_decay=0.0)
    state = _state(recipe)
    batch = torch.rand(8, 1, 8, 8)
    train_step(state, recipe, lambda _: Batch(batch, None), device=CPU, precision="fp32")
    names = [name for name, _ in state.ema.module.named_parameters()]
    assert not any("parametrizations" in name for name in [*names, *dict(state.ema.module.named_buffers())])
    latents = torch.randn(4, recipe.generator.latent_dim)
    torch.testing.assert_close(state.ema.module(latents), state.generator.eval()(latents))


def test_removing_spectral_norm_changes_no_output() -> None:
    """The average is made so."""
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    add_spectral_norm(network)
    inputs = torch.randn(3, 5)
    before = network.eval()(inputs)
    remove_spectral_norm(network)
    torch.testing.assert_close(network(inputs), before)
    assert list(network.state_dict()) == ["0.bias", "0.weight", "2.bias", "2.weight"]


# Weight decay


def test_weight_decay_is_beside_adams_step() -> None:
    """Added to the gradient it would be divided by Adam's root; decoupled it is lr * decay * weight."""
    recipe = _recipe(discriminator__weight_decay=0.5)
    decayed, plain = _state(recipe), _state(_recipe())
    reals, fakes = torch.rand(8, 1, 8, 8), -torch.rand(8, 1, 8, 8)
    before = {name: weight.detach().clone() for name, weight in plain.discriminator.named_parameters()}
    for state in (decayed, plain):
        discriminator_step(state, recipe, Batch(reals, None), fakes, precision="fp32", lazy_penalties=False)
    rate = recipe.discriminator.learning_rate
    with_decay = dict(decayed.discriminator.named_parameters())
    for name, weight in plain.discriminator.named_parameters():
        lost = rate * 0.5 * before[name] if weight.dim() > 1 else torch.zeros_like(weight)
        torch.testing.assert_close(with_decay[name], weight - lost, rtol=0, atol=1e-7)


# WGAN-GP


def test_wgan_gp_against_finite_differences() -> None:
    """The slope is that between the samples, each point on the line of its own pair."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    reals, fakes = torch.randn(5, 3), torch.randn(5, 3)
    torch.manual_seed(2)
    share = torch.rand(5, 1).double()
    points, exact, step = share * reals + (1 - share) * fakes, copy.deepcopy(network).double(), 1e-6
    slopes = torch.cat(
        [
            (exact(points + step * axis) - exact(points - step * axis)) / (2 * step)
            for axis in torch.eye(3).double()
        ],
        1,
    )
    torch.manual_seed(2)
    penalty = wgan_gp_penalty(network, reals, fakes)
    expected = (slopes.norm(dim=1) - 1).square().mean().float()
    torch.testing.assert_close(penalty, expected, rtol=1e-4, atol=1e-6)


def test_wgan_gp_pulls_the_slope_to_one() -> None:
    """And its gradient reaches the weights, also where the slope is 0."""
    critic = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(critic.parameters(), 0.1)
    nn.init.constant_(critic.weight, 3.0)
    for _ in range(100):
        optimizer.zero_grad()
        wgan_gp_penalty(critic, torch.randn(6, 4), torch.randn(6, 4)).backward()
        optimizer.step()
    assert critic.weight.norm().item() == pytest.approx(1, abs=1e-3)
    nn.init.zeros_(critic.weight)
    optimizer.zero_grad()
    wgan_gp_penalty(critic, torch.randn(6, 4), torch.randn(6, 4)).backward()
    assert torch.isfinite(critic.weight.grad).all()


def test_both_steps_see_augmented_images() -> None:
    """Augmenting the real ones alone would teach the generator to draw holes."""
    recipe = _recipe(training__augmentation=["cutout"], discriminator__texture_weight=0.0)
    state, seen = _state(recipe), []
    state.discriminator.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    ones = torch.ones(8, 1, 8, 8)
    real = Batch(ones, None)
    discriminator_step(state, recipe, real, ones, precision="fp32", lazy_penalties=False)
    generator_step(state, recipe, real, ones.clone().requires_grad_(), precision="fp32")
    assert [len(images) for images in seen] == [16, 8]
    assert all((part == 0).any() for part in (*seen[0].chunk(2), seen[1]))


# Losses and penalties in the steps


@pytest.mark.parametrize("loss", list(LOSSES), ids=lambda loss: loss.name)
def test_only_a_loss_that_compares_pays_for_real_samples_in_the_generators_step(loss: Loss) -> None:
    """A pass that nobody needs would cost a sixth of a step."""
    recipe = _recipe(training__loss=loss.name, discriminator__spectral_norm=True)
    state, seen = _state(recipe), list[Tensor]()
    real = Batch(torch.rand(8, 1, 8, 8), None)
    fakes = state.generator(torch.randn(8, recipe.generator.latent_dim))
    state.discriminator.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    generator_step(state, recipe, real, fakes, precision="fp32")
    assert seen[0] is fakes
    assert [part is real.samples for part in seen[1:]] == ([True] if loss.name == "relativistic" else [])


def test_relativistic_steps_by_hand() -> None:
    """The generator's gradient is that of the pairs, and nothing of it reaches the discriminator."""
    recipe = _recipe(training__loss="relativistic")
    state = _state(recipe)
    real, latents = Batch(torch.rand(8, 1, 8, 8), None), torch.randn(8, recipe.generator.latent_dim)
    fakes = state.generator(latents)
    pairs = state.discriminator(fakes) - state.discriminator(real.samples).detach()
    expected = torch.autograd.grad(-nn.functional.logsigmoid(pairs).mean(), fakes, retain_graph=True)[0]
    kept = fakes.detach().requires_grad_()
    seen: list[Tensor] = []
    kept.register_hook(seen.append)
    generator_step(state, recipe, real, kept, precision="fp32")
    torch.testing.assert_close(seen[0], expected)
    assert all(weight.grad is None for weight in state.discriminator.parameters())


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: penalty.weight)
def test_every_penalty_is_added_when_it_is_due(penalty: Penalty) -> None:
    """A weight in a recipe that changed nothing, or counted in every step what is meant for one in four."""
    masks = {"discriminator__dropout": 0.5} if penalty.weight == "consistency_weight" else {}
    recipe = _recipe(penalty__r1_interval=4, **masks, **{f"penalty__{penalty.weight}": 3.0})
    torch.manual_seed(1)
    reals, fakes = torch.rand(8, 1, 8, 8), -torch.rand(8, 1, 8, 8)
    gradients = []
    for lazy, weight in ((True, 3.0), (False, 3.0), (True, 0.0)):
        state = _state(change_recipe(recipe, {f"penalty.{penalty.weight}": weight}))
        changed = change_recipe(recipe, {f"penalty.{penalty.weight}": weight})
        discriminator_step(state, changed, Batch(reals, None), fakes, precision="fp32", lazy_penalties=lazy)
        gradients.append([parameter.grad.clone() for parameter in state.discriminator.parameters()])
    state = _state(recipe)
    torch.manual_seed(recipe.training.seed)
    times = 4 if penalty.lazy else 1
    (3.0 * times * penalty.value(recipe.penalty, state.discriminator, reals, fakes)).backward()
    added = [one - other for one, other in zip(gradients[0], gradients[2], strict=True)]
    grown = sum(part.norm() for part in added)
    assert grown > 0
    same = [torch.equal(one, other) for one, other in zip(gradients[0], gradients[1], strict=True)]
    assert all(same) != penalty.lazy
    if penalty.weight in ("r1_weight", "r2_weight"):  # the others draw random numbers of their own
        for part, parameter in zip(added, state.discriminator.parameters(), strict=True):
            wanted = torch.zeros_like(part) if parameter.grad is None else parameter.grad
            torch.testing.assert_close(part, wanted, rtol=1e-3, atol=1e-5)


def test_r2_is_of_generated_samples() -> None:
    """R1 under another name would leave the discriminator's slope at generated samples unbounded."""
    linear, bent = nn.Linear(4, 1), nn.Softplus()
    reals, fakes = torch.full((3, 4), 9.0), torch.full((3, 4), -9.0)

    def judge(samples: Tensor) -> Tensor:
        return linear(bent(samples))  # steep at large values, flat at small ones

    settings = _recipe().penalty
    values = {
        penalty.weight: penalty.value(settings, judge, reals, fakes).item()
        for penalty in PENALTIES
        if penalty.lazy
    }
    assert values["r1_weight"] > 1e3 * values["r2_weight"] > 0


# Several updates of the discriminator


def test_discriminator_steps() -> None:
    """n updates on n different batches for one of the generator, and the step counts once."""
    recipe = _recipe(training__discriminator_steps=3, penalty__r1_weight=1.0, penalty__r1_interval=2)
    state, asked = _state(recipe), []

    def batches(index: int) -> Batch:
        asked.append(index)
        return Batch(torch.rand(8, 1, 8, 8), None)

    for _ in range(2):
        train_step(state, recipe, batches, device=CPU, precision="fp32")
    assert asked == [0, 1, 2, 3, 4, 5]
    assert state.step == 2
    steps = [
        optimizer.state_dict()["state"][0]["step"].item()
        for optimizer in (state.discriminator_optimizer, state.generator_optimizer)
    ]
    assert steps == [6, 2]
