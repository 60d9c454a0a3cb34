"""A pyarrow table in memory as a table of training data."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class ArrowTable:
    """See `table.Table`."""

    def __init__(self, table: Any, name: str) -> None:
        """Wrap a ``pyarrow.Table``."""
        self.name = name
        self.base: Path | None = None
        self.class_names: Mapping[str, tuple[str, ...]] = {}
        self.schema: Any = table.schema
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def batches(self, columns: list[str], rows: int) -> Iterator[Any]:
        yield from self._table.select(columns).to_batches(max_chunksize=rows)
