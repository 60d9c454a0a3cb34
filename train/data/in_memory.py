"""Training data in memory: arrays, tables, and torch data sets."""

import sys
from pathlib import Path
from typing import Any, cast

import torch.utils.data

from dropgan.serve.errors import MissingExtraError

from .arrays import array_data
from .arrow import ArrowTable
from .dataset import DataError, TrainingData
from .graph_set import networkx_data
from .labels import label_numbers, plain_array
from .readers import Reading
from .readers.hub import HubTable
from .readers.tables import table_data
from .table import Table
from .torch_dataset import dataset_data, is_picture

_PREFIX = "memory:"
_KINDS = (
    "a numpy array or tensor (uint8 [n, height, width] or [n, height, width, channels], or floats"
    " [n, columns]), a pandas, Arrow or Hugging Face table, a torch Dataset, or a list of networkx graphs"
)


def recorded_name(source: object) -> str:
    """Return the name that a run records for data in memory: ``memory:`` and a name."""
    return _PREFIX + _name(source)


def was_in_memory(recorded: str) -> bool:
    """Return True if a run's data were in memory, so that resuming needs them again."""
    return recorded.startswith(_PREFIX)


def data_in_memory(source: object, labels: object, how: Reading) -> TrainingData:
    """Convert data in memory.

    Args:
        source: A numpy array, a torch tensor or a list of equal arrays, as `array_data` takes them; a
            pandas DataFrame (its index is no column), a pyarrow table, a Hugging Face data set, or
            any other object with Arrow's column interface; a torch Dataset, or a list of pictures, as
            `dataset_data` takes them; a list of networkx graphs; or a `TrainingData`.
        labels: One for each sample, as `label_numbers` takes them, or None.
        how: Options. The column of labels applies to tables only.

    Raises:
        DataError: It is none of these, or unsuitable for training.
    """
    if isinstance(source, TrainingData):
        return _labelled(source, labels)
    name = _name(source)
    table = _table(source, name, how)
    if how.options.label_column and (table is None or labels is not None):
        reason = "labels are given beside it" if table is not None else "it has no columns"
        raise DataError(f"{name}: {reason}, so label_column does not fit")
    if table is not None:
        data = table_data(table, how)
    elif isinstance(source, torch.utils.data.Dataset) or _has_pictures(source):
        data = dataset_data(source, name, how)
    elif isinstance(source, list | tuple) and source and _is_instance(source[0], "networkx", "Graph"):
        data = networkx_data(source, name, how.options, how.reporter)
    elif isinstance(source, list | tuple) or hasattr(source, "__array__"):
        data = array_data(plain_array(source, name), name, reporter=how.reporter)
    else:
        raise DataError(f"{type(source).__name__} cannot be trained on: use {_KINDS}")
    return _labelled(data, labels)


def _labelled(data: TrainingData, labels: object) -> TrainingData:
    if labels is None:
        return data
    if data.labels is not None:
        raise DataError(f"{data.name} has labels of its own, and you passed others: leave one of them out")
    numbers, class_names = label_numbers(labels, data.name)
    return data.changed(labels=numbers, class_names=class_names)


def _name(source: object) -> str:
    """Return ``array``, ``table``, the class of a torch Dataset (``CIFAR10``), or the name of data read
    before.
    """
    if isinstance(source, TrainingData):
        return source.name
    if isinstance(source, torch.utils.data.Dataset):
        return type(source).__name__
    return "table" if _offers_columns(source) or _is_instance(source, "datasets", "Dataset") else "array"


def _table(source: object, name: str, how: Reading) -> Table | None:
    if _is_instance(source, "datasets", "Dataset"):
        return HubTable(source, name, Path("/"))  # whoever loaded it trusts the files that it names
    if not _offers_columns(source):
        return None
    try:
        import pyarrow as pa
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{name} needs pyarrow: pip install 'dropgan[train]'") from error
    try:
        if not _is_pandas(source):
            return ArrowTable(pa.table(source), name)
        table = pa.Table.from_pandas(source, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(
            f"{name} cannot be converted to an Arrow table: {' '.join(str(error).split())}"
        ) from error
    if index := [str(one) for one in cast(Any, source).index.names if one is not None]:
        how.reporter.note(f"{name}: the index {', '.join(index)} is not a column; reset_index() makes it one")
    return ArrowTable(table, name)


def _offers_columns(source: object) -> bool:
    return _is_pandas(source) or hasattr(source, "__arrow_c_stream__")


def _is_pandas(source: object) -> bool:
    return _is_instance(source, "pandas", "DataFrame")


def _is_instance(source: object, module: str, kind: str) -> bool:
    """Return True for an instance of a library's class, without importing the library."""
    return module in sys.modules and isinstance(source, getattr(sys.modules[module], kind))


def _has_pictures(source: object) -> bool:
    return isinstance(source, list | tuple) and any(is_picture(item) for item in source[:1])
