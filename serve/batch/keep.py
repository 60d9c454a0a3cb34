"""A user-defined filter that selects which samples of a batch to keep."""

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
    """The identity of a filter function, in a form that can be stored and compared."""

    callable: str
    """``module:function``."""
    source_sha256: str | None
    """Digest of the module's source file, by which a changed filter is detected; None without a file."""


def describe_keep(name: str | None) -> Keep | None:
    """Return the filter that ``module:function`` names, or None if there is no name.

    Raises:
        InputError: It cannot be imported or is not a function.
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
    """Import ``module:function``. The current directory is searched last.

    A file there that has the name of a standard module or an installed package is therefore never used in its
    place.

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
    """Refuse a model whose samples a filter cannot take.

    Raises:
        InputError: The model's samples are not pictures.
    """
    lack = kind_of(card).lacks(card, PICTURES)
    if lack:
        raise InputError(f"a filter needs pictures, but this model {lack}: filter the output instead")


def apply_keep(function: Function, name: str, pictures: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the mask of samples to keep, bool [n].

    Args:
        function: Takes uint8 [n, height, width, channels] and returns n booleans.
        name: Name of the function in error messages.
        pictures: The batch.

    Raises:
        InputError: The function failed, or returned something else.
    """
    try:
        mask = np.asarray(function(pictures))
    except Exception as error:
        raise InputError(f"the filter {name} failed: {type(error).__name__}: {error}") from error
    if mask.shape != (len(pictures),) or mask.dtype != np.bool_:
        raise InputError(
            f"the filter {name} must return {len(pictures)} booleans for {len(pictures)} samples,"
            f" not {mask.dtype} of shape {list(mask.shape)}"
        )
    return mask
