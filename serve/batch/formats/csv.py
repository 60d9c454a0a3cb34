"""A shard that is a CSV file."""

import csv
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...columns import Header
from ...kind import COLUMNS
from ..column_shard import column_way
from ..format import Format


class CsvRows:
    """Lines of numbers with enough digits to restore each float32 exactly, with a header line."""

    def __init__(self, file: Any, header: Header) -> None:
        self._file, self._header = file, header
        self._file.write(_csv_line([*header.columns, *([header.label] if header.label else [])]).encode())
        self._line = ",".join("%d" if whole else "%.9g" for whole in header.whole)
        self._ends = {number: _csv_line([name]) for number, name in header.class_names.items()}

    def add(self, rows: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
        if labels is None:
            text = f"{self._line}\n" * len(rows) % tuple(rows.ravel().tolist())
        else:
            ends = [self._ends[label] if self._ends else f"{label}\n" for label in labels.tolist()]
            lines = zip(rows.tolist(), ends, strict=True)
            text = "".join(f"{self._line % tuple(row)},{end}" for row, end in lines)
        self._file.write(text.encode())

    def close(self) -> None:
        pass


def _csv_line(fields: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


FORMAT = Format("csv", ".csv", {COLUMNS: column_way(CsvRows)})
