"""The labels of a job's samples, a function of each sample's index."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..classes import NOT_CONDITIONAL, WORDS, Classes
from ..errors import InputError
from ..source import Source

Labels = str | int | Sequence[int | str]
"""``uniform``, ``data``, ``balanced``, a number or name of a class, or several of them; in one string, with
commas between."""

Rule = str | tuple[int, ...]
"""The rule as job.json has it: ``uniform``, ``data``, ``balanced``, or the labels that come in turn."""


def label_rule(generator: Source, labels: Labels | None) -> Rule | None:
    """Return the label rule that a user asked for, or None for a model without classes.

    Raises:
        InputError: The model has no such class, or no classes at all.
    """
    classes = Classes.of(generator.card)
    if labels is not None and not classes.numbers:
        raise InputError(NOT_CONDITIONAL)
    if labels is None:
        return classes.default if classes.numbers else None
    if isinstance(labels, str):
        if labels in WORDS:
            return classes.word(labels)
        labels = [labels] if labels in classes.names else [name.strip() for name in labels.split(",")]
    elif isinstance(labels, int):
        labels = [labels]
    if not labels:
        raise InputError("labels are empty: name one or more classes, or leave them out")
    places = classes.choose(list(labels), len(labels))
    assert isinstance(places, np.ndarray)
    return tuple(classes.numbered(places).tolist())


def labels_of(
    generator: Source, rule: Rule | None, *, seed: int, start: int, count: int
) -> NDArray[np.int64] | None:
    """Return the labels of samples ``start`` to ``start + count - 1``, int64 [count], or None without
    classes.
    """
    if rule is None:
        return None
    if isinstance(rule, str):
        return generator.labels(count, seed=seed, start=start, labels=rule)
    indices = np.arange(start, start + count, dtype=np.int64)
    return np.array(rule, dtype=np.int64)[indices % len(rule)]


def class_names(generator: Source) -> dict[str, str]:
    """Return the name of each class by its number, for people who read the labels; empty without names."""
    return dict(zip(map(str, generator.class_numbers), generator.class_names, strict=False))
