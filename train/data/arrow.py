"""A pyarrow table in memory as a table of training data."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class ArrowTable:
    """See `table.Table`."""

    def __init__(self, table: Any, name: str) -> None:
        """Take a ``pyarrow.Table``."""
        self.name, self.base = name, Path()
        self.class_names: Mapping[str, tuple[str, ...]] = {}
        self.schema: Any = table.schema
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def key(self) -> str:
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.schema) as stream:
            stream.write_table(self._table)
        return hashlib.sha256(sink.getvalue()).hexdigest()

    def batches(self, columns: list[str], rows: int) -> Iterator[Any]:
        yield from self._table.select(columns).to_batches(max_chunksize=rows)
