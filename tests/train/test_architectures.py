"""Architectures: chosen for each network, each with settings of its own, and never beyond what fits."""

import pickle
from pathlib import Path

import pytest
import torch

from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import (
    RecipeError,
    ResumeError,
    RunDirectory,
    change_recipe,
    load_recipe,
    recipe_layers,
    resume,
    show_recipe,
    train,
)
from dropgan.train.kinds import training_kind
from dropgan.train.networks import ARCHITECTURES, Architecture, SampleSpec, build_networks
from dropgan.train.networks.size import parameter_count, require_room
from dropgan.train.networks.spec import GraphTypes
from dropgan.train.recipes.fit import require_fit
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.steps.state import TrainingState

from ..features_file import features_file
from ..test_architecture import REPOSITORY, imports
from ..test_matrix import of_both

CPU = torch.device("cpu")
SPEC = SampleSpec((1, 12, 12))
MIXED = {"generator.architecture": "conv", "generator.hidden": [8], "generator.dense": [16],
         "discriminator.hidden": [12]}  # fmt: skip


def _file(folder: Path, text: str, name: str = "own.toml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_networks_and_objective_know_nothing_of_recipes() -> None:
    """A recipe is put together from their settings; the other way round each would need the other first."""
    wrong = [
        f"{path.name} imports {module}"
        for room in ("networks", "objective")
        for path in (REPOSITORY / "train" / room).glob("*.py")
        for module, _ in imports(path)
        if module.startswith(("dropgan.train.recipes", "dropgan.train.steps", "dropgan.train.run"))
    ]
    assert not wrong


# Chosen apart


@pytest.mark.parametrize(
    "discriminator",
    [one for one in ARCHITECTURES if one.discriminator and one.fits(SPEC)],
    ids=lambda one: one.name,
)
@pytest.mark.parametrize(
    "generator", [one for one in ARCHITECTURES if one.generator and one.fits(SPEC)], ids=lambda one: one.name
)
def test_any_generator_beside_any_discriminator(generator: Architecture, discriminator: Architecture) -> None:
    """Which of the two needs convolutions is a question worth asking."""
    recipe = change_recipe(
        load_recipe("mlp"),
        {"generator.architecture": generator.name, "discriminator.architecture": discriminator.name}
        | {"generator.hidden": [6], "discriminator.hidden": [6]},
    )
    networks = build_networks(recipe, SPEC)
    assert generator.generator is not None
    assert discriminator.discriminator is not None
    assert isinstance(recipe.generator, generator.generator.settings)
    assert isinstance(networks[0], generator.generator.build)  # type: ignore[arg-type]
    assert isinstance(networks[1], discriminator.discriminator.build)  # type: ignore[arg-type]
    logits = networks[1](networks[0](torch.randn(2, recipe.generator.latent_dim)))
    assert logits.dim() == 2
    assert len(logits) == 2
    assert (logits.shape[1] == 1) == (discriminator.name != "projected"), "one verdict, but of many heads"


def test_trained_resumed_exported(tmp_path: Path, image_file: Path) -> None:
    """Convolutions against dense layers: recipe.toml, resuming and the card say which is which."""
    recipe = change_recipe(load_recipe("mlp"), {**MIXED, "training.steps": 2, "training.batch_size": 8})
    run = train(tmp_path / "run", recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)
    resume(run.path, steps=4)
    assert RunDirectory(run.path).read_recipe()[0] == change_recipe(recipe, {"training.steps": 4})
    card = export(run.path, tmp_path / "model.onnx")
    assert card.architecture.name == "conv"
    assert Generator(tmp_path / "model.onnx", device="cpu").sample(2).shape == (2, 28, 28, 1)
    with pytest.raises(ResumeError, match=r"generator\.architecture was conv, now mlp"):
        resume(run.path, recipe=load_recipe("mlp"))


def test_fine_tuning_freezes_layers_of_the_discriminator_that_there_is(
    tmp_path: Path, image_file: Path
) -> None:
    """Whatever it is built of, and whatever the generator is."""
    small = {**MIXED, "training.steps": 2, "training.batch_size": 8}
    fitting = [one for one in ARCHITECTURES if one.discriminator and one.fits(SPEC)]
    for number, architecture in enumerate(fitting):
        changes = {**small, "discriminator.architecture": architecture.name, "discriminator.hidden": [6, 6]}
        if architecture.name == "projected":
            changes["discriminator.features"] = str(features_file(tmp_path / "features.safetensors"))
        recipe = change_recipe(load_recipe("mlp"), changes)
        run = tmp_path / f"{number}"
        options = {"data": str(image_file), "device": "cpu", "precision": "fp32", "threads": 1}
        train(run, recipe, **options)  # type: ignore[arg-type]
        frozen = change_recipe(recipe, {"discriminator.frozen_layers": 1})
        tuned = train(tmp_path / f"{number}b", frozen, init_from=run, **options)  # type: ignore[arg-type]
        before, after = (
            load_checkpoint(RunDirectory(path).last_checkpoint).part("discriminator")
            for path in (run, tuned.path)
        )
        learned = [name for name in before if not name.startswith(("features.", "mixing."))]
        same = [name.removeprefix("heads.0.") for name in learned if torch.equal(before[name], after[name])]
        assert {name.split(".")[1] for name in same} == {"0"}


# One key for both


def test_one_key_sets_both(tmp_path: Path) -> None:
    """As in every recipe that comes with dropgan; a table may name another one."""
    conv = change_recipe(load_recipe("mlp"), {"architecture": "conv"})
    assert (conv.generator.architecture, conv.discriminator.architecture) == ("conv", "conv")
    for text, expected in (
        ('architecture = "resnet"', ("resnet", "resnet")),
        ('architecture = "resnet"\n[discriminator]\narchitecture = "mlp"', ("resnet", "mlp")),
        ('[generator]\narchitecture = "conv"', ("conv", "mlp")),
    ):
        recipe = load_recipe(_file(tmp_path, f'base = "mlp"\n{text}\n'))
        assert (recipe.generator.architecture, recipe.discriminator.architecture) == expected
    mixed = _file(tmp_path, 'base = "mlp"\n[generator]\narchitecture = "conv"\n', "mixed.toml")
    back = load_recipe(_file(tmp_path, f'base = "{mixed}"\narchitecture = "resnet"\n'))
    assert back.generator.architecture == "resnet", "the file above counts, in whatever way it says it"
    again = change_recipe(load_recipe(mixed), {"architecture": "mlp", "generator.architecture": "resnet"})
    assert (again.generator.architecture, again.discriminator.architecture) == ("resnet", "mlp")


def test_settings_of_the_old_architecture_go_with_it(tmp_path: Path) -> None:
    """Nobody has written them; what both have stays, and what the new one alone has gets its default."""
    before = change_recipe(load_recipe("conv"), {"generator.dropout": 0.25})
    after = change_recipe(before, {"generator.architecture": "mlp"})
    assert after.generator.dropout == 0.25
    new, old = after.generator.model_dump(), before.generator.model_dump()
    assert new["hidden"] == old["hidden"]
    assert "dense" not in new
    assert after.discriminator == before.discriminator
    path = _file(tmp_path, 'base = "mlp"\narchitecture = "conv"\n')
    assert "texture_weight" not in load_recipe(path).model_dump()["discriminator"]
    assert (
        change_recipe(load_recipe(path), {"architecture": "mlp"}).discriminator.model_dump()["texture_weight"]
        == 0
    )
    assert change_recipe(load_recipe("mlp"), {"architecture": "mlp"}) == load_recipe("mlp")


@pytest.mark.parametrize("name", ["mlp", "mixed"])
def test_a_shown_recipe_says_it_once_where_it_is_one(tmp_path: Path, name: str) -> None:
    """Above all tables if both networks have it, else in each; either way it is read back as it was."""
    text = 'base = "mlp"\n[generator]\narchitecture = "conv"  # sees neighbours\nhidden = [8]\n'
    path = "mlp" if name == "mlp" else _file(tmp_path, text)
    shown = show_recipe(load_recipe(path), recipe_layers(path))
    assert shown.count("\narchitecture = ") == (1 if name == "mlp" else 2)
    assert "# dense layers: the most steps" in shown  # in the mixed one, of the discriminator
    if name == "mixed":
        assert 'architecture = "conv"  # sees neighbours' in shown
    again = change_recipe(load_recipe(_file(tmp_path, shown, "shown.toml")), {})
    assert again == load_recipe(path)


# Messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'architecture = "cnov"',
            r"own\.toml, line 2: generator\.architecture: Input should be 'mlp', .*'cnov'",
        ),
        (
            '[generator]\narchitecture = "cnov"',
            r"own\.toml, line 3: generator\.architecture: Input should be",
        ),
        ("architecture = 3", r"own\.toml, line 2: generator\.architecture: .*valid string, not 3"),
        (
            'architecture = "conv"\n[discriminator]\ntexture_weight = 4.0',
            r"own\.toml, line 4: there is no setting discriminator\.texture_weight in this .*, but in mlp",
        ),
        (
            "[generator]\ndense = [8]",
            r"line 3: there is no setting generator\.dense in .*but in conv, resnet",
        ),
        ("[generator]\nblocks = 3", r"line 3: there is no setting generator\.blocks in .*but in r3gan"),
        ("[discriminator]\nlatent_dim = 8", r"line 3: .*did you mean generator\.latent_dim\?"),
        (
            'architecture = "cnov"\n[generator]\ndropout = -1',
            r"line 2: generator\.architecture.*line 4: generator\.dropout",
        ),
    ],
)
def test_messages(tmp_path: Path, text: str, message: str) -> None:
    """File and line, and where the setting would be known."""
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(_file(tmp_path, f'base = "mlp"\n{text}\n'))
    assert "\n" not in str(caught.value)


def test_messages_of_set() -> None:
    """A mistyped --set must not be dropped with what the old architecture had."""
    with pytest.raises(RecipeError, match=r"no setting discriminator\.texture_weight in this architecture"):
        change_recipe(load_recipe("mlp"), {"architecture": "conv", "discriminator.texture_weight": 1.0})
    with pytest.raises(RecipeError, match=r"no setting generator\.dropot; did you mean generator\.dropout"):
        change_recipe(load_recipe("mlp"), {"architecture": "conv", "generator.dropot": 1.0})
    for wrong in ({"generator.dropout.x": 1, "generator.dropout": 0.1}, {"architecture.x": 1}, {"a.b": 1}):
        with pytest.raises(RecipeError, match="there is no setting"):
            change_recipe(load_recipe("mlp"), wrong)
    with pytest.raises(RecipeError, match=r"generator\.architecture: Input should be 'mlp'"):
        change_recipe(load_recipe("mlp"), {"generator.architecture": "cnov"})


# What fits


def test_what_is_for_images_is_refused_for_vectors() -> None:
    """And what would do instead is named, for the network that is meant."""
    mixed = change_recipe(load_recipe("mlp"), {"discriminator.architecture": "conv"})
    with pytest.raises(RecipeError, match=r"discriminator\.architecture conv is not for rows of 5 col.*mlp"):
        require_fit(mixed, training_kind("vectors").spec((5,), 0, {}))
    require_fit(mixed, SPEC)
    require_fit(load_recipe("mlp"), SampleSpec((5,)))


def test_a_network_of_ten_billion_weights_is_refused_before_memory_is_taken(
    tmp_path: Path, image_file: Path
) -> None:
    """The kernel would end the process, and others with it, without a word."""
    huge = change_recipe(load_recipe("mlp"), {"generator.hidden": [65536] * 4})
    with pytest.raises(
        RecipeError, match=r"networks of 12,\d{3},\d{3},\d{3} weights take at least 24\d\.\d GiB"
    ):
        TrainingState.fresh(huge, SampleSpec((1, 28, 28)), CPU)
    with pytest.raises(RecipeError, match="make hidden narrower"):
        train(tmp_path / "run", huge, data=str(image_file), device="cpu", precision="fp32", threads=1)
    assert not (tmp_path / "run").exists()
    with pytest.raises(RecipeError, match=r"hidden\[0\]: .*less than or equal to 65536"):
        change_recipe(load_recipe("mlp"), {"generator.hidden": [65537]})
    with pytest.raises(RecipeError, match=r"hidden: .*at most 64 items"):
        change_recipe(load_recipe("mlp"), {"discriminator.hidden": [1] * 65})


@pytest.mark.parametrize("name", [architecture.name for architecture in ARCHITECTURES])
def test_the_size_of_networks_is_known_without_building_them(name: str) -> None:
    """To the byte, and without a trace in torch's random numbers, which give the first weights."""
    changes = {"generator.hidden": [6, 5], "discriminator.hidden": [5, 6]}
    recipe = change_recipe(
        load_recipe("mlp"), {**of_both(name), **changes, "discriminator.spectral_norm": True}
    )
    spec, random = SampleSpec((1, 12, 12), 3), torch.get_rng_state()
    if not ARCHITECTURES[name].fits(spec):
        spec = SampleSpec((4, 7, 7), 3, graphs=GraphTypes(1, 1, sizes_vary=True))
    generator, discriminator = (parameter_count(net) for net in build_networks(recipe, spec))
    torch.set_rng_state(random)
    needed = 4 * (5 * generator + 4 * discriminator)
    require_room(recipe, spec, needed, trained=True)
    with pytest.raises(RecipeError, match=f"networks of {generator + discriminator:,} weights"):
        require_room(recipe, spec, needed - 1, trained=True)
    require_room(recipe, spec, 4 * (2 * generator + discriminator), trained=False)
    assert torch.equal(torch.get_rng_state(), random)


def test_more_resolutions_than_an_image_has_are_refused() -> None:
    """Each doubles both sides: twenty make a picture of a million pixels a side, cut down to 28x28."""
    for name in ("conv", "resnet"):
        recipe = change_recipe(load_recipe(name), {"generator.hidden": [4] * 20})
        with pytest.raises(RecipeError, match=r"hidden has 20 numbers.*grey pictures of 28x28 .*at most 6"):
            build_networks(recipe, training_kind("images").spec((28, 28, 1), 0, {}))


def test_recipes_go_to_other_processes() -> None:
    """Their classes are made when they are read, where pickle does not look."""
    recipe = change_recipe(load_recipe("mlp"), MIXED)
    copy = pickle.loads(pickle.dumps(recipe))
    assert copy == recipe
    assert type(copy) is type(recipe)


def test_random_numbers_of_a_seed_are_not_those_of_a_check() -> None:
    """First weights follow from the seed alone, however networks are measured before."""
    recipe = load_recipe("mlp")
    state = TrainingState.fresh(recipe, SPEC, CPU)
    torch.manual_seed(recipe.training.seed)
    expected, _ = build_networks(recipe, SPEC)
    for one, other in zip(state.generator.parameters(), expected.parameters(), strict=True):
        assert torch.equal(one, other)
