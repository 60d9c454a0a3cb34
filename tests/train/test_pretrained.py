"""Fine-tuning: what is taken from an earlier model, what is frozen, and what a run remembers of it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from dropgan.export import export
from dropgan.serve.errors import DropganError, ModelError
from dropgan.train import (
    PretrainedError,
    RecipeError,
    RunDirectory,
    RunError,
    change_recipe,
    load_generator,
    load_recipe,
    resume,
    train,
)
from dropgan.train.data import ImageData
from dropgan.train.networks import SampleSpec
from dropgan.train.networks.freezing import stages, train_above
from dropgan.train.recipes.settings import Recipe
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.run.pretrained import begin_from, load_pretrained
from dropgan.train.steps.state import TrainingState

CPU = torch.device("cpu")
TINY = {
    "training.batch_size": 8,
    "training.steps": 6,
    "generator.hidden": [16, 12],
    "discriminator.hidden": [16, 12],
    "output.checkpoint_interval": 3,
}


def _recipe(**settings: object) -> Recipe:
    return change_recipe(
        load_recipe("mlp"), {**TINY, **{key.replace("__", "."): value for key, value in settings.items()}}
    )


def _state(spec: SampleSpec | None = None, **settings: object) -> TrainingState:
    recipe = _recipe(training__seed=7, **settings)
    return TrainingState.fresh(recipe, spec or SampleSpec((1, 28, 28)), CPU)


def _train(directory: Path, data: Path, **options: object) -> RunDirectory:
    recipe = options.pop("recipe", None) or _recipe()
    return train(directory, recipe, data=str(data), device="cpu", precision="fp32", threads=1, **options)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory, image_file: Path) -> Path:
    return _train(tmp_path_factory.mktemp("earlier") / "run", image_file).path


def test_the_same_networks_are_taken_whole(earlier: Path) -> None:
    """The generator begins as the averaged one that was shipped; nothing begins at random."""
    state, given = _state(), load_checkpoint(RunDirectory(earlier).last_checkpoint)
    random = torch.get_rng_state()
    assert begin_from(state, load_pretrained(earlier)) == []
    for network, part in (
        (state.generator, "ema"), (state.ema.module, "ema"), (state.discriminator, "discriminator"),
    ):  # fmt: skip
        assert all(
            torch.equal(tensor, given.part(part)[name]) for name, tensor in network.state_dict().items()
        )
    assert torch.equal(random, torch.get_rng_state())


def test_another_size_and_class_count_takes_what_fits(earlier: Path) -> None:
    """And names the rest, a layer at a time: a bias without its weight would be of no use."""
    state = _state(SampleSpec((1, 32, 32), 3), conditional=True)
    fresh = begin_from(state, load_pretrained(earlier))
    assert fresh == [
        "generator input.embedding",
        "generator body.0",
        "generator output",
        "discriminator body.0",
        "discriminator output.embedding",
    ]
    given = load_checkpoint(RunDirectory(earlier).last_checkpoint)
    assert torch.equal(state.generator.body[3].weight, given.part("ema")["body.3.weight"])
    assert torch.equal(state.discriminator.output.weight, given.part("discriminator")["output.weight"])


def test_an_exported_file_gives_the_generator(tiny_run: Path, model_file: Path) -> None:
    """The application developer has nothing but the file; its names are those of the checkpoint."""
    run = RunDirectory(tiny_run)
    state, given = (
        TrainingState.fresh(run.read_recipe()[0], SampleSpec((1, 28, 28)), CPU),
        run.last_checkpoint,
    )
    with torch.no_grad():
        for weight in state.generator.parameters():
            weight.zero_()
    fresh = begin_from(state, load_pretrained(model_file))
    assert fresh
    assert all(name.startswith("discriminator ") for name in fresh)
    average = load_checkpoint(given).part("ema")
    assert all(torch.equal(tensor, average[name]) for name, tensor in state.generator.state_dict().items())


def test_a_file_in_colour_gives_every_layer(tmp_path: Path) -> None:
    """The last convolution leaves diagonals out, which the exporter folds into its weights: they keep their
    names, and a generator that begins from them draws the file's pictures."""
    recipe = change_recipe(load_recipe("conv"), {"training.steps": 2, "training.batch_size": 8})
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3)).astype(np.uint8)
    run = train(
        tmp_path / "run", recipe, data=ImageData(images, "noise"), device="cpu", precision="fp32", threads=1
    )
    export(run, tmp_path / "model.onnx")
    state = TrainingState.fresh(change_recipe(recipe, {"training.seed": 7}), SampleSpec((3, 8, 8)), CPU)
    fresh = begin_from(state, load_pretrained(tmp_path / "model.onnx"))
    assert all(name.startswith("discriminator ") for name in fresh)
    latents = torch.randn(8, recipe.generator.latent_dim)
    with torch.no_grad():
        torch.testing.assert_close(state.ema.module(latents), load_generator(run).module(latents))


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_rounded_file_is_refused_by_its_precision(tiny_run: Path, tmp_path: Path, precision: str) -> None:
    """Some of its tensors are float32, an embedding say: training would begin from that one, and anew
    otherwise."""
    export(tiny_run, tmp_path / "model.onnx", precision=precision)
    with pytest.raises(PretrainedError, match=f"has {precision} weights"):
        load_pretrained(tmp_path / "model.onnx")


def test_a_damaged_file_is_named(model_file: Path, tmp_path: Path) -> None:
    """A line that says no more than that "it" is cut short sends nobody to the right file."""
    model = onnx.load(model_file)
    onnx.helper.set_model_props(model, {"dropgan": '{"schema": '})
    onnx.save(model, tmp_path / "größe.onnx")
    (tmp_path / "cut.onnx").write_bytes(model_file.read_bytes()[:1000])
    for name in ("größe.onnx", "cut.onnx"):
        with pytest.raises(ModelError, match=f"{name} cannot be read: "):
            load_pretrained(tmp_path / name)


def test_spectral_norm_begins_from_plain_weights(earlier: Path) -> None:
    """The norms must be of the weights that were taken: vectors of random ones would scale them at will."""
    state = _state(discriminator__spectral_norm=True)
    assert begin_from(state, load_pretrained(earlier)) == []
    weight = state.discriminator.eval().body[0].weight
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=0.02)


def test_sources_that_give_nothing_are_refused(earlier: Path, tmp_path: Path) -> None:
    """One line each, before anything is written."""
    (tmp_path / "notes.txt").write_text("no model")
    for source in (tmp_path / "notes.txt", tmp_path / "missing.safetensors", tmp_path, tmp_path / "no.onnx"):
        with pytest.raises(DropganError):
            load_pretrained(source)
    with pytest.raises(PretrainedError, match="no layer of the generator"):
        begin_from(_state(generator__hidden=[5, 6], generator__latent_dim=3), load_pretrained(earlier))


def test_frozen_layers_keep_their_weights_and_the_others_learn(
    earlier: Path, tmp_path: Path, image_file: Path
) -> None:
    """FreezeD over a whole run, weight decay included."""
    recipe = _recipe(discriminator__frozen_layers=1, discriminator__weight_decay=0.1)
    run = _train(tmp_path / "run", image_file, recipe=recipe, init_from=earlier)
    before = load_checkpoint(RunDirectory(earlier).last_checkpoint).part("discriminator")
    after = load_checkpoint(run.last_checkpoint).part("discriminator")
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {"body.0.weight", "body.0.bias"}


def test_freezing_what_has_learned_nothing_is_refused(
    earlier: Path, tmp_path: Path, image_file: Path
) -> None:
    """Random layers that never learn would spoil the run without a word."""
    with pytest.raises(RecipeError, match="--init-from"):
        _train(tmp_path / "run", image_file, recipe=_recipe(discriminator__frozen_layers=1))
    with pytest.raises(RecipeError, match="has 2 layers"):
        _train(
            tmp_path / "run", image_file, recipe=_recipe(discriminator__frozen_layers=3), init_from=earlier
        )
    wide = _recipe(discriminator__frozen_layers=1, discriminator__hidden=[20, 12])
    with pytest.raises(RecipeError, match=r"body\.0"):
        _train(tmp_path / "run", image_file, recipe=wide, init_from=earlier)
    assert not (tmp_path / "run").exists()


def test_stages_count_layers_with_their_norms() -> None:
    """Freezing N layers must mean N dense layers or convolutions, not N modules."""
    recipe = _recipe(discriminator__normalisation="batch", discriminator__dropout=0.0, penalty__r1_weight=0.0)
    network = TrainingState.fresh(recipe, SampleSpec((1, 28, 28)), CPU).discriminator
    assert [[type(module).__name__ for module in stage] for stage in stages(network)] == [
        ["Linear", "BatchNorm1d"]
    ] * 2
    train_above(network, 1)
    learning = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert not any(name.startswith(("body.0.", "body.1.")) for name in learning)
    assert {"body.3.weight", "output.weight"} <= learning


def test_a_fine_tuned_run_resumes_exactly(earlier: Path, tmp_path: Path, image_file: Path) -> None:
    """Also one that was killed before its first checkpoint, unless its source has changed since."""
    source = tmp_path / "first.safetensors"
    source.write_bytes(RunDirectory(earlier).last_checkpoint.read_bytes())
    recipe = _recipe(training__schedule="constant")
    whole = _train(tmp_path / "whole", image_file, init_from=source, recipe=recipe)
    facts = whole.read_recipe()[1]
    assert facts.init.source == str(source)
    assert len(facts.init.fingerprint) == 64
    expected = load_checkpoint(whole.last_checkpoint).tensors
    half = change_recipe(recipe, {"training.steps": 3})
    for killed_early in (False, True):
        run = _train(tmp_path / f"parts-{killed_early}", image_file, init_from=source, recipe=half)
        if killed_early:
            run.last_checkpoint.unlink()
            run.previous_checkpoint.unlink()
        resume(run.path, steps=6)
        given = load_checkpoint(run.last_checkpoint).tensors
        assert [name for name in expected if not torch.equal(expected[name], given[name])] == []
    run.last_checkpoint.unlink()
    run.previous_checkpoint.unlink()
    source.write_bytes(whole.last_checkpoint.read_bytes())
    with pytest.raises(RunError, match="has changed"):
        resume(run.path)


def test_other_data_are_learned_from_the_earlier_model(earlier: Path, tmp_path: Path) -> None:
    """Colour images of another size, from a model of grey ones."""
    images = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8)
    np.save(tmp_path / "colour.npy", images)
    run = _train(tmp_path / "run", tmp_path / "colour.npy", init_from=earlier)
    assert run.read_recipe()[1].init.fresh == ("generator output", "discriminator body.0")
