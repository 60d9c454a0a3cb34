"""The figures and tables of docs/dropout.md from the recorded runs; it trains nothing.

    python benchmarks/dropout_figures.py

docs/study/dropout.md.j2 is the page with the numbers left out; docs/dropout.md is what this makes of it.
"""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

try:
    from .dropout_plan import EARLIER_GAP, EARLIER_REMEDIES, EARLIER_STEPS, rates
    from .dropout_study import RUNS, read
except ImportError:  # run as a file
    from dropout_plan import EARLIER_GAP, EARLIER_REMEDIES, EARLIER_STEPS, rates  # type: ignore[import-not-found,no-redef]
    from dropout_study import RUNS, read  # type: ignore[import-not-found,no-redef]

DOCS = Path(__file__).parents[1] / "docs"
TEMPLATE, PAGE, PICTURE = (
    DOCS / "study" / "dropout.md.j2",
    DOCS / "dropout.md",
    DOCS / "pictures" / "dropout.png",
)
_STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # 97.5 % quantile of t, by the number of values

Row = dict[str, Any]


class Study:
    """The recorded runs, asked by settings."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def runs(self, images: int, settings: dict[str, Any], steps: int = EARLIER_STEPS) -> dict[int, Row]:
        """The runs of those settings by seed."""
        return {
            row["seed"]: row
            for row in self._rows
            if (row["images"], row["settings"], row["steps"]) == (images, settings, steps)
        }

    def seeds(self, images: int, settings: dict[str, Any], steps: int = EARLIER_STEPS) -> int:
        """How many there are."""
        return len(self.runs(images, settings, steps))

    def mean(
        self, what: str, images: int, settings: dict[str, Any], steps: int = EARLIER_STEPS, digits: int = 2
    ) -> str:
        """Mean over seeds, and the range."""
        values = [row[what] for row in self.runs(images, settings, steps).values()]
        if not values:
            return "not run"
        spread = (
            f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else " (one seed)"
        )
        return f"{statistics.fmean(values):.{digits}f}{spread}"

    def difference(
        self,
        what: str,
        images: int,
        settings: dict[str, Any],
        baseline: dict[str, Any],
        steps: int = EARLIER_STEPS,
        digits: int = 2,
    ) -> str:
        """Mean difference to a baseline, taken seed by seed, with its 95 % interval."""
        ones, others = self.runs(images, settings, steps), self.runs(images, baseline, steps)
        apart = [ones[seed][what] - others[seed][what] for seed in sorted(ones.keys() & others.keys())]
        if not apart:
            return "not run"
        if len(apart) == 1:
            return f"{apart[0]:+.{digits}f} (one seed)"
        half = _STUDENT[len(apart)] * statistics.stdev(apart) / math.sqrt(len(apart))
        return f"{statistics.fmean(apart):+.{digits}f} ± {half:.{digits}f}"

    def worse(self, images: int, settings: dict[str, Any], baseline: dict[str, Any]) -> str:
        """On how many seeds the distance is higher than the baseline's."""
        ones, others = self.runs(images, settings), self.runs(images, baseline)
        seeds = ones.keys() & others.keys()
        higher = sum(ones[seed]["distance"] > others[seed]["distance"] for seed in seeds)
        return f"{higher} of {len(seeds)}"

    def gap(self, settings: dict[str, Any], images: int = 500) -> str:
        """The distance with dropout acting over the one in use, mean over seeds; 0 where none acts."""
        values = self.gaps(settings, images)
        return f"{statistics.fmean(values):+.2f}" if values else "not run"

    def gaps(self, settings: dict[str, Any], images: int = 500) -> list[float]:
        """`gap` of each seed."""
        runs = self.runs(images, settings).values()
        return [row.get("train_distance", row["distance"]) - row["distance"] for row in runs]

    def share_of_gap(self, settings: dict[str, Any]) -> str:
        """What is left of the gap, of the same seeds, as a percentage."""
        seeds = self.runs(500, settings).keys()
        before = [
            row["train_distance"] - row["distance"]
            for seed, row in self.runs(500, EARLIER_GAP).items()
            if seed in seeds
        ]
        return f"{100 * sum(map(abs, self.gaps(settings))) / sum(before):.0f} %" if seeds else "not run"


def page(study: Study) -> str:
    """docs/dropout.md."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    made: str = template.render(
        study=study, rates=rates, GAP=EARLIER_GAP, REMEDIES=EARLIER_REMEDIES, STEPS=EARLIER_STEPS
    )
    return made


def draw(study: Study, path: Path) -> None:
    """Distance by both rates on 500 images, and distance and overfitting by the discriminator's rate."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.1), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    heat, distance, knows = figure.subplots(1, 3)
    across, up = (0.0, 0.2, 0.5), (0.0, 0.5)

    def middle(what: str, images: int, settings: dict[str, Any]) -> float:
        return statistics.fmean(row[what] for row in study.runs(images, settings).values())

    values = [[middle("distance", 500, rates(p, q)) for q in across] for p in up]
    heat.imshow(values, cmap="viridis_r", aspect="auto", origin="lower")
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            heat.text(x, y, f"{value:.1f}", ha="center", va="center", color="white")
    heat.set_xticks(range(len(across)), [f"{p:g}" for p in across])
    heat.set_yticks(range(len(up)), [f"{p:g}" for p in up])
    heat.set_xlabel("dropout in the discriminator")
    heat.set_ylabel("dropout in the generator")
    heat.set_title("Distance, 500 images", fontsize=10)
    for what, plot, title in (
        ("distance", distance, "Distance, none in the generator"),
        ("knows_training", knows, "Knows its training images"),
    ):
        for images, style in ((500, "o-"), (2000, "s--"), (8000, "^:")):
            points = [p for p in across if study.runs(images, rates(0.0, p))]
            means = [middle(what, images, rates(0.0, p)) for p in points]
            plot.plot(points, means, style, label=f"{images:,} images", lw=1.2, ms=4)
        plot.set_title(title, fontsize=10)
        plot.set_xlabel("dropout in the discriminator")
        plot.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    study = Study(read(RUNS))
    PAGE.write_text(page(study), "utf-8")
    draw(study, PICTURE)
    print(f"{PAGE} and {PICTURE} are made")


if __name__ == "__main__":
    main()
