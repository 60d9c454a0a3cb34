"""A model opened in onnxruntime that survives forking and pickling."""

import os
import threading
from collections.abc import Callable
from typing import Any

from numpy.typing import DTypeLike, NDArray

from .binding import host_array, run_bound
from .errors import InputError, ModelError
from .providers import load_onnxruntime, open_session
from .tiles import tile_for


class Session:
    """A model that passed the screen, opened on one device.

    onnxruntime's threads stay in the parent when a process forks, and its sessions cannot be pickled. In a
    child and after unpickling, the model is therefore opened again from its bytes. Threads may share a
    session.

    Attributes:
        model: Bytes of the file.
        name: Name of the model in error messages.
        provider: Name of the execution provider that runs it.
        tile: Number of rows that every run must have on this provider, see `tile_for`.
    """

    def __init__(self, model: bytes, name: str, *, device: str, threads: int | None) -> None:
        """Open the model.

        Args:
            model: Bytes of the file.
            name: Name of the model in error messages.
            device: As for `Generator`.
            threads: CPU threads of one batch; None leaves it to onnxruntime.

        Raises:
            ModelError: onnxruntime cannot load the model.
            DeviceError: CUDA was requested but does not work.
            InputError: ``device`` is not the name of a device.
            RuntimeMissingError: onnxruntime is not installed.
        """
        self.model, self.name = model, name
        self._device, self._threads = device, threads
        self._lock = threading.Lock()
        self._open()

    def run(self, output: str, feed: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the output with this name for the inputs in ``feed``.

        Raises:
            ModelError: onnxruntime could not run the file, perhaps for lack of memory.
        """
        result: NDArray[Any] = self._guarded(lambda: self._session.run([output], feed)[0])
        return result

    def run_into(self, output: str, feed: dict[str, NDArray[Any]], samples: NDArray[Any]) -> None:
        """Write the output into an existing C-contiguous array.

        Raises:
            ModelError: As for `run`.
        """
        self._guarded(lambda: run_bound(self._session, feed, output, samples))

    def host_array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an uninitialised array for `run_into`, page-locked if the device is CUDA."""
        return host_array(shape, dtype, self._session)

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """Call onnxruntime in the process that opened the session; turn its exceptions into ModelError."""
        if self._process != os.getpid():  # forked
            with self._lock:
                if self._process != os.getpid():
                    self._open()
        try:
            return call()
        except Exception as error:  # with I/O binding onnxruntime raises plain RuntimeErrors
            if isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime"):
                raise ModelError(f"{self.name} cannot be run: {_first_line(error)}") from error
            raise

    def _open(self) -> None:
        onnxruntime = load_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised; onnxruntime need not print it too
        if self._threads is not None:
            options.intra_op_num_threads = self._threads
        try:
            self._session = open_session(self.model, self._device, options)
        except (RuntimeError, ValueError, NotImplementedError) as error:
            if isinstance(error, InputError):
                raise
            raise ModelError(f"{self.name} cannot be loaded: {_first_line(error)}") from error
        except Exception as error:
            if type(error).__module__.startswith("onnxruntime"):
                raise ModelError(f"{self.name} cannot be loaded: {_first_line(error)}") from error
            raise
        self.provider = str(self._session.get_providers()[0])
        self.tile = tile_for(self.provider)
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for transient in ("_session", "_lock", "_process"):
            del state[transient]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
        self._open()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
