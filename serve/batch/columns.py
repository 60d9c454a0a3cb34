"""A shard of vectors: a CSV or Parquet file with a column a name."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..columns import TABLES, Header
from .files import HashingFile, Written


class ColumnShard:
    """The samples as a table: nothing but the vectors and their classes, so that it can be trained on."""

    def __init__(self, path: Path, format_: str, header: Header) -> None:
        self._file = HashingFile(path)
        self._rows = TABLES[format_](self._file, header)

    def add(self, indices: NDArray[np.int64], images: NDArray[Any], labels: NDArray[np.int64] | None) -> None:
        """Append samples."""
        if len(images):
            self._rows.add(images, labels)

    def finish(self, name: str) -> list[Written]:
        """The complete file."""
        self._rows.close()
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
