"""Recipes and run directories: what is accepted, and what is said of the rest."""

from pathlib import Path

import pytest

from dropgan.train import (
    CheckpointError,
    RecipeError,
    ResumeError,
    RunDirectory,
    RunError,
    change_recipe,
    load_generator,
    load_recipe,
    recipe_names,
    resume,
    train,
)
from dropgan.train.networks.settings import LayerSettings
from dropgan.train.recipes import recipe_differences


def test_recipes_that_come_with_dropgan() -> None:
    """All load, carry their own name, and drop units in both networks."""
    assert recipe_names() == [
        "capsule",
        "conv",
        "dcgan",
        "graph",
        "graphs",
        "mlp",
        "molecules",
        "projected",
        "r3gan",
        "resnet",
        "seed",
    ]
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.generator.dropout > 0
        assert recipe.discriminator.most_dropout > 0


def test_seed_is_the_article() -> None:
    """The baseline that results are compared with must not drift."""
    seed = load_recipe("seed")
    assert isinstance(seed.generator, LayerSettings)
    assert isinstance(seed.discriminator, LayerSettings)
    assert (seed.generator.latent_dim, seed.generator.hidden) == (100, (256, 256))
    assert seed.discriminator.hidden == (256, 256)
    assert seed.generator.activation == seed.discriminator.activation == "relu"
    assert seed.generator.dropout == seed.discriminator.dropout == 0.5
    assert seed.training.batch_size == 100
    assert seed.penalty.r1_weight == seed.training.ema_decay == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator.dropot": 0.1}, "no setting generator.dropot"),
        ({"nothing": 1}, "no setting nothing"),
        ({"generator.dropout": 1.0}, r"generator\.dropout: .*less than 1"),
        ({"generator.dropout": "-0.1"}, r"generator\.dropout: .*greater than or equal to 0"),
        ({"generator.dropout": "half"}, r"generator\.dropout: .*valid number"),
        ({"generator.dropout": float("nan")}, r"generator\.dropout"),
        ({"generator.hidden": []}, r"generator\.hidden"),
        ({"generator.activation": "swish"}, r"generator\.activation: .*relu"),
        ({"training.steps": 0}, r"training\.steps"),
    ],
)
def test_impossible_settings_are_named(changes: dict[str, object], message: str) -> None:
    """The key and what is wrong with its value, before anything is trained."""
    with pytest.raises(RecipeError, match=message):
        change_recipe(load_recipe("mlp"), changes)


def test_recipe_files(tmp_path: Path) -> None:
    """A recipe of one's own; a broken one is named with its line."""
    import tomli_w

    path = tmp_path / "own.toml"
    path.write_text(tomli_w.dumps(load_recipe("seed").model_dump(mode="json")))
    assert load_recipe(str(path)) == load_recipe("seed")
    path.write_text("name = 'x'\narchitecture = \n")
    with pytest.raises(RecipeError, match=r"own\.toml.*line 2"):
        load_recipe(str(path))
    path.write_text("name = 'x'\ncolour = 'red'\n")
    with pytest.raises(RecipeError, match=r"own\.toml, line 2: there is no setting colour"):
        load_recipe(str(path))
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(str(tmp_path / "absent.toml"))
    with pytest.raises(RecipeError, match="mlp, molecules, projected, r3gan, resnet, seed"):
        load_recipe("sed")


def test_settings_from_text() -> None:
    """--set gives strings; lists and numbers are read as TOML."""
    recipe = change_recipe(
        load_recipe("mlp"), {"generator.hidden": "[8, 9]", "training.schedule": "constant"}
    )
    assert recipe.generator.model_dump()["hidden"] == (8, 9)
    assert recipe_differences(load_recipe("mlp"), recipe)[0].startswith("generator.hidden was")


def test_a_run_is_never_overwritten(tmp_path: Path, tiny_run: Path, image_file: Path) -> None:
    """Hours of training must not vanish because a name was used twice."""
    with pytest.raises(RunError, match="--resume"):
        train(tiny_run, "seed", data=str(image_file))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="not empty"):
        train(tmp_path / "mine", "seed", data=str(image_file))


def test_resume_refuses_what_does_not_fit(tmp_path: Path, image_file: Path) -> None:
    """No run there, data that changed, a damaged recipe."""
    with pytest.raises(RunError, match="is not a run"):
        resume(tmp_path)
    import numpy as np

    data = tmp_path / "data.npy"
    images = np.load(image_file)
    np.save(data, images)
    recipe = change_recipe(load_recipe("seed"), {"training.steps": 2, "training.batch_size": 4})
    run = train(tmp_path / "run", recipe, data=str(data), device="cpu", precision="fp32", threads=1)
    np.save(data, images[::-1])
    with pytest.raises(ResumeError, match=r"has changed .* was sha256:.*, now sha256:") as caught:
        resume(run.path, steps=4)
    assert caught.value.exit_code == 2
    run.recipe_file.write_text("name =")
    with pytest.raises(RunError, match="damaged"):
        resume(run.path)


def test_checkpoints_that_are_none(tmp_path: Path, tiny_run: Path) -> None:
    """Missing, cut off, or of another network: one line each, no traceback from a tensor library."""
    copy = RunDirectory(tmp_path / "copy")
    copy.last_checkpoint.parent.mkdir(parents=True)
    copy.recipe_file.write_text((tiny_run / "recipe.toml").read_text())
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load_generator(copy.path)
    content = RunDirectory(tiny_run).last_checkpoint.read_bytes()
    copy.last_checkpoint.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        load_generator(copy.path)
    copy.last_checkpoint.write_bytes(content)
    text = copy.recipe_file.read_text().replace("256,", "128,", 1)
    copy.recipe_file.write_text(text)
    with pytest.raises(CheckpointError, match="does not fit"):
        load_generator(copy.path)
