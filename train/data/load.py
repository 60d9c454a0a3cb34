"""From what the user says after ``--data`` to images or vectors."""

from pathlib import Path

from . import parquet
from .arrays import load_array_file
from .columns import TEXT_SUFFIXES, TextTable, has_numbers, table_vectors
from .dataset import DataError, ImageData
from .decode import decode_pictures, fit_array
from .fashion_mnist import load_embedded, load_fashion_mnist
from .folder import FolderPictures
from .hub import PREFIX, HubTable, absolute_source, is_saved_dataset
from .idx import has_idx_files, load_idx_directory
from .options import DataOptions, Watcher
from .table import Table, TablePictures, picture_columns
from .vectors import VectorData

DEFAULT_DATA = "fashion-mnist-10k"
BUILT_IN_DATA = (DEFAULT_DATA, "fashion-mnist", "fashion-mnist-test")
_KINDS = (
    "fashion-mnist-10k, fashion-mnist, a folder of pictures or of IDX files, a .npy, .npz, .parquet or .csv"
    " file, or hf:NAME of a Hugging Face data set"
)
_DEFAULTS = DataOptions()
_NOBODY = Watcher()


TrainingData = ImageData | VectorData
"""What can be trained on."""


def load_data(
    source: str,
    data_dir: Path | None = None,
    *,
    options: DataOptions = _DEFAULTS,
    watch: Watcher = _NOBODY,
) -> TrainingData:
    """Load training data: images, or vectors.

    Args:
        source: ``fashion-mnist-10k`` (embedded), ``fashion-mnist`` (whole), ``fashion-mnist-test``,
            a folder of pictures, of IDX files, of Parquet files or that Hugging Face's
            ``save_to_disk`` wrote, a ``.npy``, ``.npz``, ``.parquet``, ``.csv`` or ``.tsv`` file, or
            ``hf:NAME``, ``hf:NAME:SPLIT``, ``hf:NAME:CONFIG:SPLIT``. A table without pictures gives
            vectors, and so does an array [n, columns].
        data_dir: Where the whole Fashion-MNIST lies, if not in a usual place.
        options: Size, colour, what to do with broken pictures, the column of labels.
        watch: Told of the progress where pictures must be decoded, and of those that are left out.

    Raises:
        DataError: There is no such data, or it is damaged or unfit.
        OutputError: Pictures cannot be kept in the cache directory.
        MissingExtraError: A package that reads this kind of data is not installed.
    """
    if data_dir is not None and source not in BUILT_IN_DATA[1:]:
        raise DataError(f"--data-dir says where Fashion-MNIST lies; {source} needs none")
    table = _table(source)
    if table is not None:
        if isinstance(table, TextTable) or (not picture_columns(table) and has_numbers(table)):
            _refuse_picture_options(table.name, options)
            return table_vectors(table, options.label_column)
        return decode_pictures(TablePictures(table, options.label_column), options, watch)
    if options.label_column:
        raise DataError(f"{source} has no columns, so --label-column does not fit it")
    path = Path(source)
    if source not in BUILT_IN_DATA and path.is_dir() and not has_idx_files(path):
        return decode_pictures(FolderPictures(path), options, watch)
    data = _array(source, data_dir)
    if isinstance(data, VectorData):
        _refuse_picture_options(data.name, options)
        return data
    return fit_array(data, options, watch)


def load_images(
    source: str,
    data_dir: Path | None = None,
    *,
    options: DataOptions = _DEFAULTS,
    watch: Watcher = _NOBODY,
) -> ImageData:
    """The same where images are needed.

    Raises:
        DataError: As for `load_data`; also if the data are vectors.
    """
    data = load_data(source, data_dir, options=options, watch=watch)
    if isinstance(data, VectorData):
        raise DataError(f"{data.name} holds vectors of {data.shape[0]} columns where images are needed")
    return data


def _refuse_picture_options(name: str, options: DataOptions) -> None:
    if options.size or options.colour != "auto":
        raise DataError(f"{name} holds vectors: --size, --colour and --grey are for images")


def holds_pictures(source: str) -> bool:
    """Whether the data are files of pictures, which have a size only once one is asked for."""
    if source in BUILT_IN_DATA:
        return False
    path = Path(source)
    if not _is_table(source):
        return path.is_dir() and not has_idx_files(path)
    if source.startswith(PREFIX) or is_saved_dataset(path):
        return True  # or else what is said of vectors comes with the loading
    table = _table(source)
    return table is not None and bool(picture_columns(table))


def unchanging_name(source: str) -> str:
    """What stood after ``--data`` in a form that means the same from any working directory."""
    if source in BUILT_IN_DATA:
        return source
    if source.startswith(PREFIX):
        return absolute_source(source)
    return str(Path(source).resolve())


def _is_table(source: str) -> bool:
    if source in BUILT_IN_DATA:
        return False
    path = Path(source)
    if source.startswith(PREFIX) or path.suffix in (*parquet.SUFFIXES, *TEXT_SUFFIXES):
        return True
    return path.is_dir() and (is_saved_dataset(path) or bool(_parquet_files(path)))


def _table(source: str) -> Table | None:
    if not _is_table(source):
        return None
    path = Path(source)
    if source.startswith(PREFIX):
        return HubTable(source.removeprefix(PREFIX))
    if path.is_dir():
        files = _parquet_files(path)
        return parquet.ParquetTable(path, files) if files else HubTable(source)
    if not path.exists():
        raise DataError(f"there is no file {path}")
    return TextTable(path) if path.suffix in TEXT_SUFFIXES else parquet.ParquetTable(path, [path])


def _parquet_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in parquet.SUFFIXES and path.is_file())


def _array(source: str, data_dir: Path | None) -> TrainingData:
    if source == DEFAULT_DATA:
        return load_embedded()
    if source == "fashion-mnist":
        return load_fashion_mnist(data_dir)
    if source == "fashion-mnist-test":
        return load_fashion_mnist(data_dir, split="test")
    path = Path(source)
    if path.is_dir():
        return load_idx_directory(path)
    if path.suffix in (".npy", ".npz") and path.is_file():
        return load_array_file(path)
    if path.exists():
        raise DataError(f"{path} is of no kind that can be trained on: give {_KINDS}")
    raise DataError(f"there is no data {source}: give {_KINDS}")
