"""Tables of columns, from Parquet files or Hugging Face data sets: find pictures and labels."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .dataset import DataError
from .decode import Encoded, Named
from .labels import number_texts
from .picture import BrokenPictureError

_IMAGE_NAMES = ("image", "img", "picture", "png", "jpg", "jpeg")
LABEL_NAMES = ("label", "labels", "class", "target", "fine_label")
_CHUNK = 64


class Table(Protocol):
    """Rows of named columns, read some at a time.

    Attributes:
        name: Name of the data set, without directories.
        schema: The pyarrow schema.
        class_names: Names of the classes by column, for columns of numbers that have them.
        base: Folder of the files that the table names. Relative paths start there, and nothing outside it
            is read. None if the table may not name files.
    """

    name: str
    schema: Any
    class_names: Mapping[str, tuple[str, ...]]
    base: Path | None

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def batches(self, columns: list[str], rows: int) -> Iterator[Any]:
        """Yield pyarrow tables or record batches of these columns, at most ``rows`` rows each."""
        ...


class TablePictures:
    """A column of pictures: content as bytes, or Hugging Face's struct of bytes and path.

    Attributes:
        name: Name of the data set.
        labels: int64 [n], or None if there is no column of labels.
        class_names: One name for each class, or empty.
    """

    def __init__(self, table: Table, label_column: str = "") -> None:
        """Find the columns and read the labels.

        Raises:
            DataError: There is no column of pictures or several, the column of labels does not exist, or it
                does not hold labels.
        """
        self.name = table.name
        self._table = table
        self._column = _image_column(table)
        self.labels, self.class_names = read_labels(table, label_column)

    def __len__(self) -> int:
        return len(self._table)

    def chunks(self) -> Iterator[list[Named]]:
        row = 0
        for batch in self._table.batches([self._column], _CHUNK):
            values = batch.column(self._column).to_pylist()
            yield [self._named(row + offset, value) for offset, value in enumerate(values)]
            row += len(values)

    def _named(self, row: int, value: Any) -> Named:
        content, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
        encoded: Encoded = BrokenPictureError("no picture there") if content is None else content
        if content is None and path:
            encoded = self._file(path)
        return (f"row {row} ({Path(path).name})" if path else f"row {row}"), encoded

    def _file(self, path: str) -> Encoded:
        """Return a file that an untrusted table names, if it is inside the base folder."""
        base = self._table.base
        try:
            if base is None or not (base / path).resolve().is_relative_to(base.resolve()):
                return BrokenPictureError(f"{path} is not below {base or 'the folder of the table'}")
        except (OSError, ValueError) as error:
            return BrokenPictureError(f"{path!r} is not a path: {error}")
        return base / path


def read_labels(table: Table, column: str = "") -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Read the labels of a table and the names of its classes.

    Whole numbers are used unchanged, and floats if all are whole. Texts are numbered in natural order. A
    column that holds only -1, by which Hugging Face marks withheld labels, counts as no labels.

    Args:
        column: The column's name; empty looks for one of `LABEL_NAMES`, which need not exist.

    Raises:
        DataError: The column does not exist, or holds something else.
    """
    if column and column not in table.schema.names:
        raise DataError(f"{table.name} has no column {column}; it has {', '.join(table.schema.names)}")
    column = column or next((name for name in LABEL_NAMES if name in table.schema.names), "")
    if not column:
        return None, ()
    if table.schema.names.count(column) > 1:
        raise DataError(f"{table.name} has several columns {column}: rename them")
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = table.schema.field(column).type
    values = pa.chunked_array(
        [chunk for batch in table.batches([column], 65536) for chunk in _chunks(batch.column(column))], kind
    )
    if pa.types.is_dictionary(kind):
        values = pc.cast(values, kind.value_type)
        kind = kind.value_type
    if values.null_count:
        raise DataError(f"{table.name}: {values.null_count:,} rows have no value in the column {column}")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return number_texts(values.to_numpy().astype(str))
    numbers = values.to_numpy() if pa.types.is_primitive(kind) else None
    if numbers is None or numbers.dtype.kind not in "iubf" or (numbers % 1).any():
        raise DataError(
            f"{table.name}: labels must be whole numbers or strings, but column {column} is {kind}"
        )
    numbers = numbers.astype(np.int64)
    if len(numbers) and (numbers == -1).all():
        return None, ()
    return numbers, table.class_names.get(column, ())


def _chunks(column: Any) -> list[Any]:
    """Return the arrays of a column, which pyarrow returns as one array or as several."""
    chunks: list[Any] = column.chunks if hasattr(column, "chunks") else [column]
    return chunks


def picture_columns(table: Table) -> list[str]:
    """Return the columns that can hold pictures."""
    return [field.name for field in table.schema if _holds_pictures(field.type)]


def _image_column(table: Table) -> str:
    found = picture_columns(table)
    named = [name for name in _IMAGE_NAMES if name in found]
    if named or len(found) == 1:
        return (named or found)[0]
    columns = ", ".join(f"{field.name} ({field.type})" for field in table.schema)
    if not found:
        raise DataError(
            f"{table.name} has no column of pictures (bytes, or bytes and path); it has {columns}"
        )
    raise DataError(
        f"{table.name} has several columns of pictures ({', '.join(found)}): name the right one image"
    )


def _holds_pictures(kind: Any) -> bool:
    import pyarrow as pa

    binary = (pa.types.is_binary, pa.types.is_large_binary)
    if pa.types.is_struct(kind):
        content = (*binary, pa.types.is_null)  # null where every picture lies in a file
        return any(field.name == "bytes" and any(test(field.type) for test in content) for field in kind)
    return any(test(kind) for test in binary)
