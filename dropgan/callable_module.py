"""Subpackages that can be called as functions."""

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """A module whose call is that of the function of its own name in it."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **options)


def make_callable(name: str) -> None:
    """Let the module ``dropgan.x`` be called as ``dropgan.x.x``.

    Args:
        name: The module's full name, its ``__name__``.
    """
    sys.modules[name].__class__ = _CallableModule
