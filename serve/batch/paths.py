"""The module search path of processes that dropgan starts. The current directory never comes first.

Otherwise anyone who can write there could run code in those processes by a file named like a module.
"""

import os
import sys
from pathlib import Path


def search_path(*, with_here: bool = False) -> list[str]:
    """Return this process's module search path without the current directory.

    If dropgan itself lies in the current directory (a clone), the directory comes last.

    Args:
        with_here: Include the current directory, at the end, as `load_keep` does.
    """
    here = current_directory()
    wanted = {place.absolute() for place in map(Path, _python_path())}
    places = [str(place) for place in sys.path if place and (Path(place) != here or here in wanted)]
    home = _home()
    last = [] if str(home) in places else [str(home)]
    return places + last + ([str(here)] if with_here and here and here != home else [])


def lies_here() -> bool:
    """Return True if dropgan is imported from the current directory."""
    return _home() == current_directory() and _home() not in map(Path, _python_path())


def current_directory() -> Path | None:
    """Return the current directory, or None if it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _home() -> Path:
    """Return the directory that contains dropgan."""
    package = sys.modules[__name__.partition(".")[0]]
    return Path(str(package.__file__)).absolute().parents[1]


def _python_path() -> list[str]:
    """Return the entries of PYTHONPATH without empty ones, which mean the current directory."""
    return [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
