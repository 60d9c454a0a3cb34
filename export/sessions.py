"""Plain onnxruntime sessions on the CPU, for measurements of a file."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropgan.serve.kinds.vectors import rounded_apart
from dropgan.serve.loading import read_onnx
from dropgan.serve.loading.wire import encode_varint
from dropgan.serve.providers import CPU, load_onnxruntime

from .inputs import Feed, rows

_BATCH = 256
_GRAPH, _OUTPUT, _NAME = 7, 12, 1  # fields of ONNX's ModelProto, GraphProto and ValueInfoProto


def cpu_session(model: bytes, *, optimised: bool = True, threads: int = 0) -> Any:
    """Open a file's bytes on the CPU.

    Args:
        model: The file's bytes.
        optimised: Let onnxruntime rewrite the graph, as it does by default.
        threads: Threads for one batch; 0 leaves it to onnxruntime.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=[CPU])


def outputs(session: Any, feed: Feed, place: int = 0) -> NDArray[Any]:
    """Return one output (the first by default) for all samples of a feed, in batches of 256."""
    starts = range(0, len(feed["latents"]), _BATCH)
    return np.concatenate([session.run(None, rows(feed, first, _BATCH))[place] for first in starts])


def optimised_difference(
    model: bytes, feed: Feed, step: ArrayLike = 1.0, rounded: NDArray[np.bool_] | None = None
) -> float:
    """Return the difference between the graph that onnxruntime optimises for this processor and the one in
    the file.

    Everyone runs the first; the file defines the second. Byte kernels that saturate, or round differently,
    show here and nowhere else.

    Args:
        model: The file's bytes.
        feed: Its inputs.
        step: Unit of the differences of a sample's values.
        rounded: Mask of the values that the file rounds to whole numbers, bool [values]. They are compared
            with the graph's values before rounding, see `rounded_apart`: next to a half either neighbour
            is right, elsewhere only one.

    Returns:
        The largest difference of any value.
    """
    exact = None if rounded is None else _unrounded(model)
    told = model if exact is None else _also_giving(model, exact)
    made = outputs(cpu_session(model), feed)
    plain = outputs(cpu_session(told, optimised=False), feed, place=-1)
    apart = rounded_apart(made, plain, None if exact is None else rounded)
    return float((apart / np.asarray(step)).max(initial=0))


def _unrounded(model: bytes) -> str | None:
    """Return the name of the output before it is rounded, or None if a file has no such value."""
    graph = read_onnx(model).graph
    last = next((node for node in graph.nodes if graph.outputs[0].name in node.outputs), None)
    return last.inputs[2] if last is not None and last.op == "Where" else None


def _also_giving(model: bytes, value: str) -> bytes:
    """Return the same file with one more output at its end.

    If an encoded message contains a field twice, protocol buffers merge the two. A second graph that contains
    nothing but an output therefore adds it to the first.
    """

    def field(number: int, content: bytes) -> bytes:
        return encode_varint(number << 3 | 2) + encode_varint(len(content)) + content

    return model + field(_GRAPH, field(_OUTPUT, field(_NAME, value.encode())))
