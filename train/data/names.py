"""Names of classes and columns that are not valid text, which runs, model files and pages cannot hold."""

from typing import Any, TypeVar

from dropgan.serve.printable import as_text
from dropgan.serve.reporter import Reporter

from .dataset import DataError, TrainingData

_Data = TypeVar("_Data", bound=TrainingData)


def require_text(path: str) -> None:
    """Refuse a path that a run could not record.

    Raises:
        DataError: The path has bytes that are not UTF-8.
    """
    if as_text(path) != path:
        raise DataError(f"{path} has a name that is not UTF-8: rename it")


def with_text_names(data: _Data, reporter: Reporter) -> _Data:
    r"""Write bytes of names that are not UTF-8 as ``\xe9``, and report it once.

    Folders from old archives may have such names, and a folder's name becomes the name of a class.
    """
    fields: dict[str, Any] = {field: getattr(data, field) for field in data.texts}
    new: dict[str, Any] = {
        field: as_text(value) if isinstance(value, str) else tuple(map(as_text, value))
        for field, value in fields.items()
    }
    if new == fields:
        return data
    reporter.note(f"{new['name']}: names that are not UTF-8 are shown with escaped bytes")
    return data.changed(**new)
