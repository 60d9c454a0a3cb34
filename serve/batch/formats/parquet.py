"""A shard that is a Parquet file: of pictures (which Hugging Face `datasets` reads as such), columns, or
graphs.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...columns import Header
from ...errors import MissingExtraError
from ...kind import COLUMNS, GRAPHS, PICTURES
from ..column_shard import column_way
from ..files import HashingFile, Written
from ..format import Format, NewShard, Way
from ..png_encoder import PngEncoder

_VALUE = {"_type": "Value"}
_MOST_LISTED = 65536  # classes: Hugging Face's type has a name for each number from 0
_FEATURES: dict[str, dict[str, Any]] = {
    "image": {"_type": "Image"},
    "index": _VALUE | {"dtype": "int64"},
    "seed": _VALUE | {"dtype": "uint64"},
}


class PictureShard:
    """Columns image (PNG bytes), label (if there are labels), index and seed; one row group per chunk.

    Labels are numbers, and the file maps them to class names in Hugging Face's type. If a number does not fit
    that type, labels are names.
    """

    def __init__(self, new: NewShard) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa: Any = pa
        self._encoder = PngEncoder(new.shape)
        self._seed = new.seed
        features = dict(_FEATURES)
        fields = [pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))]
        self._texts: Mapping[int, str] = {}
        if new.labelled:
            named = new.class_names
            features["label"] = _VALUE | {"dtype": "int64"}
            if named and max(named) < _MOST_LISTED:
                listed = [named.get(number, str(number)) for number in range(max(named) + 1)]
                features["label"] = {"names": listed, "_type": "ClassLabel"}
            elif named:
                self._texts = named
                features["label"] = _VALUE | {"dtype": "string"}
            fields.append(pa.field("label", pa.string() if self._texts else pa.int64()))
        fields += [
            pa.field("index", pa.int64()),
            pa.field("seed", pa.uint64()),
        ]
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        self._schema = pa.schema(fields, metadata=metadata)
        self._file = HashingFile(new.path, new.file)
        # PNG does not compress any further, and every value of the column differs.
        options: Any = {"use_dictionary": ["seed"], "write_statistics": ["index"]}
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="none", **options)

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[np.uint8], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        if not len(indices):
            return
        pa, count = self._pa, len(indices)
        files = self._encoder.encode(samples)
        offsets = np.zeros(count + 1, dtype=np.int32)
        np.cumsum([len(data) for data in files], out=offsets[1:])
        data = pa.Array.from_buffers(
            pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(files))]
        )
        image = pa.StructArray.from_arrays(
            [data, pa.nulls(count, pa.string())], fields=list(self._schema.field("image").type)
        )
        seeds = pa.array(np.full(count, self._seed, dtype=np.uint64))
        columns = [image, pa.array(indices), seeds]
        if labels is not None:
            texts = self._texts
            columns.insert(1, pa.array([texts[label] for label in labels.tolist()] if texts else labels))
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema), row_group_size=count)

    def finish(self, name: str) -> list[Written]:
        """Complete the file and return it."""
        self._writer.close()
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class GraphShard:
    """Columns graph (its matrix row by row), label (if there are labels), index and seed."""

    def __init__(self, new: NewShard) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa: Any = pa
        self._seed, self._values = new.seed, new.shape[0] * new.shape[1]
        fields = [pa.field("graph", pa.list_(pa.uint8(), self._values))]
        fields += [pa.field("label", pa.int64())] if new.labelled else []
        fields += [pa.field("index", pa.int64()), pa.field("seed", pa.uint64())]
        about = new.generator.card.data
        types = {"nodes": about.shape[0], "node_types": about.node_types, "edge_types": about.edge_types}
        self._schema = pa.schema(fields, metadata={"dropgan": json.dumps(types)})
        self._file = HashingFile(new.path, new.file)
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="snappy")

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[np.uint8], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        if not len(indices):
            return
        pa = self._pa
        flat = pa.array(np.ascontiguousarray(samples).ravel())
        columns = [pa.FixedSizeListArray.from_arrays(flat, self._values)]
        columns += [] if labels is None else [pa.array(labels)]
        columns += [pa.array(indices), pa.array(np.full(len(indices), self._seed, dtype=np.uint64))]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema), row_group_size=len(indices))

    def finish(self, name: str) -> list[Written]:
        """Complete the file and return it."""
        self._writer.close()
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ColumnRows:
    """Columns of float32, or of int64 if they hold whole numbers, and the class as text or int64."""

    def __init__(self, file: Any, header: Header) -> None:
        """Start the file.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError as error:
            raise MissingExtraError("Parquet needs pyarrow: pip install 'dropgan[batch]'") from error
        self._pa: Any = pa
        self._header = header
        kinds = [pa.int64() if whole else pa.float32() for whole in header.whole]
        fields = [
            pa.field(name, kind, nullable=False) for name, kind in zip(header.columns, kinds, strict=True)
        ]
        if header.label:
            kind = pa.string() if header.class_names else pa.int64()
            fields.append(pa.field(header.label, kind, nullable=False))
        self._schema = pa.schema(fields)
        # hardly two of the numbers are the same: nothing to look up, little to compress
        looked_up: Any = [header.label] if header.label else False
        self._writer = pq.ParquetWriter(file, self._schema, compression="none", use_dictionary=looked_up)

    def add(self, rows: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
        columns = [
            self._pa.array(column.astype(np.int64) if whole else column)
            for column, whole in zip(np.ascontiguousarray(rows.T), self._header.whole, strict=True)
        ]
        if labels is not None:
            columns.append(self._pa.array(self._header.named(labels)))
        self._writer.write_batch(
            self._pa.record_batch(columns, schema=self._schema), row_group_size=max(1, len(rows))
        )

    def close(self) -> None:
        self._writer.close()


FORMAT = Format(
    "parquet",
    ".parquet",
    {
        GRAPHS: Way(GraphShard, ("pyarrow",)),
        PICTURES: Way(PictureShard, ("deflate", "pyarrow")),
        COLUMNS: column_way(ColumnRows, ("pyarrow",)),
    },
)
