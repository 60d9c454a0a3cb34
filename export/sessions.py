"""Bare onnxruntime sessions on the CPU, for what measures a file rather than samples from it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropgan.serve.providers import CPU, load_onnxruntime

from .inputs import Feed, rows

_BATCH = 256
_NEXT_TO_A_HALF = 0.05  # of a column's values, at most: more is another graph


def cpu_session(model: bytes, *, optimised: bool = True, threads: int = 0) -> Any:
    """Open a file's bytes on the CPU.

    Args:
        model: The file's bytes.
        optimised: Whether onnxruntime may rewrite the graph, as it does by default.
        threads: Of one batch; 0 leaves it to onnxruntime.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=[CPU])


def outputs(session: Any, feed: Feed) -> NDArray[Any]:
    """The first output for all samples of a feed, in batches of 256."""
    starts = range(0, len(feed["latents"]), _BATCH)
    return np.concatenate([session.run(None, rows(feed, first, _BATCH))[0] for first in starts])


def optimised_difference(
    model: bytes, feed: Feed, step: ArrayLike = 1.0, rounded: NDArray[np.bool_] | None = None
) -> float:
    """How far the graph that onnxruntime optimises for this processor is from the graph in the file.

    The first is what everyone runs, the second what the file says. Byte kernels that saturate, or
    round elsewhere, show here and nowhere else.

    Args:
        model: The file's bytes.
        feed: Its inputs.
        step: What differences of the values of a sample are measured in.
        rounded: Which values the file rounds to whole numbers, bool [values]. Of one next to a half
            either neighbour is right: where no more than one in twenty differs by 1, that counts as 0.

    Returns:
        The largest difference of any value.
    """
    made, plain = (
        outputs(cpu_session(model, optimised=optimised), feed).astype(np.float64)
        for optimised in (True, False)
    )
    apart = np.abs(made - plain)
    if rounded is not None:
        rare = (apart == 1).mean(0) <= _NEXT_TO_A_HALF
        apart = np.where(rounded & rare & (apart == 1), 0, apart)
    return float((apart / np.asarray(step)).max(initial=0))
