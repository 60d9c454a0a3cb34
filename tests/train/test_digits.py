"""Numbers of more digits than float32 has: what comes back is said, wherever they come from."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dropgan.serve.reporter import Reporter
from dropgan.train.data import VectorData, load_data

WHOLE = "whole numbers beyond 16,777,216 keep seven digits: column column_0"


def read(source: object) -> tuple[VectorData, list[str]]:
    said: list[str] = []
    data = load_data(source, reporter=Reporter(note=said.append))
    assert isinstance(data, VectorData)
    return data, said


def rows(kind: str, first: float, step: float = 1) -> np.ndarray:
    """A column that begins somewhere, beside a small one."""
    count = np.arange(40)
    return np.stack([first + step * count, count % 7], axis=1).astype(kind)


@pytest.mark.parametrize(
    ("kind", "first", "step"),
    [
        ("int64", 2**24, 3), ("int32", -(2**24) - 200, 3), ("uint32", 2**31, 2**20),
        ("uint64", 2**62, 2**55), ("int64", 2**60, 2**53), ("float64", 2**30 + 1, 2**11),
        (">i8", 2**30, 12345), (">f8", -(2**40) - 1, 2**21),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["npy", "npz", "memory"])
def test_whole_numbers_that_float32_cannot_hold(
    kind: str, first: int, step: int, way: str, tmp_path: Path
) -> None:
    """Identifiers and amounts in cents lost their last digits without a word."""
    array = rows(kind, first, step)
    source: object = array
    if way != "memory":
        source = tmp_path / f"a.{way}"
        np.save(source, array) if way == "npy" else np.savez(source, vectors=array)
    data, said = read(source)
    assert [line.partition(": ")[2] for line in said] == [WHOLE]
    assert data.mean[0] == pytest.approx(array[:, 0].astype(np.float64).mean(), rel=1e-12)
    assert data.low[0] == float(array[0, 0]) or abs(float(array[0, 0])) > 2**53


@pytest.mark.parametrize(
    "array",
    [
        rows("int64", 0),
        rows("int64", 2**24 - 39_000, 1000),
        rows("float64", 2**30, 2**10),  # all of them float32
        rows("float64", 1e9, 1234.56),  # measured, not counted
        rows("float64", 1e18, 1e15),  # beyond what float64 counts
        rows("float32", 2**30, 2**20),
        rows("float16", 100, 1),
        rows("uint16", 100, 1),
    ],
)
def test_nothing_is_said_where_nothing_is_lost(array: np.ndarray) -> None:
    """A remark about every measurement would be one that nobody reads."""
    assert read(array)[1] == []


def test_whole_floats_in_a_table(tmp_path: Path) -> None:
    """pandas makes floats of whole numbers where a value was missing."""
    lines = [f"{2**30 + 2**11 * i}.0,{i % 7},{i * 1234567.891}" for i in range(40)]
    (tmp_path / "a.csv").write_text("id,b,c\n" + "\n".join(lines) + "\n")
    assert read(tmp_path / "a.csv")[1] == []
    lines = [f"{2**30 + 1 + 2**11 * i}.0,{i % 7},{i * 1234567.891}" for i in range(40)]
    (tmp_path / "a.csv").write_text("id,b,c\n" + "\n".join(lines) + "\n")
    assert read(tmp_path / "a.csv")[1] == ["a: whole numbers beyond 16,777,216 keep seven digits: column id"]


def test_decimals_in_a_table(tmp_path: Path) -> None:
    """Amounts of money have cents, which float32 loses from 170,000 on."""
    columns = {
        "small": pa.array([Decimal(f"{i}.25") for i in range(40)], pa.decimal128(20, 2)),
        "large": pa.array([Decimal(f"{4_000_000 + 1000 * i}.25") for i in range(40)], pa.decimal128(20, 2)),
        "count": pa.array([Decimal(20_000_001 + 1000 * i) for i in range(40)], pa.decimal128(20, 0)),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")[1] == [
        "a: whole numbers beyond 16,777,216 keep seven digits: column count",
        "a: decimals of more than seven digits keep seven: column large",
    ]


@pytest.mark.parametrize("kind", ["datetime64[s]", "timedelta64[s]", "complex128"])
def test_dates_are_no_numbers(kind: str) -> None:
    """Seconds since 1970 are the user's to make, with an offset of the user's own."""
    with pytest.raises(Exception, match=r"must hold uint8 images|cannot be trained on"):
        read(np.arange(20).reshape(10, 2).astype(kind))
