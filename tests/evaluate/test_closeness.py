"""Authenticity and C_T: what they see, and what they take for copying."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from dropgan.evaluate.closeness import closeness
from dropgan.evaluate.neighbours import nearest

_MIXED = np.random.default_rng(5).normal(size=(6, 6))


def _rows(count: int, seed: int) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).normal(size=(count, 6)) @ _MIXED).astype(np.float32)


TRAINING, FRESH, HELD_OUT = _rows(3000, 0), _rows(1000, 1), _rows(1000, 2)


def _measured(samples: NDArray[np.float32]) -> tuple[float, float]:
    found = closeness(samples, TRAINING, HELD_OUT)
    assert found.c_t is not None
    return found.authenticity[0], found.c_t[0]


def test_fresh_rows_are_as_authentic_as_any_and_no_nearer_than_held_out_ones() -> None:
    """An honest model must stand where real rows stand."""
    authentic, c_t = _measured(FRESH)
    usual = closeness(HELD_OUT, TRAINING).authenticity
    assert authentic == pytest.approx(usual[0], abs=4 * usual[1])
    assert abs(c_t) < 3


def test_the_more_copies_the_less_of_both() -> None:
    """Copies are what both are for; a row that is moved a little is still one."""
    shares = []
    for count in (0, 200, 1000):
        copied = np.concatenate((TRAINING[:count] + np.float32(1e-3), FRESH[count:]))
        shares.append(_measured(copied))
    assert [share[0] for share in shares] == sorted((share[0] for share in shares), reverse=True)
    assert shares[1][0] == pytest.approx(0.8 * shares[0][0], abs=0.03)
    assert shares[2][0] == 0
    assert shares[2][1] < -10 < shares[1][1] < shares[0][1]


def test_what_crowds_in_the_middle_looks_like_copying_to_c_t() -> None:
    """Why it is no rule of the verdict: a model of little variety would be called a copier."""
    assert _measured(FRESH * np.float32(0.5))[1] < -3
    assert _measured(FRESH * np.float32(2))[1] > 3


def test_c_t_of_one_cell_is_mann_and_whitneys() -> None:
    """The number must be the published one."""
    few = HELD_OUT[:40]  # too few for a second cell
    found = closeness(FRESH, TRAINING, few).c_t
    assert found is not None
    mine, theirs = (nearest(side, TRAINING)[0][:, 0] for side in (FRESH, few))
    expected = stats.mannwhitneyu(mine, theirs, use_continuity=False, method="asymptotic")
    deviations = (expected.statistic - 20_000) / np.sqrt(40_000 * 1041 / 12)
    assert found[0] == pytest.approx(deviations)
    assert found[1] == pytest.approx(1)


def test_too_few_held_out_rows_give_no_c_t() -> None:
    """A statistic of a handful would be luck."""
    assert closeness(FRESH, TRAINING, HELD_OUT[:10]).c_t is None
    assert closeness(FRESH[:1], TRAINING[:2]).c_t is None
