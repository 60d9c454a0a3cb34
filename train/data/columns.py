"""Read vectors from columns of numbers."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.parsing import parse_json
from dropgan.serve.reporter import LOGGED, Reporter

from .dataset import DataError
from .digits import Digits
from .table import LABEL_NAMES, Table, read_labels
from .vectors import VectorData

_ROWS = 65536
_NAMED = 5
_INDEX = re.compile(r"__index_level_\d+__")


def has_numbers(table: Table) -> bool:
    """Return True if a table has a column of numbers."""
    return any(_is_number(field.type) for field in table.schema)


def table_vectors(table: Table, label_column: str = "", reporter: Reporter = LOGGED) -> VectorData:
    """Return the columns of a table as vectors, without the labels and pandas' index.

    Whole numbers, booleans, decimals and floats become float32.

    Args:
        table: The table.
        label_column: The column of labels, or empty.
        reporter: Receives messages about columns that are left out and digits that are lost.

    Raises:
        DataError: A column has another type or missing values, or the vectors are unsuitable.
    """
    note = reporter.note
    labels, class_names = read_labels(table, label_column) if label_column else (None, ())
    index = [name for name in _index_columns(table.schema) if name != label_column]
    if index:
        note(f"{table.name}: pandas' index ({', '.join(index)}) is left out; reset_index() makes it a column")
    left_out = [*index, label_column] if label_column else index
    columns = [field for field in table.schema if field.name not in left_out]
    if not columns:
        raise DataError(f"{table.name} has no column of numbers")
    other = [field for field in columns if not _is_number(field.type)]
    if other:
        raise DataError(_not_numbers(table, other))
    names = [field.name for field in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{table.name} has more than one column {', '.join(twice[:_NAMED])}: rename them")
    if labels is not None:
        note(
            f"{table.name}: column {label_column} holds the classes: with --conditional the model generates"
            " it, without it is left out"
        )
    rows = np.empty((len(table), len(names)), np.float32)
    done, digits = 0, Digits(len(names))
    for batch in table.batches(names, _ROWS):
        for place, name in enumerate(names):
            column = batch.column(name)
            if column.null_count:
                raise DataError(
                    f"{table.name}: column {name} has missing values (the first among rows {done + 1:,} to"
                    f" {done + len(column):,}): fill them in or leave out those rows"
                )
            values = _numbers(column)
            digits.look(values[:, np.newaxis], slice(place, place + 1), _decimals(column.type))
            with np.errstate(over="ignore"):  # what float32 cannot hold is found as not finite
                rows[done : done + len(column), place] = values
        done += batch.num_rows
    called = [name or f"column_{place}" for place, name in enumerate(names)]
    for remark in digits.remarks(table.name, called):
        note(remark)
    if called != names:
        note(f"{table.name}: a column without a name is called {called[names.index('')]}")
    return VectorData(rows, table.name, tuple(called), labels, class_names, class_column=label_column)


def _index_columns(schema: Any) -> list[str]:
    """Return pandas' index columns, by its metadata in the file or by their names."""
    try:
        noted = parse_json(schema.metadata[b"pandas"])["index_columns"]
        found = [name for name in noted if isinstance(name, str)]  # of a plain count there is no column
    except (KeyError, TypeError, ValueError):
        found = []
    return [name for name in schema.names if name in found or _INDEX.fullmatch(name)]


def _not_numbers(table: Table, fields: list[Any]) -> str:
    shown = [f"{field.name} ({field.type}: {_example(table, field.name)})" for field in fields[:_NAMED]]
    more = f" and {len(fields) - _NAMED} more" if len(fields) > _NAMED else ""
    usual = next((field.name for field in fields if field.name in LABEL_NAMES), None)
    labels = f"--label-column {usual}" if usual and len(fields) == 1 else "--label-column NAME"
    return (
        f"{table.name}: columns of vectors must be numbers, not {', '.join(shown)}{more}: leave them out or"
        f" write them as numbers; the one that has the classes is named with {labels}"
    )


def _example(table: Table, name: str) -> str:
    """Return the first text of a column that is not a number, or the column's first value."""
    for batch in table.batches([name], _ROWS):
        values = [value for value in batch.column(name).to_pylist() if value is not None]
        texts = [value for value in values if isinstance(value, str) and not _reads_as_number(value)]
        if values:
            return repr((texts or values)[0])[:40]
    return "no value"


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(column: Any) -> NDArray[Any]:
    """Return the values of a column without missing ones; decimals become float64."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type)
        kind = kind.value_type
    return np.asarray(pc.cast(column, pa.float64()) if pa.types.is_decimal(kind) else column)


def _decimals(kind: Any) -> int | None:
    """Return the digits after the point of a decimal type, or None for any other type."""
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return int(kind.scale) if pa.types.is_decimal(kind) else None


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(test(kind) for test in tests)
