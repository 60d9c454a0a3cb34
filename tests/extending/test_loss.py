"""A loss from one file: one class, registered, and the whole way from the command line to samples."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from dropgan.train import LOSSES, Loss, RecipeError, change_recipe, load_recipe
from dropgan.train.monitor import Health
from dropgan.train.settings import Incompatible

from ..cli.conftest import Dropgan


class LeastSquares(Loss):
    """Mao et al., "Least squares generative adversarial networks", ICCV 2017."""

    name = "least-squares"
    lost_from = 0.81
    has_limit = False
    incompatible = (
        Incompatible("label smoothing with {loss}", "for the test", lambda r: r.training.label_smoothing > 0),
    )

    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return (real - 1).square().mean() + generated.square().mean()

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return (generated - 1).square().mean()

    def correct(self, real: Tensor, generated: Tensor) -> Tensor:
        return super().correct(real - 0.5, generated - 0.5)


@pytest.fixture(autouse=True)
def least_squares(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(LOSSES, "_things", dict(LOSSES._things))  # other tests have the usual ones
    LOSSES.register(LeastSquares())
    return


def test_from_the_command_line_to_samples(dropgan: Dropgan, tmp_path: Path, image_file: Path) -> None:
    """Whoever adds a loss must have to touch nothing but its class: recipe, metrics and export know it."""
    small = ["--set", "generator.hidden=[8]", "--set", "discriminator.hidden=[8]", "--steps=4"]
    machine = ["--recipe=mlp", "--device=cpu", "--precision=fp32", "--threads=1", "--no-score"]
    loss = ["--set", "training.loss=least-squares", "--set", "output.log_interval=2"]
    run, model = tmp_path / "run", tmp_path / "model.onnx"
    answer = dropgan("train", "--data", image_file, "-o", run, *small, *machine, *loss)
    assert answer.code == 0, answer.err
    assert 'loss = "least-squares"' in (run / "recipe.toml").read_text()
    assert '"accuracy_real"' in (run / "metrics.jsonl").read_text()
    assert dropgan("train", "--resume", "-o", run, "--steps=6", "--no-score").code == 0
    assert dropgan("export", run, "-o", model).code == 0
    assert dropgan("sample", model, "-n", 10, "-o", tmp_path / "samples.npy").code == 0
    samples = np.load(tmp_path / "samples.npy")
    assert (samples.shape, samples.dtype) == ((10, 28, 28, 1), np.uint8)


def test_health_and_incompatible_settings_ask_the_loss() -> None:
    """Its bounds and its rules, not those of another loss."""
    recipe = change_recipe(
        load_recipe("mlp"),
        {"training.loss": "least-squares", "health.won_steps": 100, "health.loss_limit": 1},
    )
    lines = ("discriminator_loss", "generator_loss", "discriminator_weights", "generator_weights")
    health = Health(recipe)
    row = dict.fromkeys(lines, 0.9) | {"accuracy_real": 1.0, "accuracy_generated": 1.0}
    found = [health.look({**row, "discriminator_loss": 7.0, "step": step}) for step in (50, 100, 150)]
    assert [[problem.kind for problem in problems] for problems in found] == [[], ["won"], []]
    with pytest.raises(RecipeError, match='label smoothing with `loss = "least-squares"` is refused'):
        change_recipe(recipe, {"training.label_smoothing": 0.1})


def test_names_are_known_or_refused() -> None:
    """A name that fell through would train another loss than the recipe says."""
    with pytest.raises(
        RecipeError, match=r"training\.loss: Input should be 'non-saturating', .*, not 'nets'"
    ):
        change_recipe(load_recipe("mlp"), {"training.loss": "nets"})
    with pytest.raises(
        RecipeError, match=r"there is no loss nets: use one of non-saturating, .*least-squares"
    ):
        LOSSES["nets"]
    with pytest.raises(ValueError, match="loss least-squares exists already"):
        LOSSES.register(LeastSquares())
