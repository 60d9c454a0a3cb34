"""The style of charts, independent of any matplotlibrc."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_style() -> Iterator[None]:
    """Use matplotlib's own defaults for the block; also a decorator.

    matplotlib reads a matplotlibrc from the current directory. If it or the user's own settings have
    ``text.usetex``, every label is set with LaTeX, which may be missing, and which obeys commands in the
    names of columns.
    """
    import matplotlib.style  # takes a second, which no step should wait for

    with matplotlib.style.context("default", after_reset=True):
        yield
