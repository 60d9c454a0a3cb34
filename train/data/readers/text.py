"""Text files of numbers in columns."""

from pathlib import Path

from dropgan.serve.reporter import Reporter

from ..columns import TEXT_SUFFIXES, TextTable, table_vectors
from ..table import Table
from .reader import Reading, TrainingData
from .tables import TableReader


class TextReader(TableReader):
    """Reads ``.csv`` and ``.tsv`` files."""

    gives = "a .csv or .tsv file"

    def matches(self, source: str) -> bool:
        path = Path(source)
        return path.suffix.lower() in TEXT_SUFFIXES and path.is_file()

    def open(self, source: str, reporter: Reporter) -> Table:
        return TextTable(Path(source))

    def read(self, source: str, how: Reading) -> TrainingData:
        return table_vectors(self.open(source, how.reporter), how.options.label_column)

    def holds_pictures(self, source: str) -> bool:
        return False
