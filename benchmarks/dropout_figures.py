"""Make the figures and tables of docs/dropout.md from the recorded runs, without training.

    python benchmarks/dropout_figures.py

docs/study/dropout.md.j2 is the page without its numbers. This script makes docs/dropout.md from it.
"""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

try:
    from . import dropout_plan as plan
    from .dropout_plan import STEPS, Settings, Trial, rates
    from .dropout_study import RUNS, read
except ImportError:  # run as a file
    import dropout_plan as plan  # type: ignore[import-not-found,no-redef]
    from dropout_plan import STEPS, Settings, Trial, rates  # type: ignore[import-not-found,no-redef]
    from dropout_study import RUNS, read  # type: ignore[import-not-found,no-redef]

DOCS = Path(__file__).parents[1] / "docs"
TEMPLATE, PAGE, PICTURE = (
    DOCS / "study" / "dropout.md.j2",
    DOCS / "dropout.md",
    DOCS / "pictures" / "dropout.png",
)
_STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # 97.5 % quantile of t, by the number of values

Row = dict[str, Any]
Runs = dict[int, Row]
"""The runs that differ in nothing but the seed, by seed."""


class Study:
    """The recorded runs, asked by settings."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._runs: dict[str, Runs] = {}
        for row in rows:
            trial = Trial.of(row)
            self._runs.setdefault(_without_seed(trial), {})[trial.seed] = row

    def at(self, images: int, settings: Settings, steps: int = STEPS, **more: str) -> Runs:
        """The runs of those settings; of recipe mlp on clothes on a CPU, unless more is said."""
        return self._runs.get(_without_seed(Trial("", images, 0, steps, settings, **more)), {})

    def mean(self, what: str, runs: Runs, digits: int = 2) -> str:
        """Mean over seeds, and the range."""
        values = [row[what] for row in runs.values()]
        if not values:
            return "not run"
        low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
        spread = f" ({low} to {high})" if len(values) > 1 else " (one seed)"
        return f"{statistics.fmean(values):.{digits}f}{spread}"

    def difference(self, what: str, runs: Runs, baseline: Runs, digits: int = 2) -> str:
        """Mean difference to a baseline, taken seed by seed, with its 95 % interval."""
        apart = self.apart(what, runs, baseline)
        if not apart:
            return "not run"
        if len(apart) == 1:
            return f"{apart[0]:+.{digits}f} (one seed)"
        half = _STUDENT[len(apart)] * statistics.stdev(apart) / math.sqrt(len(apart))
        return f"{statistics.fmean(apart):+.{digits}f} ± {half:.{digits}f}"

    def apart(self, what: str, runs: Runs, baseline: Runs) -> list[float]:
        """The differences of the seeds that both have, made by machines of one kind."""
        return [
            runs[seed][what] - baseline[seed][what]
            for seed in sorted(runs.keys() & baseline.keys())
            if _machine(runs[seed]) == _machine(baseline[seed])
        ]

    def higher(self, what: str, runs: Runs, baseline: Runs) -> str:
        """On how many seeds it is higher than the baseline's."""
        apart = self.apart(what, runs, baseline)
        return f"{sum(value > 0 for value in apart)} of {len(apart)}"

    def lower(self, what: str, runs: Runs, baseline: Runs) -> str:
        """On how many seeds it is lower."""
        apart = self.apart(what, runs, baseline)
        return f"{sum(value < 0 for value in apart)} of {len(apart)}"

    def best_fixed(self, images: int) -> float:
        """The fixed rate in the discriminator with the lowest mean distance."""
        return min(
            (rate for rate in plan.FIXED if self.at(images, rates(0.0, rate))),
            key=lambda rate: average("distance", self.at(images, rates(0.0, rate))),
        )

    def percent(self, what: str, runs: Runs, baseline: Runs) -> str:
        """The mean over that of a baseline, as a signed percentage."""
        return f"{100 * (average(what, runs) / average(what, baseline) - 1):+.0f} %" if runs else "not run"

    def gap(self, runs: Runs) -> str:
        """The mean of `gaps`, and their range."""
        return self.mean("gap", {seed: {"gap": gap} for seed, gap in zip(runs, gaps(runs), strict=True)})

    def machines(self) -> list[str]:
        """On what all was made."""
        return sorted({_machine(row) for runs in self._runs.values() for row in runs.values()})

    def count(self) -> int:
        """Of all runs."""
        return sum(len(runs) for runs in self._runs.values())


def average(what: str, runs: Runs) -> float:
    """Mean over seeds."""
    return statistics.fmean(row[what] for row in runs.values())


def gaps(runs: Runs) -> list[float]:
    """The distance with dropout acting less the one in use, by seed; 0 where none acts."""
    return [row.get("train_distance", row["distance"]) - row["distance"] for row in runs.values()]


def left_of(runs: Runs, before: Runs) -> str:
    """The mean size of the gap over that before, of the seeds that both have, as a percentage."""
    seeds = runs.keys() & before.keys()
    if not seeds:
        return "not run"
    sizes = [
        statistics.fmean(map(abs, gaps({seed: some[seed] for seed in seeds}))) for some in (runs, before)
    ]
    return f"{100 * sizes[0] / sizes[1]:.0f} %"


def page(study: Study) -> str:
    """docs/dropout.md."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text("utf-8"))

    def beside(name: str, rate: float) -> Runs:
        return study.at(500, plan.joined(rates(0.0, rate), plan.REGULARISERS[name]), plan.BESIDE_STEPS)

    made: str = template.render(
        study=study, at=study.at, beside=beside, plan=plan, rates=rates, gaps=gaps, left_of=left_of
    )
    return made


def draw(study: Study, path: Path) -> None:
    """Distance and leaning to training images by the discriminator's rate, and a map of both rates."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.1), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    distance, leans, heat = figure.subplots(1, 3)
    for plot, what, title in (
        (distance, "distance", "Distance, 500 images"),
        (leans, "nearer_in_pixels", "Leans to its training images"),
    ):
        points = [q for q in plan.FIXED if study.at(500, rates(0.0, q))]
        means = [average(what, study.at(500, rates(0.0, q))) for q in points]
        plot.plot(points, means, "o-", lw=1.2, ms=4, label="fixed")
        for name, mark in zip(plan.AUTO, "*^sv", strict=False):
            if steered := study.at(500, plan.AUTO[name]):
                where = average("mean_probability", steered)
                plot.plot(where, average(what, steered), mark, ms=8, label=name)
        plot.set_title(title, fontsize=10)
        plot.set_xlabel("dropout in the discriminator (auto: its mean)", fontsize=8)
        plot.legend(frameon=False, fontsize=7)
    across, up = plan.DISCRIMINATOR, plan.GENERATOR
    values = [
        [average("distance", study.at(500, rates(p, q), plan.BESIDE_STEPS)) for q in across] for p in up
    ]
    heat.imshow(values, cmap="viridis_r", aspect="auto", origin="lower")
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            dark = value > (min(map(min, values)) + max(map(max, values))) / 2
            heat.text(x, y, f"{value:.1f}", ha="center", va="center", color="white" if dark else "black")
    heat.set_xticks(range(len(across)), [f"{q:g}" for q in across])
    heat.set_yticks(range(len(up)), [f"{p:g}" for p in up])
    heat.set_xlabel("dropout in the discriminator", fontsize=8)
    heat.set_ylabel("dropout in the generator", fontsize=8)
    heat.set_title(f"Distance, 500 images, {plan.BESIDE_STEPS:,} steps", fontsize=10)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    study = Study(read(RUNS))
    PAGE.write_text(page(study), "utf-8")
    draw(study, PICTURE)
    print(f"{PAGE} and {PICTURE} are made")


def _without_seed(trial: Trial) -> str:
    return Trial("", trial.images, 0, trial.steps, trial.settings, trial.recipe, trial.data, trial.device).key


def _machine(row: Row) -> str:
    return str(row["gpu"] or row["processor"])


if __name__ == "__main__":
    main()
