"""Which labels the samples of a job have: a function of each sample's index, as the samples are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..generator import Generator
from ..labels import choose_labels, class_number

Labels = str | int | Sequence[int | str]
"""``balanced``, a label or class name, or several of them; in one string, with commas between."""

Rule = str | tuple[int, ...]
"""How job.json has it: ``stream`` (none chosen), ``balanced``, or the labels that come in turn."""

STREAM, BALANCED = "stream", "balanced"


def label_rule(generator: Generator, labels: Labels | None) -> Rule | None:
    """The rule that a user means, or None for a model without classes.

    Raises:
        InputError: The model has no such class, or no classes at all.
    """
    classes = generator.classes
    if not classes:
        if labels is not None:
            raise InputError("this model is not class-conditional: it takes no labels")
        return None
    if labels is None:
        return STREAM
    if labels == BALANCED:
        return BALANCED
    if isinstance(labels, int):
        labels = [labels]
    names = labels.split(",") if isinstance(labels, str) else labels
    chosen = [
        class_number(name.strip(), classes, generator.class_names) if isinstance(name, str) else name
        for name in names
    ]
    if not chosen:
        raise InputError("no labels given: leave them out, or give one or more")
    return tuple(choose_labels(chosen, len(chosen), classes, generator.class_names).tolist())


def labels_of(
    generator: Generator, rule: Rule | None, *, seed: int, start: int, count: int
) -> NDArray[np.int64] | None:
    """The labels of samples ``start`` to ``start + count - 1``, int64 [count]; None without classes."""
    if rule is None:
        return None
    if rule == STREAM:
        return generator.labels(count, seed=seed, start=start)
    indices = np.arange(start, start + count, dtype=np.int64)
    if rule == BALANCED:
        return indices % generator.classes
    return np.array(rule, dtype=np.int64)[indices % len(rule)]
