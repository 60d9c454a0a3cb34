"""A sweep's report, of results that were invented: charts and tables hang on numbers alone."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dropgan.sweep.axes import Axis, Range, ends
from dropgan.sweep.charts import make_charts
from dropgan.sweep.points import Point, combinations
from dropgan.sweep.question import Question
from dropgan.sweep.report import write_report
from dropgan.sweep.results import Group, Results
from dropgan.sweep.trial import Outcome, Trial, trial_name
from dropgan.train import DataOptions, RunDirectory
from dropgan.train.networks import SampleSpec

from .small import RECIPE

G, D = "generator.dropout", "discriminator.dropout"


def invented(
    path: Path, axes: Mapping[str, Axis], means: Sequence[float | None], search: str = ""
) -> Results:
    """Combinations in the order of the axes with two seeds around these means; None diverged."""
    groups = []
    places = combinations({key: ends(axis) for key, axis in axes.items()})
    for values, mean in zip(places, means, strict=True):
        point = Point(values, RECIPE, DataOptions(), SampleSpec((1, 8, 8)))
        trials = []
        for seed in (0, 1):
            outcome = Outcome("diverged", None, None, (), "frechet_distance", "the loss has exploded")
            if mean is not None:
                score = mean + seed
                outcome = Outcome("finished", score, 20, ((10, 2 * score), (20, score)), "frechet_distance")
            run = RunDirectory(path / "trials" / trial_name(values, seed))
            trials.append((Trial(point, seed, run), outcome))
        groups.append(Group(values, tuple(trials)))
    question = Question(
        "<b>data</b>", "", DataOptions(), "sha256:0", "", RECIPE.model_dump(mode="json"), dict(axes), (0, 1),
        "cpu", "fp32", 1, search,
    )  # fmt: skip
    return Results(path, question, tuple(groups))


def written(results: Results) -> str:
    write_report(results)
    return (results.path / "report.html").read_text()


def test_a_report_is_one_file_with_everything(tmp_path: Path) -> None:
    """It is sent to somebody who has nothing else: no address is loaded, and no number is missing."""
    page = written(invented(tmp_path, {G: (0, 0.3), D: (0, 0.5)}, [5.0, 3.25, None, 4.0]))
    assert re.findall(r'(?:src|href)="(?!data:image/png)', page) == []
    assert "generator.dropout = 0, discriminator.dropout = 0.5" in page  # the best
    rows = re.findall(r"<tr[^>]*><td>(\d+)</td>(.*?)</tr>", page, re.DOTALL)
    cells = [re.sub(r"<[^>]*>", " ", row).split() for _, row in rows]
    assert cells == [
        ["0", "0.5", "3.75", "0.71", "finished"],
        ["0.3", "0.5", "4.5", "0.71", "+0.75", "±", "0", "finished"],
        ["0", "0", "5.5", "0.71", "+1.75", "±", "0", "finished"],
        ["0.3", "0", "diverged"],
    ]
    assert page.count("the loss has exploded") == 2
    assert "&lt;b&gt;data&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("axes", "means", "titles"),
    [
        ({G: (0, 0.3, 0.5)}, [3, 2, None], ["frechet_distance over generator.dropout"]),
        ({G: (0.3,)}, [3], []),
        ({G: (0, 0.3), D: (0, 0.5)}, [3, 2, None, 4], ["generator.dropout and discriminator.dropout"]),
        ({G: (0,), D: (0, 0.5)}, [3, 2], ["frechet_distance over discriminator.dropout"]),
        (
            {G: (0, 0.3), D: (0, 0.5), "training.loss": ("hinge", "non-saturating")},
            [3, 2, None, 4, 5, 6, 7, 8],
            [f"{G} and {D}, training.loss={loss}" for loss in ("hinge", "non-saturating")],
        ),
    ],
)  # fmt: skip
def test_charts_of_a_grid(
    tmp_path: Path, axes: dict[str, Any], means: list[float | None], titles: list[str]
) -> None:
    """A line over one axis, a map of two, a map for each value of a third; and the curves."""
    charts = make_charts(invented(tmp_path, axes, means))
    assert [chart.title for chart in charts] == [*titles, "frechet_distance in training"]
    assert all(chart.png.startswith(b"\x89PNG") for chart in charts)


def test_charts_of_a_search(tmp_path: Path) -> None:
    """Every combination by its value of each axis, ranges and choices alike."""
    axes = {
        G: Range(0, 0.5),
        "generator.learning_rate": Range(1e-4, 1e-2, log=True),
        "training.loss": ("a", "b"),
    }
    results = invented(tmp_path, axes, [1, 2, 3, None, 5, 6, 7, 8], "tpe")
    charts = make_charts(results)
    assert [chart.title for chart in charts] == [
        *(f"frechet_distance over {key}" for key in axes), "frechet_distance in training"
    ]  # fmt: skip
    assert "A search of 8 combinations" in written(results)


def test_nothing_finished_is_a_report_too(tmp_path: Path) -> None:
    """A sweep of which all diverged is when somebody looks most."""
    page = written(invented(tmp_path, {G: (0, 0.3)}, [None, None]))
    assert "No combination is finished with every seed" in page
