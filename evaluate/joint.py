"""Compare the dependence between columns in samples and in the data.

- `worst_pair`: the pair of columns whose correlations differ most, compared with permutations of real and
  generated rows.
- `told_apart`: a classifier two-sample test (Lopez-Paz and Oquab, "Revisiting classifier two-sample tests",
  ICLR 2017). A classifier learns from one half of the rows which are generated. The other half shows how many
  pairs of a generated and a real row it distinguishes. It is a ridge regression on the columns, their squares
  and products, and random waves, which detects any dependence that is not very fine. Half of the pairs would
  be chance; the p-value is Mann and Whitney's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chance import rank_test

_PERMUTATIONS = 400
_MOST = 5000  # rows of each kind
_MOST_COLUMNS = 60  # whose correlations are looked at
_MOST_SQUARED = 24  # columns whose products the classifier has
_WAVES = 100
_RIDGE = 1e-3
_FARTHEST = 5.0  # standard deviations: what lies beyond would drown the rest
_FEWEST = 20


@dataclass(frozen=True)
class PairTest:
    """The pair of columns whose correlation differs most."""

    names: tuple[str, str]
    real: float
    """Their correlation in the data, -1 to 1."""
    generated: float
    """The same in the samples."""
    p_value: float
    """Probability of a difference as large in any pair, if samples were real rows."""


@dataclass(frozen=True)
class ApartTest:
    """How well a classifier distinguishes generated from real rows."""

    rows: int
    """Rows of each kind that it was tried on."""
    pairs: float
    """Share of pairs of a generated and a real row that it tells right; 0.5 is fair."""
    p_value: float
    """Probability of a share as large, if samples were real rows."""


def worst_pair(
    samples: NDArray[np.float32], reals: NDArray[np.float32], names: tuple[str, ...], *, seed: int = 0
) -> PairTest | None:
    """Return the pair of columns that differs most; None for fewer than two columns or 20 rows of a kind.

    Args:
        samples: Generated rows float32 [n, columns], standardised.
        reals: Real rows float32 [m, columns], standardised.
        names: Names of the columns; at most the first 60 are used.
        seed: Seed of the choice of rows and of the permutations.
    """
    random = np.random.default_rng(seed)
    mine, real = (_some(part[:, :_MOST_COLUMNS], random) for part in (samples, reals))
    width = mine.shape[1]
    if width < 2 or min(len(mine), len(real)) < _FEWEST:
        return None
    upper = np.triu_indices(width, 1)

    def correlations(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        centred = rows - rows.mean(0)
        scale = np.sqrt(np.square(centred).mean(0)).clip(1e-9)
        found: NDArray[np.float64] = ((centred / scale).T @ (centred / scale) / len(rows))[upper]
        return found

    generated, actual = correlations(mine), correlations(real)
    apart = np.abs(generated - actual)
    # Each side is centred on its own, so that columns that are off are not taken for pairs that are.
    pool, count = np.concatenate((mine - mine.mean(0), real - real.mean(0))), len(mine)
    drawn = []
    for _ in range(_PERMUTATIONS):
        order = random.permutation(len(pool))
        drawn.append(np.abs(correlations(pool[order[:count]]) - correlations(pool[order[count:]])).max())
    worst = int(apart.argmax())
    first, second = upper[0][worst], upper[1][worst]
    p_value = float((1 + (np.array(drawn) >= apart[worst]).sum()) / (1 + _PERMUTATIONS))
    return PairTest((names[first], names[second]), float(actual[worst]), float(generated[worst]), p_value)


def told_apart(
    samples: NDArray[np.float32], reals: NDArray[np.float32], *, seed: int = 0
) -> ApartTest | None:
    """Run the classifier two-sample test on rows float32 [n, columns]; None for fewer than 20 of a kind."""
    random = np.random.default_rng(seed)
    mine, real = _some(samples, random), _some(reals, random)
    count = min(len(mine), len(real))
    if count < _FEWEST:
        return None
    mine, real = mine[:count], real[:count]
    half = count // 2
    known = _Seen(np.concatenate((mine[:half], real[:half])), random)
    learned = known(np.concatenate((mine[:half], real[:half])))
    truth = np.repeat([1.0, -1.0], half)
    weights = np.linalg.solve(
        learned.T @ learned + _RIDGE * len(learned) * np.eye(learned.shape[1]), learned.T @ truth
    )
    share, p_value = rank_test(known(mine[half:]) @ weights, known(real[half:]) @ weights)
    return ApartTest(count - half, share, p_value / 2 if share > 0.5 else 1.0)


class _Seen:
    """The classifier's inputs: columns, squares and products, and waves, each standardised."""

    def __init__(self, rows: NDArray[np.float64], random: np.random.Generator) -> None:
        width = rows.shape[1]
        self._waves = random.normal(size=(width, _WAVES)) * random.uniform(0.3, 2, _WAVES) / np.sqrt(width)
        self._starts = random.uniform(0, 2 * np.pi, _WAVES)
        raw = self._raw(rows)
        self._mean, self._scale = raw.mean(0), raw.std(0).clip(1e-6)

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        seen: NDArray[np.float64] = (self._raw(rows) - self._mean) / self._scale
        return seen

    def _raw(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = rows.clip(-_FARTHEST, _FARTHEST)
        few = rows[:, :_MOST_SQUARED]
        first, second = np.triu_indices(few.shape[1])
        waves = np.cos(rows @ self._waves + self._starts)
        return np.concatenate((rows, few[:, first] * few[:, second], waves), 1)


def _some(rows: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float64]:
    return rows[random.permutation(len(rows))[:_MOST]].astype(np.float64)
