"""A shard that is a table with named columns, independent of the file format."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..columns import Header, Rows
from .files import HashingFile, Written
from .format import NewShard, Way


class ColumnShard:
    """The samples as a table of their columns and classes and nothing else, so that you can train on it."""

    def __init__(self, new: NewShard, rows: Callable[[Any, Header], Rows]) -> None:
        self._file = HashingFile(new.path, new.file)
        self._rows = rows(self._file, Header(new.generator))

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[Any], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        if len(samples):
            self._rows.add(samples, labels)

    def finish(self, name: str) -> list[Written]:
        """Complete the file and return it."""
        self._rows.close()
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def column_way(rows: Callable[[Any, Header], Rows], libraries: tuple[str, ...] = ()) -> Way:
    """Return how a tabular format holds columns.

    Args:
        rows: Starts a table in an open binary file.
        libraries: As in `Way`.
    """
    return Way(lambda new: ColumnShard(new, rows), libraries, rows)
