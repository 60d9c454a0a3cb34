"""Read training data from arrays, in files or in memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.reporter import LOGGED, Reporter

from .dataset import DataError, ImageData, TrainingData, chunks
from .digits import Digits
from .graphs import graphs_from_array, looks_like_graphs
from .vectors import VectorData


def array_data(
    array: NDArray[Any],
    name: str,
    *,
    what: str = "",
    kind: str = "",
    columns: tuple[str, ...] = (),
    labels: NDArray[np.int64] | None = None,
    class_names: tuple[str, ...] = (),
    reporter: Reporter = LOGGED,
) -> TrainingData:
    """Interpret an array as images, vectors or graphs, by its type and shape.

    Args:
        array: uint8 [n, height, width] or [n, height, width, 1 or 3] for images; floats, or whole
            numbers of another type than uint8, [n, columns] for vectors. uint8 [n, nodes, nodes]
            holds graphs if it `looks_like_graphs`, which is reported.
        name: Name of the data set.
        what: Name of the array in messages; empty uses ``name``.
        kind: ``images`` or ``vectors`` if the array must be of that kind; empty accepts either.
        columns: Names of the columns of vectors.
        labels: int64 [n] or None.
        class_names: One name for each class, or empty.
        reporter: Receives a message if digits are lost.

    Raises:
        DataError: The array has another type or shape, or is unsuitable for training.
    """
    if _are_vectors(array) and kind != "images":
        return _vectors(array, name, reporter, columns, labels, class_names)
    if kind == "vectors":
        raise DataError(
            f"{what or name} must be numbers of shape [n, columns], not {array.dtype} of shape"
            f" {list(array.shape)}"
        )
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise DataError(
            f"{what or name} must hold uint8 images of shape [n, height, width] or"
            f" [n, height, width, channels], or floats [n, columns], not {array.dtype} of shape"
            f" {list(array.shape)}{_remedy(array)}"
        )
    if kind != "images" and looks_like_graphs(array):
        reporter.note(
            f"{what or name}: read as graphs, since every matrix is symmetric and holds small numbers; an"
            " .npz file with an array named images has images"
        )
        return graphs_from_array(array, name, labels=labels, class_names=class_names)
    images = array if array.ndim == 4 else array[..., np.newaxis]
    if images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        raise DataError(
            f"{what or name}: images of shape {list(array.shape)} have their channels first:"
            " images.transpose(0, 2, 3, 1) puts them last"
        )
    return ImageData(np.ascontiguousarray(images), name, labels, class_names)


def _are_vectors(array: NDArray[Any]) -> bool:
    """Return True for rows of numbers. Rows of bytes are assumed to be flattened images."""
    return array.ndim == 2 and array.dtype.kind in "fiu" and array.dtype != np.uint8


def _vectors(array: NDArray[Any], name: str, reporter: Reporter, *about: Any) -> VectorData:
    """Return rows of numbers as vectors, and report the digits that a model cannot return."""
    digits = Digits(array.shape[1])
    for chunk in chunks(array):
        digits.look(chunk)
    data = VectorData(_as_floats(array, exact=bool(digits.lost.any())), name, *about)
    for remark in digits.remarks(name, data.columns):
        reporter.note(remark)
    return data


def _as_floats(array: NDArray[Any], *, exact: bool) -> NDArray[np.floating]:
    """Return float64 and float32 unchanged, so that a mapped file stays mapped, and anything else as float32.

    If float32 would lose digits, the result is float64: columns are standardised in float64.
    """
    kept = array.dtype in (np.float32, np.float64)
    with np.errstate(over="ignore"):  # what float32 cannot hold is found as not finite
        floats = array if kept else array.astype(np.float64 if exact else np.float32)
    return np.ascontiguousarray(floats)


def _remedy(array: NDArray[Any]) -> str:
    kind, images = array.dtype.kind, array.ndim in (3, 4)
    if kind == "f" and images:
        return ": floats have no stated range, scale them to 0..255, round and convert"
    if kind in "iub" and images:
        return ": convert them, if they are 0..255"
    if array.dtype == np.uint8 and array.ndim == 2:
        return ": flattened images need their height and width, reshape(n, height, width)"
    if kind == "O":
        return ": an array of Python objects has no shape and type of its own"
    return ""
