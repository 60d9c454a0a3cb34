"""onnxruntime itself, and the execution provider that a device name selects."""

import ctypes
import os
import re
import sys
import warnings
import weakref
from typing import Any

from .errors import DeviceError, InputError, RuntimeMissingError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

_auto_fell_back = False
_open_sessions: "weakref.WeakSet[Any]" = weakref.WeakSet()


def _keep_sessions_of_the_parent() -> None:
    """Never destroy a session in a forked child.

    Its destructor would wait for threads that stayed in the parent. The extra reference costs nothing,
    because the pages are shared.
    """
    for session in _open_sessions:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_sessions_of_the_parent)


def load_onnxruntime() -> Any:
    """Import onnxruntime.

    Raises:
        RuntimeMissingError: onnxruntime is not installed, or its installation is broken.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeMissingError(
            f"onnxruntime cannot be loaded ({error}): install it with pip install 'dropgan[cpu]', or"
            " 'dropgan[gpu]' for an NVIDIA GPU"
        ) from error
    if not hasattr(onnxruntime, "InferenceSession"):
        raise RuntimeMissingError(
            "onnxruntime is damaged, most likely because onnxruntime and onnxruntime-gpu were both"
            " installed: dropgan doctor shows how to fix it"
        )
    return onnxruntime


def installed_runtimes() -> dict[str, str]:
    """Return the installed onnxruntime distributions and their versions; there should be exactly one."""
    import importlib.metadata  # slow to import, and only `doctor` asks

    found = {}
    for name in ("onnxruntime", "onnxruntime-gpu"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cuda_driver() -> Any:
    """Return the NVIDIA driver's library.

    Raises:
        OSError: It is not installed.
    """
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def has_nvidia_driver() -> bool:
    """Return True if the NVIDIA driver's library is installed, even if it finds no GPU."""
    try:
        cuda_driver()
    except OSError:
        return False
    return True


def nvidia_driver() -> str | None:
    """Return why the NVIDIA driver cannot be used, or None if it is installed and sees a GPU."""
    try:
        driver = cuda_driver()
    except OSError:
        return "no NVIDIA driver on this machine"
    status = driver.cuInit(0)
    if status != 0:
        return f"the NVIDIA driver finds no usable GPU (cuInit gave {status})"
    return None


def open_session(model: bytes, device: str, options: Any) -> Any:
    """Open an onnxruntime session on ``device`` that is safe to leave behind in a forked child.

    Args:
        model: Bytes of an ONNX file.
        device: ``auto`` (CUDA if it works, otherwise the CPU; if there is a driver but CUDA does not
            work, this is reported once per process), ``cpu``, ``cuda`` or ``cuda:N``.
        options: onnxruntime ``SessionOptions``.

    Returns:
        A session whose first provider is the requested one.

    Raises:
        InputError: ``device`` is none of these.
        DeviceError: CUDA was requested but does not work.
        RuntimeMissingError: onnxruntime is not installed.
    """
    match = re.fullmatch(r"auto|cpu|cuda(?::(\d{1,3}))?", device)
    if match is None:
        raise InputError(f"device must be auto, cpu, cuda or cuda:N, not {device!r}")
    session = _open(load_onnxruntime(), model, device, int(match.group(1) or 0), options)
    _open_sessions.add(session)
    return session


def _open(onnxruntime: Any, model: bytes, device: str, index: int, options: Any) -> Any:
    if device == "cpu":
        return onnxruntime.InferenceSession(model, options, providers=[CPU])
    if device == "auto" and (CUDA not in onnxruntime.get_available_providers() or not has_nvidia_driver()):
        # The CPU is what this machine has: nothing is fallen back from, and `doctor` says why.
        return onnxruntime.InferenceSession(model, options, providers=[CPU])
    reason, session = _try_cuda(onnxruntime, model, index, options)
    if session is not None:
        return session
    if device != "auto":
        raise DeviceError(f"device {device} does not work: {reason}; see dropgan doctor")
    _say_fall_back(reason)
    return onnxruntime.InferenceSession(model, options, providers=[CPU])


def _try_cuda(onnxruntime: Any, model: bytes, index: int, options: Any) -> tuple[str, Any]:
    """Open a session on CUDA device ``index``. Return ("", session), or (reason, None) if it fails."""
    if CUDA not in onnxruntime.get_available_providers():
        return "this onnxruntime has no CUDA, install dropgan[gpu] in place of dropgan[cpu]", None
    missing = nvidia_driver()
    if missing:
        return missing, None
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # CUDA and cuDNN from their wheels, where dropgan[cuda] put them
    # tf32 would round products to ten bits: pixels would differ from the CPU's and the parity proof.
    # The first GPU goes unnamed: for a device_id, onnxruntime from 1.26 on first looks for a plugin, and
    # warns on stderr that there is none.
    number = {"device_id": str(index)} if index else {}
    provider = (CUDA, {**number, "use_tf32": "0"})
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[provider, CPU])
    except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds, all mean the same here
        return str(error).splitlines()[0][:200], None
    if session.get_providers()[0] != CUDA:
        return "onnxruntime could not load its CUDA libraries, dropgan[cuda] brings them", None
    return "", session


def _say_fall_back(reason: str) -> None:
    global _auto_fell_back
    if not _auto_fell_back:
        _auto_fell_back = True
        warnings.warn(f"dropgan samples on the CPU: {reason}", RuntimeWarning, stacklevel=4)
