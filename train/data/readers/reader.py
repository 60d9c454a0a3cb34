"""The interface of a reader: one kind of source for ``--data``, in one file."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dropgan.serve.reporter import Reporter

from ..dataset import TrainingData
from ..options import DataOptions


@dataclass(frozen=True)
class Reading:
    """How to read a source."""

    options: DataOptions
    reporter: Reporter
    """Receives progress, and messages about what is left out."""
    data_dir: Path | None = None
    """Value of ``--data-dir``; None if `Reader.takes_data_dir` is False."""


class Reader(ABC):
    """Reads one kind of source. `load_data` uses the first of `READERS` that matches.

    Images may be returned in their own size and colour, because `load_data` converts them to what the options
    ask for. A reader of picture files uses `decode_pictures`, which does both at once.
    """

    gives: ClassVar[str]
    """The accepted sources, for a list of all kinds: ``a .npy file``."""
    has_columns: ClassVar[bool] = False
    """True if ``--label-column`` applies to the source."""
    has_lines: ClassVar[bool] = False
    """True if ``--header``, ``--separator`` and ``--decimal`` apply to the source."""

    @abstractmethod
    def matches(self, source: str) -> bool:
        """Return True if this reader reads the source, judged by its name or the names of files in it."""

    @abstractmethod
    def read(self, source: str, how: Reading) -> TrainingData:
        """Read a source that matches.

        Raises:
            DropganError: It does not exist, is damaged or unsuitable, or a package that reads it is missing.
        """

    def takes_data_dir(self, source: str) -> bool:
        """Return True if ``--data-dir`` applies to the source."""
        return False

    def holds_pictures(self, source: str) -> bool:
        """Return True if the source is picture files, whose size must be chosen."""
        return False

    def unchanging_name(self, source: str) -> str:
        """Return the source in a form that means the same from any working directory."""
        return str(Path(source).resolve())
