"""``.npy`` files of numbers beside a shard, such as labels and indices."""

import io
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import HashingFile, Written


def write_side(path: Path, name: str, kind: str, parts: list[NDArray[np.int64]]) -> list[Written]:
    """Write ``NAME.kind.npy`` beside the output ``name``, whose temporary path is ``path``."""
    values = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    side_name = f"{Path(name).stem}.{kind}.npy"
    side = HashingFile(path.with_name(path.name.replace(name, side_name, 1)))
    with closing(side):
        side.write(npy_header(values.shape, values.dtype) + values.tobytes())
        return [side.written(side_name)]


def npy_header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return an ``.npy`` header for this shape and type. Its length is the same for any number of samples."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()
