"""Running out of memory, in whatever words a library says it."""

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
    "BFCArena",  # onnxruntime's allocator on CUDA
)

_REMEDIES = {
    "train": "a smaller training.batch_size, smaller networks or images (--set, --size) need less",
    "run": "a smaller training.batch_size, smaller networks or images (--set, --size) need less",
    "sample": "a smaller --batch-size, one of --workers 1, or a directory of shards in place of one file"
    " need less",
    "evaluate": "fewer samples (-n) need less",
    "inspect": "fewer samples (-n) need less",
}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out: a MemoryError, or what libraries raise in its place."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and any(said in str(error) for said in _SAID)


def out_of_memory(error: BaseException, command: str) -> str:
    """One line: that memory ran out, what was asked for, and what to do.

    Args:
        error: What was raised.
        command: The command that was running.
    """
    lines = [line for line in str(error).splitlines() if line.strip()]
    asked = f" ({lines[0][:200]})" if lines else ""
    return f"out of memory{asked}: {_REMEDIES.get(command, 'close other programs, or take a larger machine')}"
