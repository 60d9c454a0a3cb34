"""The combinations of a sweep, each with its recipe, checked before anything trains."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dropgan.serve.errors import DropganError
from dropgan.serve.reporter import SILENT
from dropgan.train import DataOptions, Recipe
from dropgan.train.data import TrainingData
from dropgan.train.kinds import training_kind
from dropgan.train.networks import SampleSpec
from dropgan.train.recipes import asked_recipe
from dropgan.train.recipes.auto import Seen
from dropgan.train.recipes.fit import require_fit
from dropgan.train.run.labels import with_learned_labels

from .axes import LIMIT, Axis, SweepError, Values, described_all, ends

_MOST = 10_000  # combinations


@dataclass(frozen=True)
class Point:
    """One combination."""

    values: Values
    """As the recipe has them."""
    recipe: Recipe
    options: DataOptions
    """How the data are read."""
    spec: SampleSpec
    """What its samples are."""


class Space:
    """Makes points from values of the axes and the user's recipe and data.

    Attributes:
        why: Why the recipe of the last point suits the data; empty if the user named it.
    """

    def __init__(
        self,
        recipe: Recipe | str,
        settings: Mapping[str, Any],
        data: TrainingData,
        seen: Seen,
        options: DataOptions,
    ) -> None:
        """Store what all points share.

        Args:
            recipe: As for `dropgan.train`; ``seen`` decides ``auto`` for all points alike.
            settings: Changes to the recipe at every point.
            data: All of the data.
            seen: Facts about the data.
            options: How the data are read, without `LIMIT`.
        """
        self._recipe, self._settings, self._seen, self._options = recipe, dict(settings), seen, options
        self._data = data
        self.why = ""
        self._specs: dict[tuple[int, bool, int], SampleSpec] = {}

    def point(self, values: Values) -> Point:
        """Return the point of these values.

        Raises:
            DropganError: They are impossible, incompatible, or do not suit the data.
        """
        changes = {**self._settings, **{key: value for key, value in values.items() if key != LIMIT}}
        recipe, chosen = asked_recipe(self._recipe, settings=changes).settled(self._seen)
        self.why = chosen.why
        options = self._options
        if LIMIT in values:
            limit = values[LIMIT]
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise SweepError(f"{LIMIT} must be a number of samples, not {limit!r}")
            options = replace(options, limit=limit)
        spec = self._spec(options.limit, recipe)
        require_fit(recipe, spec)
        return Point({key: _resolved(key, values, recipe) for key in values}, recipe, options, spec)

    def _spec(self, limit: int, recipe: Recipe) -> SampleSpec:
        key = limit, recipe.conditional, recipe.clusters
        if key not in self._specs:
            data = self._data.drawn(limit) if limit else self._data
            data = with_learned_labels(data, recipe, SILENT)
            kind = training_kind(data.kind)
            self._specs[key] = kind.spec_of(data, data.classes if recipe.conditional else 0)
        return self._specs[key]


def grid(axes: Mapping[str, Axis], space: Space) -> list[Point]:
    """Return every combination of the values, and of the two ends of ranges; the last axis varies fastest.

    Raises:
        SweepError: Some are impossible, incompatible or do not suit the data (the message names each with
            the reason), an axis has a value twice, or there are too many.
    """
    values = {key: ends(axis) for key, axis in axes.items()}
    if (count := math.prod(map(len, values.values()))) > _MOST:
        raise SweepError(
            f"{count:,} combinations are too many: {_MOST:,} at most, or --trials N for a search"
        )
    points = checked(combinations(values), values, space)
    return _distinct(points, values)


def _distinct(points: list[Point], axes: Mapping[str, Sequence[Any]]) -> list[Point]:
    for key, values in axes.items():
        if len(values_of(points, key)) < len(values):
            raise SweepError(f"axis {key} has a value twice: {', '.join(map(str, values))}")
    return points


def values_of(points: Iterable[Point], key: str) -> tuple[Any, ...]:
    """Return the different values of an axis that points have, in order."""
    return tuple({repr(point.values[key]): point.values[key] for point in points}.values())


def combinations(axes: Mapping[str, Sequence[Any]]) -> Iterator[Values]:
    """Yield every combination of the values; the last axis varies fastest."""
    return (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))


def checked(some: Iterable[Values], axes: Mapping[str, Sequence[Any]], space: Space) -> list[Point]:
    """Return the points of these values.

    Raises:
        SweepError: Some cannot be trained. The message names each with the reason.
    """
    points, refused, count = [], dict[str, list[Values]](), 0
    for values in some:
        count += 1
        try:
            points.append(space.point(values))
        except DropganError as error:
            refused.setdefault(str(error).removeprefix("the changed recipe: "), []).append(values)
    if refused:
        reasons = [f"{described_all(which, axes)}: {reason}" for reason, which in refused.items()]
        raise SweepError(
            f"{count - len(points)} of {count} combinations cannot be trained: {'; '.join(reasons)}"
        )
    return points


def _resolved(key: str, values: Values, recipe: Recipe) -> Any:
    """Return a value as the recipe has it, because several spellings may mean the same."""
    found: Any = recipe.model_dump(mode="json")
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, dict):
        raise SweepError(f"{key} is a table: name one of its settings")
    return values[key] if found is None else found
