"""The error of an export."""

from dropgan.serve.errors import DropganError


class ExportError(DropganError):
    """The generator cannot be exported with these options."""
