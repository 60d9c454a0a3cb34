"""The classes of a conditional model: their names, their numbers, and their places in the graph's input.

A class has a *number* from the data and perhaps a name. People, files and other programs use these, in
Python, on the command line, in JavaScript and in shards. Its *place*, 0 to k - 1 in the order of the numbers,
is the value of the graph's input and is used nowhere else.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .card import Card
from .each import Each
from .errors import InputError
from .kinds import kind_of
from .labels import LabelStream

UNIFORM, DATA, BALANCED = "uniform", "data", "balanced"
WORDS = (UNIFORM, DATA, BALANCED)
"""Ways to give every sample a class: at random, all equally often; at random, as often as in the training
data; and in turn, sample *i* having the class at place *i* modulo their number."""

NOT_CONDITIONAL = "this model is not class-conditional: it takes no labels"

Places = NDArray[np.int64] | str | None
"""The classes of some samples: one place each; or one of `WORDS`, by which it follows from seed and index;
None in a model without classes."""

_OWN_DIGITS = 9  # of names that are numbers, so that those counted on from them fit into 31 bits
_NAMED = 20


@dataclass(frozen=True)
class Classes:
    """The classes of one model, in the order of their places.

    Attributes:
        numbers: The number of each class, all different, 0 to 2**31 - 1.
        names: The name of each class, or empty.
        counts: Samples of each class in the training data, or empty if unknown.
        default: The one of `WORDS` that applies if nothing is chosen.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    default: str = UNIFORM

    @classmethod
    def of(cls, card: Card) -> "Classes":
        """Return the classes of a model, which are empty if it is not conditional.

        Cards before schema 1.3 have no numbers. For them, a name that is a whole number is the number of its
        class, and other classes are numbered in order.
        """
        labels, names = card.labels, card.class_names
        numbers = labels.numbers or (numbers_of(names) if names else tuple(range(labels.classes)))
        default = kind_of(card).usual_labels if labels.counts else UNIFORM
        return cls(numbers, names, labels.counts, default)

    def __len__(self) -> int:
        return len(self.numbers)

    def choose(self, labels: ArrayLike | str | None, count: int) -> Places:
        """Check the labels that a user asked for.

        Args:
            labels: One class for all samples, or one for each, as numbers or names; one of `WORDS`; None
                for the default.
            count: Number of samples.

        Returns:
            int64 array [count] (for a single class a broadcast view without memory per sample), a word,
            or None if there are no classes.

        Raises:
            InputError: A label is not a class of the model, there are not ``count`` labels, or the model
                is not class-conditional.
        """
        if not self.numbers:
            if labels is not None:
                raise InputError(NOT_CONDITIONAL)
            return None
        if labels is None:
            return self.default
        if isinstance(labels, str) and labels in WORDS:
            return self.word(labels)
        array = np.asarray(labels)
        if array.ndim > 1 or (array.ndim == 1 and len(array) != count):
            raise InputError(
                f"labels must be one label, or one for each of the {count} samples, not shape"
                f" {list(array.shape)}"
            )
        if array.dtype.kind == "U":
            array = np.array([self.place(str(name)) for name in array.flat], np.int64).reshape(array.shape)
        elif array.dtype.kind in "iu":
            array = self._places_of_numbers(array)
        elif array.size:  # an empty list is one of floats to numpy
            raise InputError(f"labels must be whole numbers or names of classes, not {array.dtype}")
        return np.broadcast_to(array.astype(np.int64, copy=False), (count,))

    def word(self, word: str) -> str:
        """Return ``word`` if it is one of `WORDS`, this model can draw that way, and no class has that name.

        Raises:
            InputError: The model cannot draw that way, or the word could mean a class.
        """
        clash = next((place for place, name in enumerate(self.names) if name.lower() == word), None)
        if clash is not None:
            number = self.numbers[clash]
            raise InputError(
                f"{word!r} is both a class of this model and a way to draw classes: ask for the class by its"
                f" number, {number}"
            )
        if word == DATA and not self.counts:
            raise InputError(
                "this model's file does not record how often each class was in the data: use uniform or"
                " balanced"
            )
        return word

    def place(self, label: str) -> int:
        """Return the place of the class with this name or, if no class has it, this number.

        Case is ignored if that leaves exactly one class.

        Raises:
            InputError: The model has no such class. The message lists its classes.
        """
        if label in self.names:
            return self.names.index(label)
        alike = [place for place, name in enumerate(self.names) if name.lower() == label.lower()]
        if len(alike) == 1:
            return alike[0]
        if label.isascii() and label.isdecimal() and len(label) <= 10 and int(label) in self.numbers:
            return self.numbers.index(int(label))
        names = _listed(self.names)
        raise InputError(
            f"this model has no class {label[:80]!r}: use {self.known}" + (f", or {names}" if names else "")
        )

    def draw(self, places: Places, count: int, *, seed: int, start: int) -> NDArray[np.int64] | None:
        """Return the places of samples ``start`` to ``start + count - 1`` of ``seed``.

        Args:
            places: Result of `choose`.
            count: Number of samples.
            seed: Seed of the stream.
            start: Index of the first sample.
        """
        if not isinstance(places, str):
            return places
        if places == BALANCED:
            return np.arange(start, start + count, dtype=np.int64) % len(self)
        return self._streams[places](count, seed=seed, start=start)

    def draw_each(self, places: Places, wanted: Each) -> NDArray[np.int64] | None:
        """Return the places of samples that have a seed and an index each, from the result of `choose`."""
        if not isinstance(places, str):
            return places
        if places == BALANCED:
            return np.array(wanted.indices, dtype=np.int64) % len(self)
        return self._streams[places].each(wanted.seeds, wanted.indices)

    def numbered(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class numbers of these places."""
        return places if self._counted else self._numbers[places]

    @property
    def titles(self) -> tuple[str, ...]:
        """The name of each class or, without names, its number."""
        return self.names or tuple(map(str, self.numbers))

    @property
    def known(self) -> str:
        """Return the classes' numbers as text."""
        if len(self) > 2 and self.numbers == tuple(range(self.numbers[0], self.numbers[0] + len(self))):
            return f"{self.numbers[0]} to {self.numbers[-1]}"
        return _listed(tuple(map(str, self.numbers)))

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        return np.array(self.numbers, np.int64)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self._numbers)

    @cached_property
    def _counted(self) -> bool:
        """True if every class's number is its place."""
        return self.numbers == tuple(range(len(self)))

    @cached_property
    def _streams(self) -> dict[str, LabelStream]:
        shares = {DATA: LabelStream(len(self), self.counts)} if self.counts else {}
        return {UNIFORM: LabelStream(len(self)), **shares}

    def _places_of_numbers(self, labels: NDArray[np.integer]) -> NDArray[np.int64]:
        known = self._numbers[self._order]
        found = np.minimum(np.searchsorted(known, labels), len(known) - 1)
        wrong = known[found] != labels
        if wrong.any():
            raise InputError(f"labels of this model are {self.known}, not {labels[wrong].flat[0]}")
        return np.asarray(self._order[found])


def part(places: Places, first: int, count: int) -> Places:
    """Return the places of ``count`` samples from ``first`` on."""
    return places if places is None or isinstance(places, str) else places[first : first + count]


def numbers_of(names: Sequence[str]) -> tuple[int, ...]:
    """Return numbers for classes that the data distinguishes by name only.

    A name that is a whole number is the number of its class, so 7 and "7" are the same class. The other names
    are numbered in order, from 0 or from above the largest such number.
    """
    own = {name: int(name) for name in names if is_number(name)}
    if len(set(own.values())) < len(own):  # 1 and 01
        own = {name: number for name, number in own.items() if str(number) == name}
    free = itertools.count(max(own.values(), default=-1) + 1)
    return tuple(own[name] if name in own else next(free) for name in names)


def is_number(name: str) -> bool:
    """Return True if a class's name is taken as its number."""
    return name.isascii() and name.isdecimal() and len(name) <= _OWN_DIGITS


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words[:_NAMED]) + (", ..." if len(words) > _NAMED else "")
