"""From what the user says after ``--data`` to images or vectors."""

from pathlib import Path

from .dataset import DataError, ImageData
from .decode import fit_array
from .options import DataOptions, Watcher
from .readers import READERS, Reader, Reading, TrainingData
from .vectors import VectorData

DEFAULT_DATA = "fashion-mnist-10k"
_DEFAULTS = DataOptions()
_NOBODY = Watcher()


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
    reader = _reader(source)
    if data_dir is not None and not (reader and reader.takes_data_dir(source)):
        raise DataError(f"--data-dir says where Fashion-MNIST lies; {source} needs none")
    if reader is None:
        raise _no_reader(source)
    if options.label_column and not reader.has_columns:
        raise DataError(f"{source} has no columns, so --label-column does not fit it")
    data = reader.read(source, Reading(options, watch, data_dir))
    if isinstance(data, ImageData):
        return fit_array(data, options, watch)
    if options.size or options.colour != "auto":
        raise DataError(f"{data.name} holds vectors: --size, --colour and --grey are for images")
    return data


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


def holds_pictures(source: str) -> bool:
    """Whether the data are files of pictures, which have a size only once one is asked for."""
    reader = _reader(source)
    return reader is not None and reader.holds_pictures(source)


def unchanging_name(source: str) -> str:
    """What stood after ``--data`` in a form that means the same from any working directory."""
    reader = _reader(source)
    return str(Path(source).resolve()) if reader is None else reader.unchanging_name(source)


def _reader(source: str) -> Reader | None:
    return next((reader for reader in READERS if reader.matches(source)), None)


def _no_reader(source: str) -> DataError:
    *kinds, last = (reader.gives for reader in READERS)
    wanted = f"give {', '.join(kinds)}, or {last}"
    if Path(source).exists():
        return DataError(f"{source} is of no kind that can be trained on: {wanted}")
    return DataError(f"there is no data {source}: {wanted}")
