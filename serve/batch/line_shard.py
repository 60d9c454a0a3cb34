"""A shard that is a text file with one piece of text per graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..card import Card
from ..kind import GRAPHS
from .files import HashingFile, Written
from .format import Format, NewShard, Way

Piece = Callable[[NDArray[np.uint8], int, int | None], str]
"""Maps a graph uint8 [nodes, nodes], its index and its label to text; empty leaves the graph out."""


class TextShard:
    """A text file that holds one graph after the other."""

    def __init__(self, new: NewShard, piece: Piece) -> None:
        self._file, self._piece = HashingFile(new.path, new.file), piece

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[Any], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        told = [None] * len(indices) if labels is None else labels.tolist()
        pieces = map(self._piece, samples, indices.tolist(), told)
        self._file.write("".join(pieces).encode())

    def finish(self, name: str) -> list[Written]:
        """Complete the file and return it."""
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def text_format(
    name: str, suffix: str, pieces: Callable[[Card], Piece], libraries: tuple[str, ...]
) -> Format:
    """Create a text format.

    Args:
        name: Name of the format, as for ``--format``.
        suffix: Suffix of a shard's name.
        pieces: Takes a model's card and returns a function that writes each graph as text. It raises
            InputError if the format cannot hold these graphs, and MissingExtraError if a library is missing.
        libraries: As in `Way`.
    """
    return Format(
        name, suffix, {GRAPHS: Way(lambda new: TextShard(new, pieces(new.generator.card)), libraries)}
    )
