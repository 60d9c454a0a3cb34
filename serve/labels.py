"""Labels of a class-conditional model: those that a user chooses, and the stream of the others.

The stream ``philox4x64-multiplyhigh-v1`` makes the label of sample *i* of seed *s* a pure function
of (s, i), as the latent stream does for latents. docs/design.md has the definition,
tests/golden/labels.json the vectors that every implementation is held to.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .card import MAX_CLASSES
from .errors import InputError
from .latents import check_range
from .philox import WORDS_PER_BLOCK, Philox

LABEL_STREAM_NAME = "philox4x64-multiplyhigh-v1"

_CHUNK = 1 << 14  # words at a time: the arrays of one stay within a core's L2 cache
_LOW_32, _32 = np.uint64(2**32 - 1), np.uint64(32)


class LabelStream:
    """Labels, all equally likely, addressed by seed and absolute sample index.

    Whole-number arithmetic throughout: the same labels on every machine. Safe to share between
    threads.
    """

    def __init__(self, classes: int) -> None:
        """Make the stream of labels 0 to ``classes - 1``.

        Raises:
            InputError: ``classes`` is not 1 to 2**20.
        """
        if not 1 <= classes <= MAX_CLASSES:
            raise InputError(f"the number of classes must lie between 1 and 2**20, not {classes}")
        self.classes = classes
        self._philox = Philox(stream=1)

    def __reduce__(self) -> tuple[type["LabelStream"], tuple[int]]:
        return LabelStream, (self.classes,)

    def __call__(self, count: int, *, seed: int, start: int = 0) -> NDArray[np.int64]:
        """Labels of the samples ``start`` to ``start + count - 1``.

        Args:
            count: How many, 0 or more.
            seed: 0 to 2**64 - 1.
            start: Index of the first, 0 or more.

        Returns:
            int64 array [count].

        Raises:
            InputError: An argument is out of its range.
        """
        check_range(count, seed, start)
        block, before = divmod(start, WORDS_PER_BLOCK)
        philox = self._philox.at(seed, block)
        if before:
            philox.random_raw(before, output=False)
        if count == 1:
            return np.array([philox.random_raw() * self.classes >> 64], dtype=np.int64)
        out = np.empty(count, dtype=np.int64)
        for first in range(0, count, _CHUNK):
            part = out[first : first + _CHUNK]
            part[:] = self._high_of_product(philox.random_raw(len(part)))
        return out

    def _high_of_product(self, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """``floor(word * classes / 2**64)``, the product of 84 bits made from two of 64."""
        classes = np.uint64(self.classes)
        low = ((words & _LOW_32) * classes) >> _32
        return ((words >> _32) * classes + low) >> _32


def choose_labels(
    labels: ArrayLike | str, count: int, classes: int, class_names: Sequence[str]
) -> NDArray[np.int64]:
    """The labels that a user asked for, one a sample.

    Args:
        labels: One label for all samples, or one for each: numbers, or names of classes.
        count: How many samples there are.
        classes: The model's number of classes.
        class_names: Names of its classes, empty where they have none.

    Returns:
        int64 array [count], 0 to ``classes - 1``; a single label takes no memory for each sample.

    Raises:
        InputError: A label is no class of the model's, or there are not ``count`` of them.
    """
    array = np.asarray(labels)
    if array.ndim > 1 or (array.ndim == 1 and len(array) != count):
        raise InputError(
            f"labels must be one label, or one for each of the {count} samples, not shape {list(array.shape)}"
        )
    if array.dtype.kind == "U":
        array = np.array([class_number(str(name), classes, class_names) for name in array.flat]).reshape(
            array.shape
        )
    elif array.dtype.kind not in "iu" and array.size:  # an empty list is one of floats to numpy
        raise InputError(f"labels must be whole numbers or names of classes, not {array.dtype}")
    elif array.size and not (array.min() >= 0 and array.max() < classes):
        wrong = array[(array < 0) | (array >= classes)] if array.ndim else array
        raise InputError(f"labels of this model are 0 to {classes - 1}, not {wrong.flat[0]}")
    return np.broadcast_to(array.astype(np.int64, copy=False), (count,))


def part(labels: NDArray[np.int64] | None, first: int, count: int) -> NDArray[np.int64] | None:
    """Some of the labels, if there are any."""
    return None if labels is None else labels[first : first + count]


def class_number(name: str, classes: int, class_names: Sequence[str]) -> int:
    """The label of a class that is told by its name, or, where no class is called so, its number.

    Upper and lower case are the same where that leaves one class.

    Raises:
        InputError: The model has no such class; the message names those that it has.
    """
    if name in class_names:
        return list(class_names).index(name)
    alike = [place for place, known in enumerate(class_names) if known.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    if name.isascii() and name.isdigit() and int(name[:8]) < classes and len(name) <= 8:
        return int(name)
    known = ", ".join(class_names[:20]) + (", ..." if len(class_names) > 20 else "")
    raise InputError(
        f"this model has no class {name[:80]!r}: take 0 to {classes - 1}" + (f", or {known}" if known else "")
    )
