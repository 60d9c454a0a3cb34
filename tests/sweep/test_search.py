"""A search: what it proposes, what it ends early, and that it goes on where it stopped."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from dropgan.serve.errors import MissingExtraError
from dropgan.serve.reporter import Progress, Reporter
from dropgan.sweep import Range, Results, SweepError, search
from dropgan.train import Interrupted, Recipe

from .small import small_sweep

SPACE = {
    "generator.dropout": "0:0.5",
    "generator.learning_rate": "1e-4:1e-2:log",
    "training.batch_size": "4:8",
}
QUICK = {"training.steps": 4, "output.sample_interval": 1, "output.checkpoint_interval": 2}


def distance(data: object, recipe: Recipe) -> Callable[[nn.Module], dict[str, float]]:
    """A score that only hangs on the recipe: least at a dropout of 0.3 in the generator."""
    return lambda _: {"distance": 1 + abs(recipe.generator.dropout - 0.3)}


def searched(directory: Path, data: Path, trials: int, **options: Any) -> Results:
    axes = options.pop("axes", SPACE)
    return small_sweep(
        directory, str(data), axes, **{"trials": trials, "settings": QUICK, "score": distance, **options}
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, image_file: Path) -> Results:
    """Six proposals."""
    return searched(tmp_path_factory.mktemp("searches") / "six", image_file, 6, prune=False)


def test_proposals_are_within_their_ranges(found: Results) -> None:
    """A value outside is one that the user did not ask for; whole numbers stay whole."""
    assert len(found.groups) == len({json.dumps(dict(group.values)) for group in found.groups}) == 6
    for group in found.groups:
        values = group.values
        assert 0 <= values["generator.dropout"] <= 0.5
        assert 1e-4 <= values["generator.learning_rate"] <= 1e-2
        assert values["training.batch_size"] in range(4, 9)
        recipe, _ = group.trials[0][0].run.read_recipe()
        assert recipe.generator.learning_rate == values["generator.learning_rate"]
    assert found.best is not None
    assert found.best.mean == min(group.mean for group in found.groups if group.mean is not None)


def test_a_search_that_stopped_goes_on_as_if_it_had_not(
    found: Results, image_file: Path, tmp_path: Path
) -> None:
    """Killed in its second trial, one process proposes and finds the same; asked for more, it goes on."""

    def stop(progress: Progress) -> None:
        if progress.done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        searched(tmp_path / "s", image_file, 3, prune=False, reporter=Reporter(stop))
    assert len(json.loads((tmp_path / "s" / "proposed.json").read_text())) == 2
    searched(tmp_path / "s", image_file, 3, prune=False)
    searched(tmp_path / "s", image_file, 6, prune=False)
    ours, theirs = ((path / "results.json").read_bytes() for path in (tmp_path / "s", found.path))
    assert ours == theirs


def test_poor_trials_end_early(image_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial that is worse than the median after as many steps costs a quarter of its time, not all."""
    monkeypatch.setattr(search, "_STARTUP", 2)
    axes = {"generator.dropout": [0.3, 0.31, 0.32, 0.45]}
    said: list[str] = []
    results = searched(tmp_path / "s", image_file, 4, axes=axes, reporter=Reporter(say=said.append))
    states = {group.values["generator.dropout"]: group.state for group in results.groups}
    order = [group.values["generator.dropout"] for group in results.groups]
    first, later = order[:2], order[2:]
    assert {states[value] for value in first} == {"finished"}
    median = sum(first) / 2
    assert [states[value] for value in later] == [
        "pruned" if abs(value - 0.3) > abs(median - 0.3) else "finished" for value in later
    ] or "pruned" in states.values()
    pruned = next(group for group in results.groups if group.state == "pruned")
    trial, outcome = pruned.trials[0]
    assert max(row["step"] for row in trial.run.read_metrics()) < 4
    assert outcome is not None
    assert outcome.score is None
    assert results.best is not pruned
    assert any("pruned: at step 1 worse than the median" in line for line in said)


def test_other_seeds_of_what_is_given_up_are_not_trained(image_file: Path, tmp_path: Path) -> None:
    """The second seed of a recipe that diverges would cost its time for nothing."""
    axes = {"health.gradient_limit": [1e-9, 1e6]}
    settings = {**QUICK, "health.rollbacks": 0}
    results = searched(tmp_path / "s", image_file, 2, axes=axes, seeds=2, settings=settings)
    wild = next(group for group in results.groups if group.values["health.gradient_limit"] == 1e-9)
    (_, first), (trial, second) = wild.trials
    assert (first and first.state, second and second.state) == ("diverged", "pruned")
    assert not trial.run.last_checkpoint.exists()
    assert results.best is not None
    assert len(results.best.scores) == 2


@pytest.mark.parametrize(
    ("axes", "trials", "named"),
    [
        ({"generator.dropout": "0:0.5"}, None, "--trials N searches in a range"),
        ({"generator.dropout": "0.5:0"}, 3, "must go from a number to a larger one"),
        ({"generator.dropout": "0:0.5:log"}, 3, "must begin above 0"),
        ({"generator.dropout": "0:0.5:5"}, 3, "LOW:HIGH or LOW:HIGH:log"),
        ({"generator.dropout": Range(0.1, float("inf"))}, 3, "must go from a number"),
        ({"generator.dropout": "0:1.5"}, 3, "generator.dropout=1.5: generator.dropout: Input should be less"),
        ({"generator.dropout": "0,0.1"}, 3, "3 trials of 2 combinations"),
        ({"generator.dropuot": "0:0.1"}, 3, "did you mean generator.dropout?"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, image_file: Path, axes: dict[str, Any], trials: int | None, named: str
) -> None:
    """One line before anything trains."""
    with pytest.raises(SweepError) as error:
        small_sweep(tmp_path / "sweep", str(image_file), axes, trials=trials)
    assert named in str(error.value)
    assert not (tmp_path / "sweep").exists()


def test_a_grid_does_not_become_a_search(found: Results, image_file: Path) -> None:
    """Trials that were proposed and trials of a grid are two questions."""
    with pytest.raises(SweepError, match="search was tpe, now none"):
        small_sweep(found.path, str(image_file), {"generator.dropout": [0, 0.1]}, settings=QUICK)


def test_a_damaged_list_of_proposals_is_named(found: Results, image_file: Path, tmp_path: Path) -> None:
    """What is not understood is refused: guessed values would belong to other trials."""
    (tmp_path / "sweep.json").write_bytes((found.path / "sweep.json").read_bytes())
    (tmp_path / "proposed.json").write_text("[{")
    with pytest.raises(Exception, match=r"proposed\.json is damaged"):
        searched(tmp_path, image_file, 6, prune=False)


def test_without_optuna_one_line_says_so(
    tmp_path: Path, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named before data are read; a grid needs none."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'dropgan\[sweep\]'"):
        searched(tmp_path / "s", image_file, 2)
    results = small_sweep(tmp_path / "g", str(image_file), {"generator.dropout": [0]}, settings=QUICK)
    assert results.complete
