"""How charts look: as dropgan draws them, whatever a matplotlibrc says."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_style() -> Iterator[None]:
    """Within it matplotlib's own defaults hold; also a decorator for what draws.

    matplotlib reads a matplotlibrc from the current directory, and ``text.usetex`` in one, which many
    have in their own settings, sets every label with LaTeX: a program that may be missing, and that
    obeys commands in the names of columns.
    """
    import matplotlib.style  # takes a second, which no step should wait for

    with matplotlib.style.context("default", after_reset=True):
        yield
