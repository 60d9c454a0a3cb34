"""A shard that is a Parquet file, which Hugging Face `datasets` reads as a data set with pictures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import HashingFile, Written
from .png import PngEncoder

_VALUE = {"_type": "Value"}
_FEATURES: dict[str, dict[str, Any]] = {
    "image": {"_type": "Image"},
    "index": _VALUE | {"dtype": "int64"},
    "seed": _VALUE | {"dtype": "uint64"},
}


class ParquetShard:
    """Columns image (PNG bytes), label (if there are labels), index and seed; one row group a chunk."""

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        seed: int,
        *,
        labelled: bool = False,
        class_names: Sequence[str] = (),
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa: Any = pa
        self._encoder = PngEncoder(shape)
        self._seed = seed
        features = dict(_FEATURES)
        fields = [pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))]
        if labelled:
            fields.append(pa.field("label", pa.int64()))
            features["label"] = _VALUE | {"dtype": "int64"}
            if class_names:
                features["label"] = {"names": list(class_names), "_type": "ClassLabel"}
        fields += [
            pa.field("index", pa.int64()),
            pa.field("seed", pa.uint64()),
        ]
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        self._schema = pa.schema(fields, metadata=metadata)
        self._file = HashingFile(path)
        # PNG does not compress any further, and every value of the column differs.
        self._writer = pq.ParquetWriter(
            self._file, self._schema, compression="none", use_dictionary=["seed"], write_statistics=["index"]
        )

    def add(
        self, indices: NDArray[np.int64], images: NDArray[np.uint8], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        if not len(indices):
            return
        pa, count = self._pa, len(indices)
        files = self._encoder.encode(images)
        offsets = np.zeros(count + 1, dtype=np.int32)
        np.cumsum([len(data) for data in files], out=offsets[1:])
        data = pa.Array.from_buffers(
            pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(files))]
        )
        image = pa.StructArray.from_arrays(
            [data, pa.nulls(count, pa.string())], fields=list(self._schema.field("image").type)
        )
        seeds = pa.array(np.full(count, self._seed, dtype=np.uint64))
        columns = [image, *([] if labels is None else [pa.array(labels)]), pa.array(indices), seeds]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema), row_group_size=count)

    def finish(self, name: str) -> list[Written]:
        """The complete file."""
        self._writer.close()
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
