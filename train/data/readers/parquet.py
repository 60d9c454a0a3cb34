"""Read Parquet files as a table."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dropgan.serve.errors import MissingExtraError
from dropgan.serve.parsing import parse_json
from dropgan.serve.reporter import Reporter

from ..dataset import DataError
from ..parts import Part, part_of_file
from ..passed_over import others_in
from .tables import TableReader

SUFFIXES = (".parquet", ".pq")


class ParquetReader(TableReader):
    """Reads a Parquet file, or the files of a folder in the order of their names."""

    gives = "a .parquet file or a folder of them"

    def matches(self, source: str) -> bool:
        return bool(_files(Path(source)))

    def open(self, source: str, reporter: Reporter) -> "ParquetTable":
        files = _files(Path(source))
        others = [file for file in files if part_of_file(file.name) is not Part.HELD_OUT] or files
        if len(others) < len(files):
            passed_over = ", ".join(file.name for file in files if file not in others)
            reporter.note(f"{source}: skipped the held-out parts of the set: {passed_over}"[:500])
        if Path(source).is_dir() and (beside := others_in(Path(source), files)):
            reporter.note(f"{source}: skipped files that are not Parquet: {beside}")
        return ParquetTable(Path(source), others)


def _files(path: Path) -> list[Path]:
    """Return the file itself, or those of a folder without hidden ones."""
    found = sorted(file for file in path.iterdir() if file.name[0] != ".") if path.is_dir() else [path]
    return [file for file in found if file.suffix.lower() in SUFFIXES and file.is_file()]


class ParquetTable:
    """One file, or several with the same columns in order; see `table.Table`."""

    def __init__(self, path: Path, files: list[Path]) -> None:
        """Read the files' footers, which hold the columns and numbers of rows.

        Args:
            path: The file or folder that the user named.
            files: The files in their order, at least one.

        Raises:
            DataError: A file is damaged, or its columns differ from those of the first.
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError as error:
            raise MissingExtraError(f"{path} needs pyarrow: pip install 'dropgan[train]'") from error
        self.name = path.stem if path.is_file() else path.resolve().name
        self.base: Path | None = files[0].parent
        self._files = files
        self._open: Any = pq.ParquetFile
        self._error: Any = (pa.ArrowException, OSError, UnicodeDecodeError)  # the last of columns' names
        self._rows = 0
        self.schema: Any = None
        for file in files:
            try:
                with pq.ParquetFile(file) as parquet:
                    schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
                    list(schema.names)  # refuses names that are not UTF-8
            except self._error as error:
                raise DataError(f"cannot read {file} as Parquet: {' '.join(str(error).split())}") from error
            if self.schema is not None and not schema.equals(self.schema):
                raise DataError(f"{file} has other columns than {files[0]}: name one of the files")
            self.schema, self._rows = schema, self._rows + rows
        self.class_names: Mapping[str, tuple[str, ...]] = _class_names(self.schema.metadata or {})

    def __len__(self) -> int:
        return self._rows

    def batches(self, columns: list[str], rows: int) -> Iterator[Any]:
        for file in self._files:
            try:
                with self._open(file) as parquet:
                    yield from parquet.iter_batches(rows, columns=columns)
            except self._error as error:
                raise DataError(f"cannot read {file} as Parquet: {' '.join(str(error).split())}") from error


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """Return class names from the metadata that Hugging Face's library writes."""
    try:
        features = parse_json(metadata[b"huggingface"])["info"]["features"]
        return {
            column: tuple(str(name) for name in feature["names"])
            for column, feature in features.items()
            if feature.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
