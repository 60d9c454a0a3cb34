"""Scores of generated vectors, with each column standardised by the real mean and standard deviation.

- ``frechet_distance_vectors``: between normal distributions fitted to both sides (equation 6 of Heusel et
  al., NeurIPS 2017, on the columns instead of features): means, spreads, correlations.
- ``wasserstein_vectors``: for each column the area between the two distribution functions, which is the
  Wasserstein-1 distance in one dimension, in standard deviations; the mean over the columns.
- ``ks_vectors``: for each column the largest difference of the two distribution functions
  (Kolmogorov-Smirnov), 0 to 1; the largest over the columns.
- ``correlation_difference_vectors``: mean absolute difference of the columns' correlations.
- precision, recall, density and coverage as for images (`manifold`).
"""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import Card, ScoreCard
from dropgan.serve.errors import InputError
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train.data import VectorData
from dropgan.train.features.kept import set_aside

from .closeness import AUTHENTICITY, C_T, closeness
from .copies import CopyTest, copy_test
from .distances import bootstrap_draws, frechet_distance
from .finding import GOOD, PROBLEM, UNSURE, Finding, verdict, worst_first
from .findings import ERROR_RATE, copying
from .joint import ApartTest, PairTest, told_apart, worst_pair
from .manifold import K, manifold_scores
from .memorisation import NeighbourTest, neighbour_test
from .scoring import evenly

_MOST_REAL = 50_000
_MOST_MANIFOLD = 10_000
_OFF, _UNCORRELATED, _APART = 0.1, 0.1, 0.75  # what matters of a difference that is beyond chance
SPACE = "vectors"
"""The name of the scores' space."""


@dataclass(frozen=True)
class ColumnScore:
    """The difference between one column's distribution and the real one's."""

    name: str
    """The column."""
    wasserstein: float
    """Wasserstein-1 distance, in the real column's standard deviations."""
    ks: float
    """Largest difference of the distribution functions, 0 to 1."""
    p_value: float
    """Probability of as large a one in any column, if samples were real rows: Kolmogorov and Smirnov's
    bound by Massart, times the number of columns."""


@dataclass(frozen=True)
class VectorMaterial:
    """The material for the report's pictures: rows in the columns' own units."""

    samples: NDArray[np.floating]
    """Generated rows [n, columns]."""
    reals: NDArray[np.floating]
    """Real ones [m, columns], up to 50,000."""


@dataclass(frozen=True)
class VectorEvaluation:
    """Result of an evaluation of vectors."""

    better: ClassVar[str] = "lower"
    """Which values of the first score are better: ``lower`` or ``higher``."""

    model: str
    """Name of the file or run."""
    card: Card
    """The card of the file."""
    features: str
    """Space of the scores."""
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
    """Scores of real rows in place of samples: held-out ones or, without, some rows against the rest."""
    columns: tuple[ColumnScore, ...]
    """Each column on its own, in the order of the data."""
    pair: PairTest | None
    """The pair of columns whose correlation is furthest off; None of one column, or of few rows."""
    apart: ApartTest | None
    """How well a classifier distinguishes samples from real rows; None for few rows."""
    floor: str
    """The rows that stand in the samples' place, in words; empty where there are too few."""
    copies: tuple[CopyTest, ...]
    """The test for copies of training rows; empty where the data is not what the model was trained on."""
    neighbours: tuple[NeighbourTest, ...]
    """Tests for a bias towards the training rows; empty without held-out rows."""
    left_out: dict[str, str]
    """Measurements that were left out, and why."""
    material: VectorMaterial = field(repr=False, compare=False)
    """Rows for the report."""

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for ``--json``."""
        few = VectorMaterial(np.zeros((0, 0)), np.zeros((0, 0)))
        found = dataclasses.asdict(dataclasses.replace(self, material=few))
        del found["material"]
        return found


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
    rows = model.sample(samples, seed=seed)
    made = space.standard(rows)
    scores = space.scores(made, mode="deployed")
    columns = space.columns(made)
    left_out: dict[str, str] = {}
    held_out_scores: tuple[ScoreCard, ...] = ()
    neighbours: tuple[NeighbourTest, ...] = ()
    unseen = None
    floor = ""
    if held_out is None:
        left_out["held-out rows"] = "there are none, which show whether samples lean on training rows"
        aside = set_aside(len(space.reals))
        if len(aside) >= 2 * K:
            rest = np.setdiff1d(np.arange(len(space.reals)), aside)
            floor = f"{len(aside):,} real rows set aside"
            held_out_scores = space.scores(space.reals[aside], mode="real", reals=space.reals[rest])
            held_out_scores += space.closeness(space.reals[aside], space.reals[rest], None, mode="real")
    else:
        unseen = space.standard(evenly(held_out.vectors, _MOST_REAL))
        floor = f"{len(unseen):,} held-out rows"
        held_out_scores = space.scores(unseen, mode="real")
        held_out_scores += space.closeness(unseen, space.reals, None, mode="real")
        if split == "training":
            neighbours = (neighbour_test(made, space.reals, unseen, space=SPACE, seed=seed & 0xFFFFFFFF),)
    copies: tuple[CopyTest, ...] = ()
    if split == "training":
        copies = (copy_test(made, space.reals, space=SPACE, seed=seed & 0xFFFFFFFF),)
        scores += space.closeness(made, space.reals, unseen, mode="deployed")
    else:
        left_out["copies"] = "the data is not what the model was trained on (other fingerprint)"
    draws = seed & 0xFFFFFFFF
    pair = worst_pair(made, space.reals, data.columns, seed=draws)
    apart = told_apart(made, space.reals, seed=draws)
    findings = _find(columns, copies, neighbours, pair, apart)
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
        pair,
        apart,
        floor,
        copies,
        neighbours,
        left_out,
        VectorMaterial(rows, evenly(data.vectors, _MOST_REAL)),
    )


class _Space:
    """The standardised real rows, and the scores of other rows against them."""

    def __init__(self, data: VectorData, split: str, seed: int) -> None:
        self._data, self._split, self._seed = data, split, seed
        self.reals = self.standard(evenly(data.vectors, _MOST_REAL))

    def standard(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return rows in units of the real columns' standard deviations."""
        return ((rows - self._data.mean) / self._data.scale).astype(np.float32)

    def columns(
        self, made: NDArray[np.float32], reals: NDArray[np.float32] | None = None
    ) -> tuple[ColumnScore, ...]:
        """Compare each column of rows with the real one, by default of all real rows."""
        real = self.reals if reals is None else reals
        found = []
        for place, name in enumerate(self._data.columns):
            wasserstein, ks = compare_column(real[:, place], made[:, place])
            chance = ks_p_value(ks, len(real), len(made)) * made.shape[1]
            found.append(ColumnScore(name, wasserstein, ks, min(1.0, chance)))
        return tuple(found)

    def scores(
        self, made: NDArray[np.float32], *, mode: str, reals: NDArray[np.float32] | None = None
    ) -> tuple[ScoreCard, ...]:
        """Score rows against the real ones, by default against all of them."""
        draws = self._seed & 0xFFFFFFFF
        real = self.reals if reals is None else reals
        columns = self.columns(made, real)
        distance = frechet_distance(real, made, seed=draws)
        mean = float(np.mean([column.wasserstein for column in columns]))
        bootstrap = f"{bootstrap_draws(made.shape[1])} bootstrap draws"
        found = [
            self._card("frechet_distance", distance, bootstrap, mode, made),
            self._card("wasserstein", (mean, 0.0), "", mode, made),
            self._card("ks", (max(c.ks for c in columns), 0.0), "", mode, made),
        ]
        if made.shape[1] > 1:
            with np.errstate(invalid="ignore", divide="ignore"):  # of a column that is all alike
                apart = np.abs(np.corrcoef(real.T) - np.corrcoef(made.T))
            value = float(np.nanmean(apart[np.triu_indices(made.shape[1], 1)]))
            found.append(self._card("correlation_difference", (value, 0.0), "", mode, made))
        some, fakes = evenly(real, _MOST_MANIFOLD), evenly(made, _MOST_MANIFOLD)
        if min(len(some), len(fakes)) > K:
            manifold = manifold_scores(some, fakes)
            for metric in ("precision", "recall", "density", "coverage"):
                found.append(self._card(metric, getattr(manifold, metric), "standard error", mode, fakes))
        return tuple(found)

    def closeness(
        self,
        made: NDArray[np.float32],
        training: NDArray[np.float32],
        unseen: NDArray[np.float32] | None,
        *,
        mode: str,
    ) -> tuple[ScoreCard, ...]:
        """Return authenticity and, with unseen rows, C_T; nothing if the data are not the training data."""
        if self._split != "training":
            return ()
        found = closeness(made, training, unseen, seed=self._seed & 0xFFFFFFFF)
        some = made[: found.samples]
        cards = [self._card(AUTHENTICITY, found.authenticity, "standard error", mode, some)]
        if found.c_t is not None:
            cards.append(self._card(C_T, found.c_t, "its deviation by chance", mode, some))
        return tuple(cards)

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
    """Return the area between the two distribution functions (Wasserstein-1) and their largest difference
    (KS).

    Args:
        real: Real values of one column.
        made: Generated values; their number may differ.
    """
    values = np.sort(np.concatenate((real, made)).astype(np.float64))
    apart = np.abs(
        np.searchsorted(np.sort(real), values, side="right") / len(real)
        - np.searchsorted(np.sort(made), values, side="right") / len(made)
    )
    return float((apart[:-1] * np.diff(values)).sum()), float(apart.max())


def ks_p_value(distance: float, count: int, other: int) -> float:
    """Return an upper bound on the p-value of a Kolmogorov-Smirnov distance between two samples.

    Massart ("The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality", 1990), with the effective
    number of two samples. Ties make the true value smaller still.
    """
    return min(1.0, 2 * math.exp(-2 * distance**2 * count * other / (count + other)))


def _find(
    columns: tuple[ColumnScore, ...],
    copies: tuple[CopyTest, ...],
    neighbours: tuple[NeighbourTest, ...],
    pair: PairTest | None,
    apart: ApartTest | None,
) -> tuple[Finding, ...]:
    findings = list(copying(copies, neighbours, "row"))
    columns = tuple(sorted(columns, key=lambda column: -column.ks))
    worst = columns[0]
    off = tuple(column.name for column in columns if column.ks > _OFF and column.p_value < ERROR_RATE)
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
        beyond = "" if worst.ks <= _OFF else ", which so few rows make by chance"
        level = UNSURE if beyond else GOOD
        findings.append(
            Finding(
                "columns",
                level,
                f"No column's distribution function is off by more than {worst.ks:.2f}{beyond}.",
            )
        )
    if pair is not None:
        apart_by = abs(pair.generated - pair.real)
        wrong = apart_by > _UNCORRELATED and pair.p_value < ERROR_RATE
        findings.append(
            Finding(
                "correlations",
                PROBLEM if wrong else GOOD,
                f"The correlation of {pair.names[0]} and {pair.names[1]} is {pair.generated:.2f}, in the data"
                f" {pair.real:.2f}; no other pair is further off.",
                (" with ".join(pair.names),) if wrong else (),
            )
        )
    if apart is not None:
        wrong = apart.pairs > _APART and apart.p_value < ERROR_RATE
        findings.append(
            Finding(
                "rows",
                PROBLEM if wrong else GOOD if apart.pairs <= _APART else UNSURE,
                f"A classifier tells a sample from a real row in {apart.pairs:.0%} of pairs (50 % would be"
                f" fair; {apart.rows:,} of each).",
            )
        )
    else:
        findings.append(
            Finding("rows", UNSURE, "Whether columns hang together cannot be told: there are too few rows.")
        )
    return worst_first(findings)


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
        raise InputError(f"{held_out.name} is the model's training data: choose other rows to hold out")
