"""Read untrusted numpy files."""

import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray

# what numpy raises for headers and archives that are damaged or hostile, each of which was met
UNREADABLE = (
    *(ValueError, TypeError, KeyError, EOFError, OSError, OverflowError, RuntimeError, SyntaxError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)


def map_array(path: Path) -> NDArray[Any]:
    """Map a ``.npy`` file into memory.

    Raises:
        ValueError: It is not a .npy file, is damaged, or holds Python objects.
        OSError: It cannot be read.
        MemoryError: Its header declares more than can be mapped.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes that overflow are refused a moment later
            return npy.open_memmap(path, mode="r")
    except (OSError, MemoryError, ValueError):
        raise
    except UNREADABLE as error:
        raise ValueError(str(error)) from error
