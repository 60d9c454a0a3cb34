"""Where processes that dropgan starts look for modules: never first in the current directory.

Whoever can write there could otherwise run code of his in them, by a file called like a module.
"""

import os
import sys
from pathlib import Path


def search_path(*, with_here: bool = False) -> list[str]:
    """Where this process looks for modules, without the current directory; where dropgan itself lies there
    (a clone), it comes last.

    Args:
        with_here: Whether the current directory counts at all; it comes last, as `load_keep` has it.
    """
    here = current_directory()
    wanted = {place.absolute() for place in map(Path, _python_path())}
    places = [str(place) for place in sys.path if place and (Path(place) != here or here in wanted)]
    home = _home()
    last = [] if str(home) in places else [str(home)]
    return places + last + ([str(here)] if with_here and here and here != home else [])


def lies_here() -> bool:
    """Whether dropgan itself is found because it lies in the current directory."""
    return _home() == current_directory() and _home() not in map(Path, _python_path())


def current_directory() -> Path | None:
    """The current directory, or None where it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _home() -> Path:
    """Where dropgan lies."""
    package = sys.modules[__name__.partition(".")[0]]
    return Path(str(package.__file__)).absolute().parents[1]


def _python_path() -> list[str]:
    """What the user put into PYTHONPATH; an empty entry, by which the current directory gets in, is none."""
    return [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
