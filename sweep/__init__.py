"""Sweeps: which settings are best, found by training with each. Needs the extra ``dropgan[train]``."""

from dropgan.callable_module import make_callable

from .axes import Range, SweepError
from .results import Group, Results
from .sweep import sweep

__all__ = ["Group", "Range", "Results", "SweepError", "sweep"]

make_callable(__name__)
