"""Recognise that memory ran out, whatever words a library uses for it."""

from collections.abc import Iterator

from dropgan.serve.errors import DropganError

_SAID = (
    "can't allocate memory",  # PyTorch on the CPU
    "not enough memory",
    "CUDA out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "bad_alloc",  # onnxruntime and other C++
    "bad allocation",
    "Failed to allocate memory",
    "Cannot allocate memory",  # the operating system
    "failed to map segment",  # its loader of libraries
    "can't start new thread",  # Python, where there is no room for a thread's stack
    "BFCArena",  # onnxruntime's allocator on CUDA
)

_REMEDIES = {
    "train": "use a smaller training.batch_size, smaller networks or smaller images (--set, --size)",
    "run": "use a smaller training.batch_size, smaller networks or smaller images (--set, --size)",
    "sample": "use a smaller --batch-size, --workers 1, or a directory of shards instead of one file",
    "export": "close other programs, export on a larger machine, or train smaller networks",
    "evaluate": "use fewer samples (-n)",
    "inspect": "use fewer samples (-n)",
}


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if an error means that memory ran out.

    That is a MemoryError, what libraries raise instead, or an error caused by one of these, unless it
    describes the memory problem itself.
    """
    if isinstance(error, DropganError) and "memory" in str(error) and not _says_so(error):
        return False
    return any(isinstance(one, MemoryError) or _says_so(one) for one in _chain(error))


def _says_so(error: BaseException) -> bool:
    known = isinstance(error, RuntimeError | OSError | ImportError | DropganError)
    return (known or type(error).__module__.startswith("onnxruntime")) and any(
        said in str(error) for said in _SAID
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def out_of_memory(error: BaseException, command: str) -> str:
    """Return one line that says that memory ran out, what was requested, and what to do.

    Args:
        error: The exception.
        command: The command that was running.
    """
    lines = [line for one in _chain(error) for line in str(one).splitlines() if line.strip()]
    asked = f" ({lines[0][:200]})" if lines else ""
    return f"out of memory{asked}: {_REMEDIES.get(command, 'close other programs, or use a larger machine')}"
