"""Read text files of numbers in columns."""

from pathlib import Path

from dropgan.serve.reporter import Reporter

from ..columns import table_vectors
from ..dataset import TrainingData
from ..options import DataOptions
from ..table import Table
from ..text_table import SUFFIXES, TextTable
from .reader import Reading
from .tables import TableReader


class TextReader(TableReader):
    """Reads ``.csv`` and ``.tsv`` files."""

    gives = "a .csv or .tsv file"
    has_lines = True

    def matches(self, source: str) -> bool:
        path = Path(source)
        return path.suffix.lower() in SUFFIXES and path.is_file()

    def open(self, source: str, reporter: Reporter) -> Table:
        return TextTable(Path(source), DataOptions(), reporter)

    def read(self, source: str, how: Reading) -> TrainingData:
        table = TextTable(Path(source), how.options, how.reporter)
        return table_vectors(table, how.options.label_column, how.reporter)

    def holds_pictures(self, source: str) -> bool:
        return False
