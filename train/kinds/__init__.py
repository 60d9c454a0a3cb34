"""The kinds of data, one per module: the module's name is the kind's name, and its `KIND` the kind."""

from typing import Any

from dropgan.serve.registry import Registry

from ..data import DataError
from ..kind import TrainingKind

KINDS: Registry[TrainingKind[Any]] = Registry(__name__, "KIND")  # pyright: ignore[reportInvalidTypeArguments]


def training_kind(name: str) -> TrainingKind[Any]:
    """Return training's side of a kind, by the ``kind`` of data or of a card.

    Raises:
        DataError: There is no such kind.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise DataError(f"there is no kind of data {name[:80]!r}: upgrade dropgan")
    return kind
