"""Sweeps: compare settings by training with each. Needs the extra ``dropgan[train]``."""

from dropgan.callable_module import make_callable

from .axes import Range, SweepError
from .calls import sweep
from .results import Group, Results

__all__ = ["Group", "Range", "Results", "SweepError", "sweep"]

make_callable(__name__)
