"""report.html: one self-contained file, for a screen of any width and for paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dropgan.serve.atomic import write_text
from dropgan.serve.card import ScoreCard

from .charts import make_charts
from .images import Evaluation
from .page import page_environment
from .pictures import make_pictures

_EXPLAINED = {
    "frechet_distance": ("Fréchet distance", "lower is better", "distance of the two clouds of features"),
    "fid": ("FID", "lower is better", "Fréchet distance in Inception's features"),
    "kid": ("Kernel distance (KID)", "lower is better", "0 for equal distributions, may dip below"),
    "inception_score": ("Inception Score", "higher is better", "clear and varied classes, blind to copies"),
    "precision": ("Precision", "higher is better", "share of samples that lie among the data"),
    "recall": ("Recall", "higher is better", "share of the data that lies among the samples"),
    "density": ("Density", "1 is as data", "how deep among the data the samples lie"),
    "class_agreement": (
        "Class agreement",
        "higher is better",
        "share of samples that the classifier takes for the class asked for",
    ),
    "authenticity": (
        "Authenticity (AuthPct)",
        "as real images have",
        "share of samples further from their nearest training image than that is from its own nearest",
    ),
    "c_t": (
        "C_T",
        "near 0",
        "below 0 samples are nearer to training images than held-out ones are, by copies or by crowding",
    ),
    "coverage": ("Coverage", "higher is better", "share of the data that has a sample beside it"),
}


@dataclass(frozen=True)
class ScoreRow:
    """One line of the table of scores."""

    name: str
    better: str
    meaning: str
    deployed: str
    spread: str
    held_out: str
    train_mode: str
    score: ScoreCard


def write_report(evaluation: Evaluation, path: Path | str) -> None:
    """Write the report of an evaluation as one self-contained HTML file.

    Raises:
        OutputError: The file cannot be written.
    """
    material = evaluation.material
    page = (
        page_environment("dropgan.evaluate")
        .get_template("report.html.j2")
        .render(
            evaluation=evaluation,
            card=evaluation.card,
            rows=score_rows(evaluation),
            pictures=make_pictures(material),
            charts=make_charts(material, evaluation.classes),
            reference=material.reference,
            held_out=material.held_out,
        )
    )
    write_text(path, page)


def score_rows(evaluation: Evaluation) -> list[ScoreRow]:
    """Return the table of scores, each with those of held-out images and of train mode."""
    rows = []
    for score in evaluation.scores:
        metric = score.name.removesuffix(f"_{score.features}")
        name, better, meaning = _EXPLAINED[metric]
        rows.append(
            ScoreRow(
                name=name,
                better=better,
                meaning=meaning,
                deployed=_number(score.value),
                spread=_number(score.spread, digits=2),
                held_out=_value(evaluation.held_out_scores, score.name),
                train_mode=_value(evaluation.train_mode_scores, score.name),
                score=score,
            )
        )
    return rows


def _value(scores: Sequence[ScoreCard], name: str) -> str:
    return next((_number(score.value) for score in scores if score.name == name), "")


def _number(value: float, digits: int = 3) -> str:
    """Return significant digits, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".rstrip(".") if abs(value) >= 1e-4 else f"{value:.5f}"
