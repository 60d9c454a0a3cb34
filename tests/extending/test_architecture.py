"""An architecture from one file, registered, and the whole way from the command line to samples."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dropgan.serve import Generator
from dropgan.train import RecipeError, change_recipe, load_recipe
from dropgan.train.kinds import training_kind
from dropgan.train.networks import (
    ARCHITECTURES,
    Architecture,
    Design,
    DiscriminatorNetwork,
    DiscriminatorSettings,
    GeneratorNetwork,
    GeneratorSettings,
    SampleSpec,
)
from dropgan.train.recipes.fit import require_fit

from ..cli.conftest import Dropgan
from .conftest import WholeWay


class RowSettings(GeneratorSettings):
    units: int = 12
    """Units of the recurrent layer."""


class RowGenerator(GeneratorNetwork):
    """A recurrent layer that writes an image row by row."""

    def __init__(self, settings: RowSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.shape = spec.shape
        self.first = nn.Linear(settings.latent_dim, settings.units)
        self.drop = nn.Dropout(settings.dropout)
        self.again = nn.Linear(settings.units, settings.units)
        self.output = nn.Linear(settings.units, spec.shape[0] * spec.shape[2])

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        state, rows = torch.relu(self.first(latents)), list[Tensor]()
        for _ in range(self.shape[1]):
            rows.append(self.output(self.drop(state)).tanh())
            state = torch.relu(self.again(state))
        return torch.stack(rows, 1).view(-1, self.shape[1], self.shape[0], self.shape[2]).transpose(1, 2)


class PatchSettings(DiscriminatorSettings):
    """Nothing of its own."""


class PatchDiscriminator(DiscriminatorNetwork):
    """One dense layer, and the sum of what it finds."""

    def __init__(self, settings: PatchSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.look = nn.Linear(math.prod(spec.shape), 8)
        self.drop = nn.Dropout(settings.most_dropout)
        self.output = nn.Linear(8, 1)

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        logits: Tensor = self.output(self.drop(torch.relu(self.look(samples.flatten(1)))))
        return logits

    def hidden_layers(self) -> Iterator[nn.Module]:
        yield self.look


ROWS = Architecture("rows", generator=Design(RowSettings, RowGenerator), fits=lambda spec: spec.on_grid)
PATCH = Architecture("patch", discriminator=Design(PatchSettings, PatchDiscriminator))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ARCHITECTURES, "_things", dict(ARCHITECTURES._things))  # others have the usual ones
    ARCHITECTURES.register(ROWS)
    ARCHITECTURES.register(PATCH)


def test_from_the_command_line_to_samples(dropgan: Dropgan, tmp_path: Path, image_file: Path) -> None:
    """Whoever adds an architecture must have to touch nothing but its file: recipes, fine-tuning, freezing
    and export find what they need."""
    own = [
        "--set", "generator.architecture=rows", "--set", "discriminator.architecture=patch",
        "--set", "generator.units=10", "--set", "discriminator.spectral_norm=true",
    ]  # fmt: skip
    machine = ["--recipe=mlp", "--device=cpu", "--precision=fp32", "--threads=1", "--no-score", "--steps=4"]
    run, tuned, model = tmp_path / "run", tmp_path / "tuned", tmp_path / "model.onnx"
    answer = dropgan("train", "--data", image_file, "-o", run, *machine, *own)
    assert answer.code == 0, answer.err
    assert 'architecture = "rows"' in (run / "recipe.toml").read_text()
    assert dropgan("train", "--resume", "-o", run, "--steps=6", "--no-score").code == 0
    frozen = ["--init-from", run, "--set", "discriminator.frozen_layers=1"]
    answer = dropgan("train", "--data", image_file, "-o", tuned, *machine, *own, *frozen)
    assert answer.code == 0, answer.err
    assert dropgan("export", tuned, "-o", model).code == 0
    generator = Generator(model, device="cpu")
    assert generator.card.architecture.name == "rows"
    assert generator.sample(2).shape == (2, 28, 28, 1)


def test_its_settings_are_shown_and_checked(dropgan: Dropgan) -> None:
    """Under the names and with the words that its file gives them."""
    shown = dropgan("train", "--show-recipe", "--set", "generator.architecture=rows")
    assert "# Units of the recurrent layer.\nunits = 12\n" in shown.out
    recipe = change_recipe(load_recipe("mlp"), {"generator.architecture": "rows"})
    with pytest.raises(RecipeError, match=r"generator\.units: .*valid integer, not 'many'"):
        change_recipe(recipe, {"generator.units": "many"})
    with pytest.raises(
        RecipeError, match=r"generator\.hidden in this architecture, but in mlp, conv, resnet"
    ):
        change_recipe(recipe, {"generator.hidden": [8]})
    with pytest.raises(
        RecipeError, match=r"generator\.architecture rows is not for rows of 5 columns: .*mlp"
    ):
        require_fit(recipe, training_kind("vectors").spec((5,), 0, {}))


def test_beside_a_discriminator_of_dropgan(whole_way: WholeWay) -> None:
    """A new generator trains against a discriminator of another architecture, without dropout in the file."""
    samples = whole_way("generator.architecture=rows")
    assert (samples.shape, samples.dtype) == ((10, 28, 28, 1), np.uint8)


def test_half_an_architecture_is_of_one_network(whole_way: WholeWay) -> None:
    """There is no discriminator of rows: it must be refused in the recipe, not missed in the run."""
    with pytest.raises(AssertionError, match="rows"):
        whole_way("discriminator.architecture=rows")
    with pytest.raises(RecipeError, match=r"discriminator\.architecture: .*or 'patch', not 'rows'"):
        change_recipe(load_recipe("mlp"), {"discriminator.architecture": "rows"})
    with pytest.raises(RecipeError, match=r"generator\.architecture: .*or 'rows', not 'patch'"):
        change_recipe(load_recipe("mlp"), {"architecture": "patch"})
    with pytest.raises(ValueError, match="architecture rows exists already"):
        ARCHITECTURES.register(Architecture("rows"))
