"""Read Hugging Face data sets, by name from the Hub or its cache, or from a saved directory."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dropgan.serve.errors import MissingExtraError
from dropgan.serve.reporter import Reporter

from ..dataset import DataError
from .tables import TableReader

PREFIX = "hf:"
_SAVED = ("state.json", "dataset_dict.json")


def is_saved_dataset(folder: Path) -> bool:
    """Return True if ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote the folder."""
    return any((folder / name).is_file() for name in _SAVED)


def absolute_source(source: str) -> str:
    """Return ``hf:`` and the name, with a path in it made absolute."""
    name, *rest = _pieces(source.removeprefix(PREFIX))
    return PREFIX + ":".join([str(Path(name).resolve()) if Path(name).exists() else name, *rest])


class HubReader(TableReader):
    """Reads ``hf:NAME`` and folders that ``save_to_disk`` wrote."""

    gives = "hf:NAME of a Hugging Face data set"

    def matches(self, source: str) -> bool:
        return source.startswith(PREFIX) or is_saved_dataset(Path(source))

    def open(self, source: str, reporter: Reporter) -> "HubTable":
        return load_hub_table(source.removeprefix(PREFIX))

    def holds_pictures(self, source: str) -> bool:
        return True  # loading it says if not

    def unchanging_name(self, source: str) -> str:
        return absolute_source(source) if source.startswith(PREFIX) else super().unchanging_name(source)


class HubTable:
    """A Hugging Face data set; see `table.Table`."""

    def __init__(self, rows: Any, name: str, base: Path) -> None:
        """Wrap a ``datasets.Dataset``.

        Args:
            rows: The data set.
            name: Name of the data set.
            base: Folder that must contain the files that it names.
        """
        import datasets

        self._rows = rows.with_format("arrow")
        self.name = name
        self.base: Path | None = base
        self.schema: Any = self._rows.features.arrow_schema
        self.class_names: Mapping[str, tuple[str, ...]] = {
            column: tuple(feature.names)
            for column, feature in self._rows.features.items()
            if isinstance(feature, datasets.ClassLabel)
        }

    def __len__(self) -> int:
        return len(self._rows)

    def batches(self, columns: list[str], rows: int) -> Iterator[Any]:
        yield from self._rows.select_columns(columns).iter(rows)


def load_hub_table(source: str) -> HubTable:
    """Load a data set from the Hub, its cache, or a folder.

    Args:
        source: ``NAME``, ``NAME:SPLIT`` or ``NAME:CONFIG:SPLIT``, where the name is one of the Hub
            or a directory. The default split is ``train``.

    Raises:
        DataError: It cannot be found, or does not have the split.
        MissingExtraError: The library is not installed.
    """
    name, config, split = _parts(source)
    path = Path(name)
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"hf:{source} needs datasets: pip install 'dropgan[hub]'") from error
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # each of its five attempts is a line
    try:
        saved = is_saved_dataset(path)
        loaded: Any = datasets.load_from_disk(name) if saved else datasets.load_dataset(name, config)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"cannot load the Hugging Face data set {name}: {reason}. Without a network, use the folder"
            " written by save_to_disk"
        ) from error
    if isinstance(loaded, Mapping):
        if split not in loaded:
            raise DataError(f"{name} has no split {split}: use hf:NAME:SPLIT with {', '.join(loaded)}")
        loaded = loaded[split]
    if path.exists():
        return HubTable(loaded, path.resolve().name, path)
    # the library names files in its own cache by their whole path
    return HubTable(loaded, name.rsplit("/", 1)[-1], Path(datasets.config.HF_CACHE_HOME))  # pyright: ignore[reportAttributeAccessIssue]


def _parts(source: str) -> tuple[str, str | None, str]:
    """Return name, configuration and split."""
    match _pieces(source):
        case [name]:
            return name, None, "train"
        case [name, split]:
            return name, None, split
        case [name, config, split]:
            return name, config, split
    raise DataError(f"hf:{source} must be hf:NAME, hf:NAME:SPLIT or hf:NAME:CONFIG:SPLIT")


def _pieces(source: str) -> list[str]:
    """Split at colons. A name that is a path may contain colons."""
    pieces = source.split(":")
    for taken in range(len(pieces), 0, -1):
        if Path(":".join(pieces[:taken])).exists():
            return [":".join(pieces[:taken]), *pieces[taken:]]
    return pieces
