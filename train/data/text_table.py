"""Read a text file of columns as a table."""

import codecs
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dropgan.serve.errors import MissingExtraError
from dropgan.serve.reporter import Reporter

from .dataset import DataError
from .layout import NO_SEPARATOR, Layout, find_layout
from .options import SEPARATOR_WORDS, DataOptions

SUFFIXES = (".csv", ".tsv")
_MARKS = {  # the longer ones first: UTF-32's begins with UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HEAD, _LINES = 2**18, 20  # bytes and lines, at least, in which the layout is looked for
_LARGEST_BLOCK = 2**30


class TextTable:
    """A CSV or TSV file; see `table.Table`."""

    def __init__(self, path: Path, options: DataOptions, reporter: Reporter) -> None:
        """Read the complete file.

        Args:
            path: The file.
            options: The user's choices about its layout.
            reporter: Receives a message about how it was read, if that is not obvious.

        Raises:
            DataError: It cannot be read, is not a table, or could be read in several ways.
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
            from pyarrow import csv as arrow_csv
        except ModuleNotFoundError as error:
            raise MissingExtraError(f"{path} needs pyarrow: pip install 'dropgan[train]'") from error
        self.name = path.stem
        self.base: Path | None = None
        self.class_names: Mapping[str, tuple[str, ...]] = {}
        text = _read(path)
        layout, start = _layout(path, text, options)
        if start == len(text):
            raise DataError(f"{path}: there are no rows below the column names, training needs at least 2")
        names = [name or f"column_{place}" for place, name in enumerate(layout.names or [""] * layout.width)]
        quoted = b'"' in text
        try:
            self._table: Any = arrow_csv.read_csv(
                pa.BufferReader(memoryview(text)[start:]),
                # one block: types are found on all rows
                arrow_csv.ReadOptions(column_names=names, block_size=min(len(text) + 1, _LARGEST_BLOCK)),
                arrow_csv.ParseOptions(
                    delimiter=layout.separator,
                    newlines_in_values=quoted,
                    ignore_empty_lines=layout.width > 1,  # of one column, an empty line is a missing value
                ),
                arrow_csv.ConvertOptions(decimal_point=layout.decimal),
            )
        except pa.ArrowException as error:
            raise DataError(f"cannot read {path} as a table: {' '.join(str(error).split())}") from error
        for remark in _remarks(path, layout):
            reporter.note(remark)
        indexed = options.label_column != names[0] and self._leave_out_index(layout.names, reporter)
        called = [name for name, given in zip(names, layout.names or names, strict=True) if not given]
        if called[indexed:]:
            reporter.note(
                f"{path.name}: columns without a name are called {', '.join(called[indexed:])}"[:300]
            )
        self.schema: Any = self._table.schema

    def _leave_out_index(self, names: tuple[str, ...] | None, reporter: Reporter) -> bool:
        """Drop the index that pandas and R write as a first column; return True if there was one.

        It is the only column without a name (``Unnamed: 0`` if a table was read and written again), and holds
        whole numbers or texts that are all different.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        first = self._table.column(0)
        counts = pa.types.is_integer(first.type) or pa.types.is_string(first.type)
        if names is None or names[0] not in ("", "Unnamed: 0") or "" in names[1:] or len(names) == 1:
            return False
        if not counts or first.null_count or pc.count_distinct(first).as_py() < len(first):  # pyright: ignore[reportAttributeAccessIssue]
            return False
        self._table = self._table.remove_column(0)
        reporter.note(
            f"{self.name}: its first column has no name and a different value in each row: it is left out, as"
            " the rows' index; give it a name to keep it"
        )
        return True

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def batches(self, columns: list[str], rows: int) -> Iterator[Any]:
        yield from self._table.select(columns).to_batches(max_chunksize=rows)


def _read(path: Path) -> bytes:
    """Return the file as UTF-8 without a byte-order mark, with lines that end in a line feed."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path} as a table: {error.strerror or error}") from error
    coding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8-sig")
    try:
        if coding != "utf-8-sig":
            data = data.decode(coding).encode()
        else:
            codecs.lookup(coding).decode(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"cannot read {path} as a table: line {line} is not {error.encoding.upper()} text"
            f" (byte 0x{data[error.start]:02x}): save it as UTF-8"
        ) from error
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in data:
        raise DataError(f"cannot read {path} as a table: it has NUL bytes, save it as UTF-8 text")
    if not data.strip():
        raise DataError(f"{path} is empty")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _layout(path: Path, text: bytes, options: DataOptions) -> tuple[Layout, int]:
    """Return the layout of the text, and the byte at which its numbers begin."""
    size = _HEAD
    while size < len(text) and text.count(b"\n", 0, size) < _LINES:
        size *= 2
    end = len(text) if size >= len(text) else text.rindex(b"\n", 0, size) + 1
    head = text[:end].decode()
    try:
        layout = find_layout(
            head,
            whole=end == len(text),
            tabs=path.suffix.lower() == ".tsv",
            separator=SEPARATOR_WORDS.get(options.separator, options.separator),
            decimal=options.decimal,
            header=options.header,
        )
    except DataError as error:
        raise DataError(f"cannot read {path} as a table: {error}") from error
    if layout.separator == NO_SEPARATOR and NO_SEPARATOR.encode() in text:
        raise DataError(f"cannot read {path} as a table: it has control characters")
    return layout, len(head[: layout.start].encode())


def _remarks(path: Path, layout: Layout) -> Iterator[str]:
    """Yield how the file was read, if that is not obvious."""
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    if layout.decimal != "." or layout.separator not in (usual, NO_SEPARATOR):
        yield f"{path.name}: read with {layout.words}"
    if layout.comments:
        last = ", the last of which has the names of the columns" if layout.commented else ""
        yield f"{path.name}: lines at its head that begin with #: {layout.comments}{last}"
    if layout.names is None:
        yield f"{path.name}: no names in its first row: its columns are called column_0, column_1, ..."
