"""Convert labels of any usual form to one class number for each sample."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dataset import DataError
from .parts import natural_key


def label_numbers(values: object, name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the class of each sample and the names of the classes.

    Whole numbers are classes (True is 1). Texts and bytes (UTF-8) are names of classes, in natural order. In
    one-hot rows, the class is the place of the 1.

    Args:
        values: Anything that numpy converts to an array [n], [n, 1], or one-hot [n, classes].
        name: Name of the data, for messages.

    Returns:
        int64 [n], and one name for each class or an empty tuple.

    Raises:
        DataError: They are none of these.
    """
    array = plain_array(values, f"{name}: the labels")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "iufb":
        return _from_one_hot(array, name), ()
    if array.ndim != 1:
        raise DataError(
            f"{name}: labels must be one class for each sample, [n], or one-hot, [n, classes];"
            f" their shape is {list(array.shape)}"
        )
    if array.dtype.kind in "US" or (array.dtype == object and _all_texts(array)):
        return number_texts(texts(array, f"{name}: the labels"))
    if array.dtype == object and all(isinstance(value, int | np.integer) for value in array):
        array = np.array(array.tolist())  # as pandas keeps whole numbers that could be missing
    if array.dtype.kind not in "iub":
        raise DataError(f"{name}: labels must be whole numbers or strings, not {array.dtype}")
    if array.dtype.kind == "u" and len(array) and array.max() > np.iinfo(np.int64).max:
        raise DataError(f"{name}: the label {array.max()} is too large for a class number")
    return array.astype(np.int64), ()


def number_texts(array: NDArray[np.str_]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return texts as classes: int64 [n] in natural order, and the distinct texts in that order."""
    names, places = np.unique(array, return_inverse=True)
    order = sorted(range(len(names)), key=lambda place: natural_key(str(names[place])))
    return np.argsort(order)[places].astype(np.int64), tuple(str(names[place]) for place in order)


def texts(array: NDArray[Any], what: str) -> NDArray[np.str_]:
    """Return texts or bytes of any shape as texts [n].

    Raises:
        DataError: Bytes are not UTF-8.
    """
    try:
        return np.array(
            [value.decode() if isinstance(value, bytes) else str(value) for value in array.ravel().tolist()],
            dtype=np.str_,
        )
    except UnicodeDecodeError as error:
        raise DataError(f"{what} are bytes that are not UTF-8 text: {error.object[:20]!r}") from error


def plain_array(values: object, what: str) -> NDArray[Any]:
    """Convert an array, a tensor or a list to a numpy array, unless that would lose information.

    Raises:
        DataError: It is not an array, rows differ in length, or entries are masked.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError(f"{what} have masked entries: fill them in or leave out those rows")
    if isinstance(values, list | tuple) and any(hasattr(value, "detach") for value in values[:1]):
        values = [plain_array(value, what) for value in values]  # numpy would take them apart
    detach = getattr(values, "detach", None)
    if detach is not None:  # a tensor, on whatever device
        values = detach().cpu()
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise DataError(
            f"{what} cannot be converted to a numpy array: {' '.join(str(error).split())}"
        ) from error


def _all_texts(array: NDArray[Any]) -> bool:
    return all(isinstance(value, str | bytes) for value in array)


def _from_one_hot(array: NDArray[Any], name: str) -> NDArray[np.int64]:
    if not (((array == 0) | (array == 1)).all() and (array.sum(1) == 1).all()):
        raise DataError(
            f"{name}: labels of shape {list(array.shape)} must be one-hot: one 1 in each row, and 0 elsewhere"
        )
    numbers: NDArray[np.int64] = array.argmax(1).astype(np.int64)
    return numbers
