"""Numeric columns of a table, and numeric text files, as vectors."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dropgan.serve.errors import MissingExtraError

from .dataset import DataError
from .table import Table, read_labels
from .vectors import VectorData

TEXT_SUFFIXES = (".csv", ".tsv")
_ROWS = 65536
_SNIFFED = 65536  # bytes in which the first line must end


def has_numbers(table: Table) -> bool:
    """Whether a table has a column of numbers."""
    return any(_is_number(field.type) for field in table.schema)


def table_vectors(table: Table, label_column: str = "") -> VectorData:
    """All columns of a table but that of the labels, which must be numbers.

    Whole numbers, true and false, and floats become float32.

    Raises:
        DataError: A column holds something else or misses values, or the vectors are unfit.
    """
    labels, class_names = read_labels(table, label_column) if label_column else (None, ())
    columns = [field for field in table.schema if field.name != label_column]
    other = [f"{field.name} ({field.type})" for field in columns if not _is_number(field.type)]
    if other:
        raise DataError(
            f"{table.name}: columns of vectors must be numbers, not {', '.join(other[:5])}: leave them"
            " out, or name the one that has the labels with --label-column"
        )
    if not columns:
        raise DataError(f"{table.name} has no column of numbers")
    names = [field.name for field in columns]
    if len(set(names)) < len(names):
        raise DataError(f"{table.name} needs different names for its columns: {', '.join(names[:20])}")
    rows = np.empty((len(table), len(names)), np.float32)
    done = 0
    for batch in table.batches(names, _ROWS):
        for place, name in enumerate(names):
            column = batch.column(name)
            if column.null_count:
                raise DataError(
                    f"{table.name}: column {name} misses values (the first among rows {done + 1:,} to"
                    f" {done + len(column):,}): fill them in or leave out those rows"
                )
            with np.errstate(over="ignore"):  # what float32 cannot hold is found as not finite
                rows[done : done + len(column), place] = np.asarray(column)
        done += batch.num_rows
    return VectorData(rows, table.name, tuple(names), labels, class_names, class_column=label_column)


class TextTable:
    """A CSV or TSV file; see `table.Table`. The first line has the names unless it is all numbers."""

    def __init__(self, path: Path) -> None:
        """Read the file whole.

        Raises:
            DataError: It cannot be read, or is no table.
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
            from pyarrow import csv as arrow_csv
        except ModuleNotFoundError as error:
            raise MissingExtraError(f"{path} needs pyarrow: pip install 'dropgan[train]'") from error
        self.name = path.stem
        self.base: Path | None = path.parent
        self.class_names: Mapping[str, tuple[str, ...]] = {}
        first, delimiter = _first_line(path)
        names = [f"column_{place}" for place in range(len(first))] if all(map(_is_text_number, first)) else []
        try:
            self._table: Any = arrow_csv.read_csv(
                path,
                arrow_csv.ReadOptions(column_names=names or None),
                arrow_csv.ParseOptions(delimiter=delimiter),
            )
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"cannot read {path} as a table: {' '.join(str(error).split())}") from error
        self.schema: Any = self._table.schema

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def batches(self, columns: list[str], rows: int) -> Iterator[Any]:
        yield from self._table.select(columns).to_batches(max_chunksize=rows)


def _first_line(path: Path) -> tuple[list[str], str]:
    """The fields of the first line, and what is between them: of tab, semicolon and comma the commonest."""
    try:
        with path.open("rb") as file:
            line = file.readline(_SNIFFED).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path} as a table: {error}") from error
    if not line.strip():
        raise DataError(f"{path} is empty, or begins with an empty line")
    delimiter = max("\t;,", key=line.count)
    return next(csv.reader([line], delimiter=delimiter)), delimiter


def _is_text_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
