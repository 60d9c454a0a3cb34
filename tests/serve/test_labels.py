"""The label stream beside its golden vectors, and labels as users write them."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dropgan.serve import InputError, LabelStream
from dropgan.serve.classes import Classes, numbers_of

NAMES = ("Sandal", "Bag", "2", "bag")


def test_any_cut_gives_the_same_labels() -> None:
    """A job split over machines must not change which class sample i is of."""
    stream = LabelStream(10)
    whole = stream(40_000, seed=3, start=5)
    random = np.random.default_rng(0)
    for _ in range(40):
        first = int(random.integers(0, 39_999))
        count = int(random.integers(1, 40_000 - first))
        assert np.array_equal(stream(count, seed=3, start=5 + first), whole[first : first + count])
    assert len(stream(0, seed=3)) == 0


@pytest.mark.parametrize("classes", [1, 2, 7, 10, 1000])
def test_all_classes_equally_often(classes: int) -> None:
    """Or a data set made of samples would be lopsided: counts within five deviations."""
    count = 200_000
    seen = np.bincount(LabelStream(classes)(count, seed=1), minlength=classes)
    assert len(seen) == classes
    share = 1 / classes
    assert np.abs(seen - count * share).max() <= 5 * np.sqrt(count * share * (1 - share))


def test_labels_do_not_follow_one_another() -> None:
    """Neighbours, and equal places of neighbouring seeds, are independent: pairs fill the square evenly."""
    stream = LabelStream(10)
    first = stream(100_000, seed=1)
    for second in (np.roll(first, 1), stream(100_000, seed=2)):
        pairs = np.bincount(first * 10 + second, minlength=100)
        assert ((pairs - 1000) ** 2 / 1000).sum() < 180  # chi squared of 99 degrees: 1 in a million


def test_shared_between_threads_and_pickled() -> None:
    """Each thread has a generator state of its own."""
    stream = LabelStream(9)
    expected = stream(4000, seed=2)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda place: stream(100, seed=2, start=100 * place), range(40)))
    assert np.array_equal(np.concatenate(parts), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(stream))(4000, seed=2), expected)


def test_limits() -> None:
    """Beyond the largest seed, index and class count is an error, not a wrap."""
    stream = LabelStream(3)
    assert stream(2, seed=2**64 - 1, start=2**60 - 2).max() < 3
    for wrong in ({"seed": 2**64}, {"seed": -1}, {"seed": 0, "start": 2**60}):
        with pytest.raises(InputError):
            stream(1, **wrong)
    for classes in (0, -1, 2**20 + 1):
        with pytest.raises(InputError, match="classes"):
            LabelStream(classes)


@pytest.mark.parametrize("counts", [(62, 38), (1, 0, 3, 996), tuple(range(1, 51))])
def test_classes_as_often_as_counted(counts: tuple[int, ...]) -> None:
    """A table of 62 women and 38 men would come back half and half: counts within five deviations."""
    count = 200_000
    seen = np.bincount(LabelStream(len(counts), counts)(count, seed=1), minlength=len(counts))
    shares = np.array(counts) / sum(counts)
    assert len(seen) == len(counts)
    assert (np.abs(seen - count * shares) <= 5 * np.sqrt(count * shares * (1 - shares))).all()


@pytest.mark.parametrize("counts", [(1,), (1, -1), (0, 0), (2**32 - 1, 1)])
def test_impossible_shares(counts: tuple[int, ...]) -> None:
    """A damaged card must not draw classes that are not there."""
    with pytest.raises(InputError, match="counts must be"):
        LabelStream(2, counts)


def test_labels_as_users_give_them() -> None:
    """One for all or one each, as numbers or names."""
    classes = Classes((0, 1, 2, 3), NAMES)
    for labels, count, places in (
        (2, 3, [2, 2, 2]),
        ("Sandal", 2, [0, 0]),
        ([3, 0], 2, [3, 0]),
        (np.array([1, 2], dtype=np.uint8), 2, [1, 2]),
        (["bag", "Bag"], 2, [3, 1]),
        (["Sandal", 3], 2, [0, 3]),
        ([], 0, []),
    ):
        chosen = classes.choose(labels, count)
        assert isinstance(chosen, np.ndarray)
        assert chosen.tolist() == places
    assert classes.choose(1, 10**9).dtype == np.int64  # type: ignore[union-attr] # no memory for each sample


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (4, "0 to 3, not 4"),
        (-1, "0 to 3, not -1"),
        ([0, 1, 9], "one for each of the 2"),
        ([0, 9], "0 to 3, not 9"),
        ([[0], [1]], r"not shape \[2, 1\]"),
        ([0.0, 1.0], "whole numbers"),
        (True, "whole numbers"),
        ("Coat", "no class 'Coat': use 0 to 3, or Sandal"),
        (["Sandal", "-1"], "no class '-1'"),
        (2**70, "whole numbers"),
        (np.array(2**64 - 1, np.uint64), "0 to 3, not 18446744073709551615"),
        ("data", "does not record how often"),
    ],
)
def test_wrong_labels(labels: object, message: str) -> None:
    """A wrong label must not become some other class: to a graph, -1 is the last one."""
    with pytest.raises(InputError, match=message):
        Classes((0, 1, 2, 3), NAMES).choose(labels, 2)  # type: ignore[arg-type]


def test_words_that_are_classes_too() -> None:
    """Whoever has a class called data and asks for data must not get all classes, nor the other way round."""
    classes = Classes((0, 5), ("Data", "noise"), (3, 4))
    with pytest.raises(InputError, match="by its number, 0"):
        classes.choose("data", 2)
    assert classes.choose("balanced", 2) == "balanced"


def test_numbers_of_names() -> None:
    """Folders 0 to 11 are classes 0 to 11, whatever the order of their names."""
    assert numbers_of(["0", "1", "10", "11", "2"]) == (0, 1, 10, 11, 2)
    assert numbers_of(["b", "a"]) == (0, 1)
    assert numbers_of(["7", "x", "3", "y"]) == (7, 8, 3, 9)
    assert numbers_of(["2024", "01", "1"]) == (2024, 2025, 1)
