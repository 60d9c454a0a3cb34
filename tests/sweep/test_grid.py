"""A grid: every combination with every seed, and what is made of them."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropgan.serve.reporter import SILENT, Progress, Reporter
from dropgan.sweep import Results, SweepError, sweep
from dropgan.sweep.trial import Outcome
from dropgan.train import Interrupted, RunDirectory, RunError, load_recipe, train

from ..train.small_runs import WeightScore, made, same_weights
from .small import RECIPE, SCORE, small_sweep

AXES = {"generator.dropout": [0, 0.3], "discriminator.dropout": "0,0.5"}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, image_file: Path) -> Results:
    """Two by two combinations, two seeds."""
    return small_sweep(tmp_path_factory.mktemp("sweeps") / "grid", str(image_file), AXES, seeds=2)


def test_every_combination_is_trained_with_every_seed(swept: Results) -> None:
    """A cell of the grid that is missing is a hole in a study that nobody sees."""
    cells = [(g, d, seed) for g in (0, 0.3) for d in (0, 0.5) for seed in (0, 1)]
    found = [(*trial.values.values(), trial.seed) for trial, _ in swept.trials]
    assert sorted(found) == sorted(cells)
    assert swept.complete
    for trial, outcome in swept.trials:
        recipe, _ = trial.run.read_recipe()
        assert (recipe.generator.dropout, recipe.discriminator.dropout, recipe.training.seed) == (
            *trial.values.values(),
            trial.seed,
        )
        scores = {row["step"]: row["score"] for row in trial.run.read_metrics() if "score" in row}
        assert outcome is not None
        assert outcome.score == min(scores.values()) == scores[outcome.step]


def test_a_trial_is_an_ordinary_run(swept: Results, tmp_path: Path, image_file: Path) -> None:
    """What a trial found must be found again by `dropgan train` with its settings, or it means nothing."""
    trial, _ = swept.trials[-1]
    assert trial.name == "generator.dropout=0.3_discriminator.dropout=0.5_seed=1"
    again = train(
        tmp_path / "again",
        trial.recipe,
        data=str(image_file),
        device="cpu",
        precision="fp32",
        threads=1,
        score=SCORE,
    )
    assert same_weights(trial.run, again)
    assert same_weights(trial.run, again, "best")


def test_results_are_of_the_trials(swept: Results) -> None:
    """Means, spreads and differences in results.json are those of the scores beside them."""
    results = json.loads((swept.path / "results.json").read_text())
    with (swept.path / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results["trials"]) == 8
    best = min(results["combinations"], key=lambda one: one["mean"])
    assert results["best"]["values"] == best["values"]
    for one in results["combinations"]:
        mine = [
            float(row["score"])
            for row in rows
            if {key: float(row[key]) for key in one["values"]} == one["values"]
        ]
        assert one["mean"] == pytest.approx(np.mean(mine))
        assert one["deviation"] == pytest.approx(np.std(mine, ddof=1))
        apart = [one["scores"][seed] - best["scores"][seed] for seed in ("0", "1")]
        assert one["above_best"]["mean"] == pytest.approx(np.mean(apart))
        assert one["above_best"]["deviation"] == pytest.approx(np.std(apart, ddof=1))


def test_the_best_is_a_recipe(swept: Results) -> None:
    """best.toml is what one goes on with: its values, and all else as in the sweep."""
    assert swept.best is not None
    recipe = load_recipe(str(swept.path / "best.toml"))
    assert recipe == swept.best.trials[0][0].point.recipe
    assert recipe.generator.dropout == swept.best.values["generator.dropout"]


def test_the_same_command_again_trains_nothing(swept: Results, image_file: Path) -> None:
    """Whoever repeats a sweep that is done must have its results at once, and the same."""
    before = (swept.path / "results.json").read_bytes()
    said: list[dict[str, Any]] = []
    again = small_sweep(swept.path, str(image_file), AXES, seeds=2, reporter=Reporter(metrics=said.append))
    assert said == []
    assert again.as_dict() == swept.as_dict()
    assert (swept.path / "results.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"axes": AXES | {"generator.dropout": [0, 0.4]}}, "axis generator.dropout was 0,0.3, now 0,0.4"),
        ({"axes": {"generator.dropout": [0, 0.3]}}, "axis discriminator.dropout was 0,0.5, now none"),
        ({"seeds": 3}, "seeds were 2, now 3"),
        ({"settings": {"training.steps": 30}}, "training.steps was 20, now 30"),
        ({"settings": {"training.seed": 4}}, "training.seed was 0, now 4"),
        ({"threads": 2}, "threads was 1, now 2"),
        ({"precision": "bf16"}, "precision was fp32, now bf16"),
        ({"data": "fashion-mnist-10k"}, "data was "),
    ],
)  # fmt: skip
def test_another_sweep_is_refused(
    swept: Results, image_file: Path, change: dict[str, Any], named: str
) -> None:
    """Results of two questions in one table would be silent nonsense; the message says what differs."""
    asked = {"data": str(image_file), "axes": AXES, "seeds": 2, **change}
    before = (swept.path / "results.json").read_bytes()
    with pytest.raises(SweepError, match="holds another sweep") as error:
        small_sweep(swept.path, asked.pop("data"), asked.pop("axes"), **asked)
    assert named in str(error.value)
    assert "\n" not in str(error.value)
    assert (swept.path / "results.json").read_bytes() == before


def test_data_that_changed_are_refused(tmp_path: Path) -> None:
    """The same name with other images in it would make the second half of the grid another study."""
    random = np.random.default_rng(0)
    data = tmp_path / "data.npy"
    np.save(data, random.integers(0, 255, (30, 8, 8)).astype(np.uint8))
    small_sweep(tmp_path / "sweep", str(data), {"generator.dropout": [0]})
    np.save(data, random.integers(0, 255, (30, 8, 8)).astype(np.uint8))
    with pytest.raises(SweepError, match="the data were sha256"):
        small_sweep(tmp_path / "sweep", str(data), {"generator.dropout": [0]})


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path, image_file: Path) -> None:
    """A run, or somebody's pictures, must not get a sweep between them."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="not a sweep"):
        small_sweep(tmp_path, str(image_file), {"generator.dropout": [0]})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_trial_that_diverges_is_recorded(tmp_path: Path, image_file: Path) -> None:
    """It ends neither the sweep nor the table: the others are trained, and it is said why it is not."""
    said: list[str] = []
    results = small_sweep(
        tmp_path / "sweep", str(image_file), {"health.gradient_limit": [1e-9, 1e6]},
        settings={"health.rollbacks": 0}, reporter=Reporter(say=said.append),
    )  # fmt: skip
    wild, good = results.groups
    assert (wild.state, good.state) == ("diverged", "finished")
    assert results.best is good
    _, outcome = wild.trials[0]
    assert outcome is not None
    assert outcome.score is None
    assert "exploded" in outcome.message
    assert any("diverged: training has gone wrong" in line for line in said)


def test_a_combination_that_diverged_once_is_not_the_best(tmp_path: Path, image_file: Path) -> None:
    """Two good seeds of three are luck: such a recipe fails whoever takes it up."""
    axes = {"generator.dropout": [0, 0.3]}
    results = small_sweep(tmp_path / "sweep", str(image_file), axes, seeds=2)
    first = results.best
    assert first is not None
    trial, _ = first.trials[1]
    trial.record(Outcome("diverged", None, None, (), "weight", "went wrong"))
    again = small_sweep(tmp_path / "sweep", str(image_file), axes, seeds=2)
    assert again.best is not None
    assert again.best.values != first.values
    assert [group.state for group in again.ranked] == ["finished", "diverged"]
    recipe = load_recipe(str(tmp_path / "sweep" / "best.toml"))
    assert recipe.generator.dropout == again.best.values["generator.dropout"]


def test_nothing_finite_is_nothing_best(tmp_path: Path, image_file: Path) -> None:
    """A score that is no number is no score."""
    results = small_sweep(
        tmp_path / "sweep", str(image_file), {"generator.dropout": [0]},
        score=made(WeightScore(lambda _: float("nan"))), reporter=SILENT,
    )  # fmt: skip
    assert results.groups[0].state == "diverged"
    assert results.best is None
    assert not (tmp_path / "sweep" / "best.toml").exists()


def test_the_number_of_samples_is_an_axis(tmp_path: Path, image_file: Path) -> None:
    """What dropout is worth hangs on how much data there is."""
    results = small_sweep(tmp_path / "sweep", str(image_file), {"data.limit": "20,200"})
    counts = [trial.run.read_data(SILENT).samples.shape[0] for trial, _ in results.trials]
    assert counts == [20, 200]
    assert [trial.name for trial, _ in results.trials] == ["data.limit=20_seed=0", "data.limit=200_seed=0"]


def test_data_in_memory_are_swept(tmp_path: Path) -> None:
    """An array in a notebook has no file that a trial could read again."""
    images = np.random.default_rng(0).integers(0, 255, (30, 8, 8)).astype(np.uint8)
    first = small_sweep(tmp_path / "sweep", images, {"generator.dropout": [0, 0.5]})
    again = small_sweep(tmp_path / "sweep", images, {"generator.dropout": [0, 0.5]})
    assert first.as_dict() == again.as_dict()


def test_a_run_that_was_there_goes_on(tmp_path: Path, image_file: Path) -> None:
    """A trial that was stopped half-way ends as one that was not."""
    whole = small_sweep(tmp_path / "whole", str(image_file), {"generator.dropout": [0.3]})
    trial, outcome = whole.trials[0]

    def stop(progress: Progress) -> None:
        if progress.done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="0 of 1 trials have ended, everything is saved; run the same"):
        small_sweep(
            tmp_path / "parts", str(image_file), {"generator.dropout": [0.3]}, reporter=Reporter(stop)
        )
    parts = RunDirectory(tmp_path / "parts" / "trials" / trial.name)
    assert max(row["step"] for row in parts.read_metrics()) == 10
    again = small_sweep(tmp_path / "parts", str(image_file), {"generator.dropout": [0.3]})
    assert again.trials[0][1] == outcome
    assert same_weights(parts, trial.run)


def test_the_recipe_is_chosen_once(tmp_path: Path, image_file: Path) -> None:
    """Chosen by each number of samples alone, a sweep over them could compare two architectures."""
    said: list[str] = []
    settings = {**RECIPE_SETTINGS, "conditional": False}
    results = small_sweep(
        tmp_path / "sweep", str(image_file), {"data.limit": "20,200"}, "auto", settings=settings,
        reporter=Reporter(say=said.append),
    )  # fmt: skip
    assert len({trial.recipe.name for trial, _ in results.trials}) == 1
    assert sum("recipe" in line for line in said) == 1


RECIPE_SETTINGS = {"training.steps": 2, "training.batch_size": 4, "output.sample_interval": 2}


def test_sweep_is_called_by_its_name(tmp_path: Path, image_file: Path) -> None:
    """`dropgan.sweep(...)`, as `dropgan.train(...)`."""
    import dropgan

    assert dropgan.sweep is not sweep  # the subpackage, which can be called
    options = {"device": "cpu", "precision": "fp32", "threads": 1, "score": SCORE}
    results = dropgan.sweep(
        tmp_path / "a", {"generator.dropout": [0]}, RECIPE, data=str(image_file), **options
    )
    assert isinstance(results, Results)
