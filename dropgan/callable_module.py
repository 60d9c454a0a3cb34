"""Subpackages that can be called as functions."""

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """A module that calls the function of its own name."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **options)


def make_callable(name: str) -> None:
    """Make the module ``dropgan.x`` callable as ``dropgan.x.x``.

    Args:
        name: The module's full name, its ``__name__``.
    """
    sys.modules[name].__class__ = _CallableModule
