"""The errors that dropgan raises on purpose.

Each message is one line that says what is wrong and what to do; the command line prints it as it
is and exits with ``exit_code``. Whatever else escapes is a bug.
"""

import errno


class DropganError(Exception):
    """Base of every error that dropgan raises on purpose."""

    exit_code = 1
    leave_at_once = False
    """Whether a process that ends with it must not clean up behind itself."""


class ModelError(DropganError):
    """A model file that is missing, damaged, not ONNX, or not one of dropgan's."""


class MissingModelError(ModelError, FileNotFoundError):
    """A model file that is not there."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.errno = errno.ENOENT


class DeviceError(DropganError):
    """A device that was asked for does not exist or does not work."""


class RuntimeMissingError(DropganError):
    """onnxruntime is not installed."""


class MissingExtraError(DropganError):
    """A package that only one of the extras installs is needed here and absent."""


class ClusterError(DropganError):
    """A cluster that cannot be reached."""


class InputError(DropganError, ValueError):
    """An argument of the wrong shape, type or range."""


class OptionError(InputError):
    """Options that do not go together, or that have no meaning for what they are given to."""

    exit_code = 2


class OutputError(DropganError):
    """An output that cannot be written where it was asked for."""


def told(name: str, message: str) -> Exception:
    """The error of which another process told the name and the message."""
    if name == MemoryError.__name__:
        return MemoryError(message)
    kind = globals().get(name)
    if isinstance(kind, type) and issubclass(kind, DropganError):
        return kind(message)
    return DropganError(message)
