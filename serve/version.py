"""The version of the running dropgan, which may differ from the installed one."""

from importlib import import_module

VERSION: str = import_module("dropgan").__version__
