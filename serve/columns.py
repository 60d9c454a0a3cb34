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

    def add(self, rows: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
        """Append rows [n, columns], and the labels [n] of a class-conditional model."""

    def close(self) -> None:
        """Write what ends the table; the file stays open."""


class Header:
    """The columns of a table: those of the vectors, and after them the class where there are classes.

    Attributes:
        columns: Names of the vectors' columns.
        label: Name of the column of classes, ``label`` unless a column is called so; empty without.
        class_names: In the place of numbers, if the classes have names.
    """

    def __init__(self, generator: Generator) -> None:
        self.columns = generator.card.data.columns
        self.class_names = generator.class_names
        self.label = "label" if generator.classes else ""
        while self.label in self.columns:
            self.label += "_"

    def named(self, labels: NDArray[np.int64]) -> list[str] | list[int]:
        """Classes by their names, or else their numbers."""
        numbers: list[int] = labels.tolist()
        return [self.class_names[number] for number in numbers] if self.class_names else numbers


class CsvRows:
    """Lines of numbers with as many digits as bring float32 back exactly, names in the first line."""

    def __init__(self, file: Any, header: Header) -> None:
        self._file, self._header = file, header
        self._file.write(_csv_line([*header.columns, *([header.label] if header.label else [])]).encode())
        self._line = ",".join(["%.9g"] * len(header.columns))
        self._ends = [_csv_line([name]) for name in header.class_names]

    def add(self, rows: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
        if labels is None:
            text = f"{self._line}\n" * len(rows) % tuple(rows.ravel().tolist())
        else:
            ends = [self._ends[label] if self._ends else f"{label}\n" for label in labels.tolist()]
            lines = zip(rows.tolist(), ends, strict=True)
            text = "".join(f"{self._line % tuple(row)},{end}" for row, end in lines)
        self._file.write(text.encode())

    def close(self) -> None:
        pass


class ParquetRows:
    """Columns of float32, and the class as text or int64."""

    def __init__(self, file: Any, header: Header) -> None:
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
        self._header = header
        fields = [pa.field(name, pa.float32(), nullable=False) for name in header.columns]
        if header.label:
            kind = pa.string() if header.class_names else pa.int64()
            fields.append(pa.field(header.label, kind, nullable=False))
        self._schema = pa.schema(fields)
        # hardly two of the numbers are the same: nothing to look up, little to compress
        looked_up = [header.label] if header.label else False
        self._writer = pq.ParquetWriter(file, self._schema, compression="none", use_dictionary=looked_up)

    def add(self, rows: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
        columns = [self._pa.array(column) for column in np.ascontiguousarray(rows.T)]
        if labels is not None:
            columns.append(self._pa.array(self._header.named(labels)))
        self._writer.write_batch(
            self._pa.record_batch(columns, schema=self._schema), row_group_size=max(1, len(rows))
        )

    def close(self) -> None:
        self._writer.close()


def _csv_line(fields: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


TABLES: dict[str, Callable[[Any, Header], Rows]] = {"csv": CsvRows, "parquet": ParquetRows}
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
    labels: NDArray[np.int64] | None = None,
) -> None:
    """Write vectors as one ``.csv`` or ``.parquet`` file, in constant memory; it is whole or not there.
    The class of a class-conditional model's rows is in the last column.

    Raises:
        InputError: The model makes images, or the range cannot be addressed.
        MissingExtraError: pyarrow, which Parquet needs, is not installed.
        OutputError: The file cannot be written.
    """
    if generator.card.data.kind != "vectors":
        raise InputError(
            f"{path.name} is for vectors, this model makes images: -o NAME.npy, NAME.png or a directory"
        )
    if labels is None and generator.classes:
        labels = generator.labels(count, seed=seed, start=start)
    done = 0
    with atomic_file(path) as file:
        rows = TABLES[path.suffix.removeprefix(".")](file, Header(generator))
        while done < count:
            part = slice(done, min(done + _BATCH, count))
            chosen = None if labels is None else labels[part]
            batch = generator.sample(
                part.stop - done, seed=seed, start=start + done, labels=chosen, truncation=truncation
            )
            rows.add(batch, chosen)
            done = part.stop
            progress(done)
        rows.close()
