"""The common part of table readers: a table with pictures gives images, one of numbers vectors."""

from abc import abstractmethod

from dropgan.serve.reporter import SILENT, Reporter

from ..columns import has_numbers, table_vectors
from ..dataset import TrainingData
from ..decode import decode_pictures
from ..table import Table, TablePictures, picture_columns
from .reader import Reader, Reading


class TableReader(Reader):
    """Reads a source of columns."""

    has_columns = True

    @abstractmethod
    def open(self, source: str, reporter: Reporter) -> Table:
        """Open the table of a source that matches, and report files that are ignored."""

    def read(self, source: str, how: Reading) -> TrainingData:
        return table_data(self.open(source, how.reporter), how)

    def holds_pictures(self, source: str) -> bool:
        return bool(picture_columns(self.open(source, SILENT)))


def table_data(table: Table, how: Reading) -> TrainingData:
    """Return the pictures of a table or, if it has none, its numbers.

    Raises:
        DataError: It has neither, or they are unsuitable for training.
    """
    if not picture_columns(table) and has_numbers(table):
        return table_vectors(table, how.options.label_column, how.reporter)
    return decode_pictures(TablePictures(table, how.options.label_column), how.options, how.reporter)
