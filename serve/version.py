"""The version of the dropgan that runs, which need not be the one that is installed."""

from importlib import import_module

VERSION: str = import_module("dropgan").__version__
