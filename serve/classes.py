"""The classes of a conditional model: what people call them, and where the graph has them.

A class has a *number*, the data's own, and perhaps a name. People, files and other programs know it by
these, in Python, on the command line, in JavaScript and in shards alike. Its *place*, 0 to k - 1 in the
order of the numbers, is what the graph's input takes, and nothing else.
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
        numbers: The number of each, all different, 0 to 2**31 - 1.
        names: The name of each, or empty.
        counts: Samples of each in the training data, or empty where nobody counted.
        default: Which of `WORDS` holds where nothing is chosen.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    default: str = UNIFORM

    @classmethod
    def of(cls, card: Card) -> "Classes":
        """Those of a model; none where it is not conditional.

        Cards before schema 1.3 have no numbers: there names that are whole numbers are the numbers of
        their classes, and other classes are counted.
        """
        labels, names = card.labels, card.class_names
        numbers = labels.numbers or (numbers_of(names) if names else tuple(range(labels.classes)))
        default = kind_of(card).usual_labels if labels.counts else UNIFORM
        return cls(numbers, names, labels.counts, default)

    def __len__(self) -> int:
        return len(self.numbers)

    def choose(self, labels: ArrayLike | str | None, count: int) -> Places:
        """What a user asked for, checked.

        Args:
            labels: One class for all samples, or one for each, as numbers or names; one of `WORDS`; None
                for the default.
            count: How many samples there are.

        Returns:
            int64 array [count], of which a single class takes no memory for each sample; or a word; or
            None where there are no classes.

        Raises:
            InputError: A label is no class of the model's, there are not ``count`` of them, or the model
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
        """One of `WORDS`, if this model can draw so and has no class of that name.

        Raises:
            InputError: It cannot, or the word could mean a class.
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
        """The place of the class that is told by its name, or else by its number.

        Upper and lower case are the same where that leaves one class.

        Raises:
            InputError: The model has no such class; the message names those that it has.
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
        """The places of samples ``start`` to ``start + count - 1`` of ``seed``.

        Args:
            places: As `choose` gives them.
            count: How many.
            seed: Of the stream.
            start: Index of the first.
        """
        if not isinstance(places, str):
            return places
        if places == BALANCED:
            return np.arange(start, start + count, dtype=np.int64) % len(self)
        return self._streams[places](count, seed=seed, start=start)

    def draw_each(self, places: Places, wanted: Each) -> NDArray[np.int64] | None:
        """The places of samples with a seed and an index each, of what `choose` gives for them."""
        if not isinstance(places, str):
            return places
        if places == BALANCED:
            return np.array(wanted.indices, dtype=np.int64) % len(self)
        return self._streams[places].each(wanted.seeds, wanted.indices)

    def numbered(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of classes at these places."""
        return places if self._counted else self._numbers[places]

    @property
    def titles(self) -> tuple[str, ...]:
        """What to call each class: its name, or else its number."""
        return self.names or tuple(map(str, self.numbers))

    @property
    def known(self) -> str:
        """The numbers in words."""
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
        """Whether number and place are the same."""
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
    """Those of some of the samples."""
    return places if places is None or isinstance(places, str) else places[first : first + count]


def numbers_of(names: Sequence[str]) -> tuple[int, ...]:
    """Numbers of classes that data tells apart by nothing but names.

    A name that is a whole number is the number of its class, so that 7 and "7" are one class whoever
    asks. The other names are counted in their order, from 0 or from the largest such number on.
    """
    own = {name: int(name) for name in names if is_number(name)}
    if len(set(own.values())) < len(own):  # 1 and 01
        own = {name: number for name, number in own.items() if str(number) == name}
    free = itertools.count(max(own.values(), default=-1) + 1)
    return tuple(own[name] if name in own else next(free) for name in names)


def is_number(name: str) -> bool:
    """Whether a class's name is taken for its number."""
    return name.isascii() and name.isdecimal() and len(name) <= _OWN_DIGITS


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words[:_NAMED]) + (", ..." if len(words) > _NAMED else "")
