"""Run a model on preallocated arrays that a GPU can read and write directly.

onnxruntime's I/O binding lets a model write straight into a caller's array, on any provider. A GPU's copy
engine reaches ordinary memory only through a staging buffer of the driver, but page-locked memory directly
and while the GPU computes. The kind of memory changes the speed and nothing else.
"""

import ctypes
import math
import mmap
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .providers import CUDA, cuda_driver

_PORTABLE = 1  # CU_MEMHOSTREGISTER_PORTABLE: page-locked for every CUDA context


def run_bound(session: Any, feed: dict[str, NDArray[Any]], output: str, images: NDArray[Any]) -> None:
    """Run ``session`` on the arrays of ``feed`` and write the result into ``images``.

    Args:
        session: An onnxruntime session.
        feed: C-contiguous array of each input by name: latents, and labels if there are classes.
        output: Name of the output.
        images: C-contiguous array with the output's type and the shape for n samples; it is overwritten.
    """
    binding = session.io_binding()  # each call its own: a binding must not be shared between threads
    for name, values in feed.items():
        binding.bind_cpu_input(name, values)  # a GPU's copy of them is made here
    binding.bind_output(output, "cpu", 0, images.dtype, images.shape, images.ctypes.data)
    session.run_with_iobinding(binding)


def host_array(shape: tuple[int, ...], dtype: DTypeLike, session: Any) -> NDArray[Any]:
    """Return an uninitialised array for `run_bound`, page-locked if ``session`` runs on CUDA.

    If page-locking fails (some systems limit its amount), the array is an ordinary one.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if session.get_providers()[0] != CUDA or not size:
        return np.empty(shape, dtype=dtype)
    device = int(session.get_provider_options()[CUDA].get("device_id", 0))
    pages = mmap.mmap(-1, size)  # whole pages that are nobody else's
    array = np.frombuffer(pages, dtype=dtype)
    unlock = page_lock(cuda_driver(), array.ctypes.data, size, device)
    if unlock is not None:
        # Before the pages go; a process that ends need not wait for it.
        weakref.finalize(array, _unlock, unlock, pages).atexit = False
    return array.reshape(shape)


def page_lock(driver: Any, address: int, size: int, device: int) -> Callable[[], None] | None:
    """Page-lock memory for a CUDA device.

    Args:
        driver: The CUDA driver's library.
        address: Address of the memory's first byte.
        size: Size in bytes.
        device: Number of the CUDA device.

    Returns:
        A function that unlocks the memory, or None if page-locking failed.
    """
    handle, context = ctypes.c_int(), ctypes.c_void_p()
    if driver.cuDeviceGet(ctypes.byref(handle), device) != 0:
        return None
    # onnxruntime uses the device's primary context; retained here, it lives until the unlocking.
    if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), handle) != 0:
        return None

    def within(call: Callable[[], int]) -> bool:
        if driver.cuCtxPushCurrent_v2(context) != 0:
            return False
        try:
            return call() == 0
        finally:
            driver.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))

    pointer = ctypes.c_void_p(address)

    def unlock() -> None:
        within(lambda: int(driver.cuMemHostUnregister(pointer)))
        driver.cuDevicePrimaryCtxRelease_v2(handle)

    if within(lambda: int(driver.cuMemHostRegister_v2(pointer, ctypes.c_size_t(size), _PORTABLE))):
        return unlock
    driver.cuDevicePrimaryCtxRelease_v2(handle)
    return None


def _unlock(unlock: Callable[[], None], pages: mmap.mmap) -> None:
    """Unlock memory. The call holds ``pages``, so they outlive the lock."""
    unlock()
