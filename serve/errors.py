"""The errors that dropgan raises on purpose.

Each message is one line that says what is wrong and what to do. The command line prints it and exits with
``exit_code``. Any other exception is a bug.
"""

import errno


class DropganError(Exception):
    """Base class of every error that dropgan raises on purpose."""

    exit_code = 1
    leave_at_once = False
    """True if a process that ends with it must not clean up behind itself."""


class ModelError(DropganError):
    """A model file is missing, damaged, not ONNX, or not made by dropgan."""


class MissingModelError(ModelError, FileNotFoundError):
    """A model file does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.errno = errno.ENOENT


class DeviceError(DropganError):
    """The requested device does not exist or does not work."""


class RuntimeMissingError(DropganError):
    """onnxruntime is not installed."""


class MissingExtraError(DropganError):
    """A package from an optional extra is needed and not installed."""


class ClusterError(DropganError):
    """A cluster cannot be reached."""


class InputError(DropganError, ValueError):
    """An argument has the wrong shape, type or range."""


class OptionError(InputError):
    """Options contradict each other or do not apply."""

    exit_code = 2


class OutputError(DropganError):
    """An output cannot be written."""


def told(name: str, message: str) -> Exception:
    """Rebuild the error of another process from its name and message."""
    if name == MemoryError.__name__:
        return MemoryError(message)
    kind = globals().get(name)
    if isinstance(kind, type) and issubclass(kind, DropganError):
        return kind(message)
    return DropganError(message)
