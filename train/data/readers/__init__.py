"""Readers of training data, one file for each kind of source."""

from .arrays import ArrayReader
from .fashion_mnist import FashionMnistReader
from .folder import FolderReader
from .graphs import AtlasReader, GraphFileReader
from .hub import HubReader
from .idx import IdxReader
from .molecules import MoleculeReader, QM9Reader
from .parquet import ParquetReader
from .reader import Reader, Reading
from .text import TextReader

__all__ = ["READERS", "Reader", "Reading"]

READERS: list[Reader] = [
    FashionMnistReader(),
    ParquetReader(),
    HubReader(),
    TextReader(),
    ArrayReader(),
    IdxReader(),
    AtlasReader(),
    QM9Reader(),
    GraphFileReader(),
    MoleculeReader(),
    FolderReader(),
]
"""All readers, the first that matches a source reads it."""
