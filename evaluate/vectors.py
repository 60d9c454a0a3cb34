"""Scores of generated vectors, in the space in which every column of the real ones has mean 0 and
standard deviation 1.

- ``frechet_distance_vectors``: between normal distributions fitted to both sides (equation 6 of
  Heusel et al., NeurIPS 2017, on the columns in place of features): means, spreads, correlations.
- ``wasserstein_vectors``: for each column the area between the two distribution functions, which is
  the Wasserstein-1 distance in one dimension, in standard deviations; the mean over the columns.
- ``ks_vectors``: for each column the largest difference of the two distribution functions
  (Kolmogorov-Smirnov), 0 to 1; the largest over the columns.
- ``correlation_difference_vectors``: mean absolute difference of the columns' correlations.
- precision, recall, density and coverage as for images (`manifold`).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import Card, ScoreCard
from dropgan.serve.errors import InputError
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train.data import VectorData

from .copies import CopyTest, copy_test
from .distances import bootstrap_draws, frechet_distance
from .findings import GOOD, PROBLEM, Finding, copying, verdict
from .manifold import K, manifold_scores
from .memorisation import NeighbourTest, neighbour_test

_MOST_REAL = 50_000
_MOST_MANIFOLD = 10_000
_FAR = 3.0  # times what held-out rows score, or else in standard deviations
SPACE = "vectors"
"""The name of the scores' space."""


@dataclass(frozen=True)
class ColumnScore:
    """How one column's distribution differs from the real one's."""

    name: str
    """The column."""
    wasserstein: float
    """Wasserstein-1 distance, in the real column's standard deviations."""
    ks: float
    """Largest difference of the distribution functions, 0 to 1."""


@dataclass(frozen=True)
class VectorEvaluation:
    """Result of an evaluation of vectors."""

    model: str
    """Name of the file or run."""
    card: Card
    """The card of the file."""
    features: str
    """What scores are taken in."""
    samples: int
    """Generated samples."""
    seed: int
    """Seed of the samples."""
    verdict: str
    """One line."""
    findings: tuple[Finding, ...]
    """Findings in sentences, problems first."""
    scores: tuple[ScoreCard, ...]
    """Scores of the deployed file, the Fréchet distance first."""
    held_out_scores: tuple[ScoreCard, ...]
    """Scores of held-out real rows in place of samples."""
    columns: tuple[ColumnScore, ...]
    """Each column on its own, in the order of the data."""
    copies: tuple[CopyTest, ...]
    """The test for copies of training rows; empty where the data is not what the model was trained on."""
    neighbours: tuple[NeighbourTest, ...]
    """Whether samples lean towards the training rows; empty without held-out rows."""
    left_out: dict[str, str]
    """What was not measured, and why."""

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for ``--json``."""
        return dataclasses.asdict(self)


def evaluate_vectors(
    model: Generator,
    data: VectorData,
    *,
    samples: int = 10_000,
    seed: int = 1,
    held_out: VectorData | None = None,
    name: str = "",
    reporter: Reporter = LOGGED,
) -> VectorEvaluation:
    """Evaluate an exported generator of vectors against real rows.

    Args:
        model: The generator.
        data: The real rows to compare with, usually those the model was trained on.
        samples: Number of generated samples; fewer bias the Fréchet distance upwards.
        seed: Seed of the samples.
        held_out: Rows of the same kind that the model never saw. They show what real rows score.
        name: Name of the model.
        reporter: Receives progress and messages.

    Raises:
        InputError: The model makes images, the columns differ, or there are too few rows.
    """
    _require_fit(model, data, held_out)
    if samples < 2 * K:
        raise InputError(f"scores need at least {2 * K} samples, not {samples}")
    reporter.say(f"comparing {samples:,} samples with {len(data):,} rows of {data.name}")
    split = "training" if data.fingerprint == model.card.data.fingerprint else "other"
    space = _Space(data, split, seed)
    made = space.standard(model.sample(samples, seed=seed))
    scores = space.scores(made, mode="deployed")
    columns = space.columns(made)
    left_out: dict[str, str] = {}
    held_out_scores: tuple[ScoreCard, ...] = ()
    neighbours: tuple[NeighbourTest, ...] = ()
    of_held_out: tuple[ColumnScore, ...] = ()
    if held_out is None:
        left_out["held-out rows"] = "there are none: --held-out shows what real rows score"
    else:
        unseen = space.standard(_evenly(held_out.vectors, _MOST_REAL))
        held_out_scores, of_held_out = space.scores(unseen, mode="real"), space.columns(unseen)
        if split == "training":
            neighbours = (neighbour_test(made, space.reals, unseen, space=SPACE, seed=seed & 0xFFFFFFFF),)
    copies: tuple[CopyTest, ...] = ()
    if split == "training":
        copies = (copy_test(made, space.reals, space=SPACE, seed=seed & 0xFFFFFFFF),)
    else:
        left_out["copies"] = "the data is not what the model was trained on (other fingerprint)"
    findings = _find(columns, copies, neighbours, of_held_out)
    return VectorEvaluation(
        name or data.name,
        model.card,
        "the columns, each in its own standard deviations",
        samples,
        seed,
        verdict(findings, "row"),
        findings,
        scores,
        held_out_scores,
        columns,
        copies,
        neighbours,
        left_out,
    )


class _Space:
    """The real rows, standardised, and what other rows score against them."""

    def __init__(self, data: VectorData, split: str, seed: int) -> None:
        self._data, self._split, self._seed = data, split, seed
        self.reals = self.standard(_evenly(data.vectors, _MOST_REAL))

    def standard(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rows in their own units to rows in the real columns' standard deviations."""
        return ((rows - self._data.mean) / self._data.scale).astype(np.float32)

    def columns(self, made: NDArray[np.float32]) -> tuple[ColumnScore, ...]:
        return tuple(
            ColumnScore(
                name,
                *compare_column(self.reals[:, place], made[:, place]),
            )
            for place, name in enumerate(self._data.columns)
        )

    def scores(self, made: NDArray[np.float32], *, mode: str) -> tuple[ScoreCard, ...]:
        draws = self._seed & 0xFFFFFFFF
        columns = self.columns(made)
        distance = frechet_distance(self.reals, made, seed=draws)
        mean = float(np.mean([column.wasserstein for column in columns]))
        bootstrap = f"{bootstrap_draws(made.shape[1])} bootstrap draws"
        found = [
            self._card("frechet_distance", distance, bootstrap, mode, made),
            self._card("wasserstein", (mean, 0.0), "", mode, made),
            self._card("ks", (max(c.ks for c in columns), 0.0), "", mode, made),
        ]
        if made.shape[1] > 1:
            apart = np.abs(np.corrcoef(self.reals.T) - np.corrcoef(made.T))
            value = float(np.nanmean(apart[np.triu_indices(made.shape[1], 1)]))
            found.append(self._card("correlation_difference", (value, 0.0), "", mode, made))
        reals, fakes = _evenly(self.reals, _MOST_MANIFOLD), _evenly(made, _MOST_MANIFOLD)
        if min(len(reals), len(fakes)) > K:
            manifold = manifold_scores(reals, fakes)
            for metric in ("precision", "recall", "density", "coverage"):
                found.append(self._card(metric, getattr(manifold, metric), "standard error", mode, fakes))
        return tuple(found)

    def _card(
        self, metric: str, value: tuple[float, float], spread_of: str, mode: str, made: NDArray[np.float32]
    ) -> ScoreCard:
        return ScoreCard(
            name=f"{metric}_{SPACE}",
            value=value[0],
            samples=len(made),
            reference=f"{len(self._data):,} of {self._data.name}",
            reference_samples=len(self.reals),
            features=SPACE,
            split=self._split,
            mode=mode,
            seed=self._seed,
            spread=value[1],
            spread_of=spread_of,
        )


def compare_column(real: NDArray[np.floating], made: NDArray[np.floating]) -> tuple[float, float]:
    """Area between the two distribution functions (Wasserstein-1), and their largest difference (KS).

    Args:
        real: One column's values.
        made: Generated ones, as many or not.
    """
    values = np.sort(np.concatenate((real, made)).astype(np.float64))
    apart = np.abs(
        np.searchsorted(np.sort(real), values, side="right") / len(real)
        - np.searchsorted(np.sort(made), values, side="right") / len(made)
    )
    return float((apart[:-1] * np.diff(values)).sum()), float(apart.max())


def _find(
    columns: tuple[ColumnScore, ...],
    copies: tuple[CopyTest, ...],
    neighbours: tuple[NeighbourTest, ...],
    usual: tuple[ColumnScore, ...],
) -> tuple[Finding, ...]:
    findings = list(copying(copies, neighbours, "row"))
    columns = tuple(sorted(columns, key=lambda column: -column.ks))
    worst = columns[0]
    level = max((column.ks for column in usual), default=0.0)
    off = tuple(column.name for column in columns if column.ks > max(0.1, _FAR * level))
    if off:
        findings.append(
            Finding(
                "columns",
                PROBLEM,
                f"Column {worst.name} is off: its distribution function differs from the data's by"
                f" {worst.ks:.2f} at most, its Wasserstein distance is {worst.wasserstein:.2f} standard"
                " deviations.",
                off,
            )
        )
    else:
        findings.append(
            Finding("columns", GOOD, f"No column's distribution function is off by more than {worst.ks:.2f}.")
        )
    return tuple(sorted(findings, key=lambda finding: finding.level != PROBLEM))


def _require_fit(model: Generator, data: VectorData, held_out: VectorData | None) -> None:
    if model.card.data.kind != data.kind:
        raise InputError(f"the model makes {model.card.data.kind}, {data.name} has {data.kind}")
    for given in (data, held_out):
        if given is None:
            continue
        if len(given) < 2 * K:
            raise InputError(f"{given.name}: scores need at least {2 * K} real rows")
        if given.shape != model.sample_shape:
            raise InputError(
                f"the model makes vectors of {model.sample_shape[0]} columns, {given.name} has"
                f" {given.shape[0]}"
            )
    if held_out is not None and held_out.fingerprint == model.card.data.fingerprint:
        raise InputError(f"{held_out.name} is what the model was trained on: choose other rows to hold out")


def _evenly(rows: NDArray[Any], most: int) -> NDArray[Any]:
    if len(rows) <= most:
        return np.asarray(rows)
    return np.asarray(rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)])
