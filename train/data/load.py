"""Load images, vectors or graphs from the user's ``--data``."""

import os
from pathlib import Path

from dropgan.serve.reporter import LOGGED, Reporter

from .dataset import DataError, ImageData, TrainingData, require_kind
from .decode import fit_array
from .in_memory import data_in_memory, recorded_name, was_in_memory
from .names import require_text, with_text_names
from .options import DataOptions
from .readers import READERS, Reader, Reading

DEFAULT_DATA = "fashion-mnist-10k"
_DEFAULTS = DataOptions()


def load_data(
    source: object,
    data_dir: Path | None = None,
    *,
    labels: object = None,
    options: DataOptions = _DEFAULTS,
    reporter: Reporter = LOGGED,
) -> TrainingData:
    """Load training data, images, vectors or graphs, from files or from memory.

    Args:
        source: Data in memory: a numpy array or a tensor, uint8 [n, height, width] or [n, height,
            width, 1 or 3] for images, floats [n, columns] for vectors; a pandas or Arrow table; a
            torch Dataset of images, or of (image, label) pairs, read once; a list of networkx graphs. Or a
            string or path:
            ``fashion-mnist-10k`` (embedded), ``fashion-mnist`` (complete), ``fashion-mnist-test``,
            a folder of pictures, of IDX files, of Parquet files or that Hugging Face's
            ``save_to_disk`` wrote, a ``.npy``, ``.npz``, ``.parquet``, ``.csv`` or ``.tsv`` file, or
            ``hf:NAME``, ``hf:NAME:SPLIT``, ``hf:NAME:CONFIG:SPLIT``; for graphs ``atlas``, ``qm9``, a
            ``.g6``, ``.smi`` or ``.sdf`` file, ``FILE.csv:COLUMN`` of SMILES, or a folder of ``.graphml``,
            ``.gml`` or ``.edgelist`` files. A table without pictures becomes vectors, as does an array [n,
            columns].
        data_dir: Folder of the complete Fashion-MNIST, if it is not in a usual place.
        labels: Labels of data in memory, one for each sample: whole numbers, strings,
            or one-hot rows.
        options: Size, colour, what to do with broken pictures, the column of labels.
        reporter: Receives progress while pictures are decoded, and reports of those left out.

    Raises:
        DataError: The data does not exist, or is damaged or unsuitable.
        OutputError: Pictures cannot be kept in the cache directory.
        MissingExtraError: A package that reads this kind of data is not installed.
    """
    if not isinstance(source, str | os.PathLike):
        if data_dir is not None:
            raise DataError("data_dir is for Fashion-MNIST only: leave it out for data in memory")
        return _fitted(data_in_memory(source, labels, Reading(options, reporter)), options, reporter)
    source = os.fspath(source)
    require_text(unchanging_name(source))
    if was_in_memory(source):
        raise DataError(f"this data was in memory ({source}) and was not saved: pass it again")
    if labels is not None:
        raise DataError(f"labels can only be passed with data in memory; {source} has its own")
    _require_file_or_folder(source)
    reader = _reader(source)
    if data_dir is not None and not (reader and reader.takes_data_dir(source)):
        raise DataError(f"--data-dir is for Fashion-MNIST only: leave it out for {source}")
    if reader is None:
        raise _no_reader(source)
    if options.label_column and not reader.has_columns:
        raise DataError(f"{source} has no columns: leave out --label-column")
    if options.of_text and not reader.has_lines:
        raise DataError(f"{source} is not a text file: leave out --header, --separator and --decimal")
    return _fitted(reader.read(source, Reading(options, reporter, data_dir)), options, reporter)


def _require_file_or_folder(source: str) -> None:
    """Refuse a pipe, a socket or a device, which could block the reader for ever."""
    path = Path(source)
    try:
        strange = path.exists() and not (path.is_file() or path.is_dir())
    except (OSError, ValueError) as error:  # a name that is too long, a NUL
        raise DataError(f"there is no data {source[:200]}: {error}") from error
    if strange:
        raise DataError(f"{source} is not an ordinary file or folder: copy its content into a file")


def _fitted(data: TrainingData, options: DataOptions, reporter: Reporter) -> TrainingData:
    data = with_text_names(data, reporter)
    if options.limit:
        data = data.drawn(options.limit)
    if data.resizable:
        return fit_array(require_kind(data, ImageData), options, reporter)
    if (options.size and not data.limited) or options.colour != "auto":
        limits = "--colour and --grey are" if data.limited else "--size, --colour and --grey are"
        raise DataError(f"{data.name} holds {data.kind}: {limits} for images")
    return data


def load_images(
    source: object,
    data_dir: Path | None = None,
    *,
    labels: object = None,
    options: DataOptions = _DEFAULTS,
    reporter: Reporter = LOGGED,
) -> ImageData:
    """Load training data that must be images, as `load_data`.

    Raises:
        DataError: As for `load_data`; also if the data are vectors.
    """
    data = load_data(source, data_dir, labels=labels, options=options, reporter=reporter)
    return require_kind(data, ImageData)


def holds_pictures(source: object) -> bool:
    """Return True if the data are picture files, whose size must be chosen."""
    if not isinstance(source, str | os.PathLike):
        return False
    source = os.fspath(source)
    reader = _reader(source)
    return reader is not None and reader.holds_pictures(source)


def unchanging_name(source: object) -> str:
    """Return the source as a run records it, with the same meaning from any working directory.

    Data in memory get a name that `was_in_memory` recognises and `load_data` refuses. To continue, the caller
    must pass the data again, and their fingerprint shows if they are the same.
    """
    if not isinstance(source, str | os.PathLike):
        return recorded_name(source)
    source = os.fspath(source)
    if was_in_memory(source):
        return source
    reader = _reader(source)
    return str(Path(source).resolve()) if reader is None else reader.unchanging_name(source)


def _reader(source: str) -> Reader | None:
    return next((reader for reader in READERS if reader.matches(source)), None)


def _no_reader(source: str) -> DataError:
    *kinds, last = (reader.gives for reader in READERS)
    wanted = f"give {', '.join(kinds)}, or {last}"
    if Path(source).exists():
        return DataError(f"{source} cannot be trained on: {wanted}")
    return DataError(f"there is no data {source}: {wanted}")
