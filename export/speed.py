"""How fast model files run against each other on one thread."""

import statistics
import time
from collections.abc import Sequence

from dropgan.serve.providers import CPU, load_onnxruntime

from .inputs import Inputs

_BATCH = 128
_SECONDS = 0.05


def rates(models: Sequence[bytes], latent_dim: int, *, classes: int = 0, rounds: int = 9) -> list[float]:
    """Samples a second of each model, medians over rounds in which all take turns.

    On one thread and batches of 128, bare onnxruntime, inputs ready-made. Taking turns keeps what
    else the machine does from favouring one of them: trust the ratios, not the figures.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    sessions = [onnxruntime.InferenceSession(model, options, providers=[CPU]) for model in models]
    given = Inputs(latent_dim, classes)(_BATCH, seed=0)
    seen: list[list[float]] = [[] for _ in models]
    for _ in range(rounds):
        for session, found in zip(sessions, seen, strict=True):
            done, started = 0, time.perf_counter()
            while time.perf_counter() - started < _SECONDS:
                session.run(None, given)
                done += _BATCH
            found.append(done / (time.perf_counter() - started))
    return [statistics.median(found) for found in seen]
