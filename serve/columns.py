"""Vectors as text or Parquet, a column a name."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .atomic import atomic_file
from .errors import InputError, MissingExtraError
from .generator import Generator

_BATCH = 4096


class Rows(Protocol):
    """A table that grows."""

    def add(self, rows: NDArray[np.float32]) -> None:
        """Append rows [n, columns]."""

    def close(self) -> None:
        """Write what ends the table; the file stays open."""


class CsvRows:
    """Lines of numbers with as many digits as bring float32 back exactly, names in the first line."""

    def __init__(self, file: Any, columns: tuple[str, ...]) -> None:
        self._file = file
        head = io.StringIO()
        csv.writer(head, lineterminator="\n").writerow(columns)
        file.write(head.getvalue().encode())
        self._line = ",".join(["%.9g"] * len(columns)) + "\n"

    def add(self, rows: NDArray[np.float32]) -> None:
        self._file.write((self._line * len(rows) % tuple(rows.ravel().tolist())).encode())

    def close(self) -> None:
        pass


class ParquetRows:
    """Columns of float32."""

    def __init__(self, file: Any, columns: tuple[str, ...]) -> None:
        """Begin the file.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError as error:
            raise MissingExtraError("Parquet needs pyarrow: pip install 'dropgan[batch]'") from error
        self._pa: Any = pa
        self._schema = pa.schema([pa.field(name, pa.float32(), nullable=False) for name in columns])
        # hardly two of the numbers are the same: nothing to look up, little to compress
        self._writer = pq.ParquetWriter(file, self._schema, compression="none", use_dictionary=False)

    def add(self, rows: NDArray[np.float32]) -> None:
        columns = [self._pa.array(column) for column in np.ascontiguousarray(rows.T)]
        self._writer.write_batch(
            self._pa.record_batch(columns, schema=self._schema), row_group_size=max(1, len(rows))
        )

    def close(self) -> None:
        self._writer.close()


TABLES: dict[str, Callable[[Any, tuple[str, ...]], Rows]] = {"csv": CsvRows, "parquet": ParquetRows}
"""What begins a table in an open binary file, by the name of the format."""


def write_table(
    generator: Generator,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    progress: Callable[[int], None],
    truncation: float = 1.0,
) -> None:
    """Write vectors as one ``.csv`` or ``.parquet`` file, in constant memory; it is whole or not there.

    Raises:
        InputError: The model makes images, or the range cannot be addressed.
        MissingExtraError: pyarrow, which Parquet needs, is not installed.
        OutputError: The file cannot be written.
    """
    if generator.card.data.kind != "vectors":
        raise InputError(
            f"{path.name} is for vectors, this model makes images: -o NAME.npy, NAME.png or a directory"
        )
    batches = generator.stream(count, seed=seed, start=start, batch_size=_BATCH, truncation=truncation)
    done = 0
    with atomic_file(path) as file:
        rows = TABLES[path.suffix.removeprefix(".")](file, generator.card.data.columns)
        for batch in batches:
            rows.add(batch)
            done += len(batch)
            progress(done)
        rows.close()
