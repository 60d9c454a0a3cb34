"""A filter of the caller's own: which samples of a batch to keep."""

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..card import Card
from ..errors import InputError
from ..kind import PICTURES
from ..kinds import kind_of
from .paths import current_directory

Function = Callable[[NDArray[np.uint8]], Any]


@dataclass(frozen=True)
class Keep:
    """Which function chooses, in a form that can be written down and compared."""

    callable: str
    """``module:function``."""
    source_sha256: str | None
    """Digest of the module's source file, so that a changed filter is seen; None if it has none."""


def describe_keep(name: str | None) -> Keep | None:
    """The filter that ``module:function`` names; no filter for no name.

    Raises:
        InputError: It cannot be imported or is no function.
    """
    if name is None:
        return None
    function = load_keep(name)
    try:
        source = inspect.getsourcefile(inspect.unwrap(function)) if inspect.isroutine(function) else None
    except TypeError:  # a function written in C
        source = None
    digest = hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else None
    return Keep(name, digest)


def load_keep(name: str) -> Function:
    """Import ``module:function``; the current directory counts as a place of modules, the last one.

    So a file there that is called like a module of Python's or of a package is never taken for it.

    Raises:
        InputError: It cannot be imported or is no function.
    """
    module_name, colon, function_name = name.partition(":")
    if not colon or not module_name or not function_name:
        raise InputError(f"a filter is written MODULE:FUNCTION, not {name!r}")
    here = current_directory()
    if here is not None and str(here) not in sys.path and "" not in sys.path:
        sys.path.append(str(here))
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the module is the caller's: anything may go wrong in it
        raise InputError(f"the filter {name} cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        where = getattr(module, "__file__", None) or "comes with Python"
        raise InputError(f"the filter's module {module_name} ({where}) has no function {function_name}")
    found: Function = function
    return found


def require_pictures(card: Card) -> None:
    """Refuse a filter for samples that it cannot be given.

    Raises:
        InputError: The model's samples are no pictures.
    """
    lack = kind_of(card).lacks(card, PICTURES)
    if lack:
        raise InputError(f"a filter needs pictures, but this model {lack}: filter what is written")


def apply_keep(function: Function, name: str, pictures: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The mask of samples to keep.

    Args:
        function: Takes uint8 [n, height, width, channels], returns n truth values.
        name: What to call it in an error.
        pictures: The batch.

    Raises:
        InputError: It failed, or returned something else.
    """
    try:
        mask = np.asarray(function(pictures))
    except Exception as error:
        raise InputError(f"the filter {name} failed: {type(error).__name__}: {error}") from error
    if mask.shape != (len(pictures),) or mask.dtype != np.bool_:
        raise InputError(
            f"the filter {name} must return {len(pictures)} truth values for {len(pictures)} samples,"
            f" not {mask.dtype} of shape {list(mask.shape)}"
        )
    return mask
