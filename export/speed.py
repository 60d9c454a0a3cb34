"""Compare the speed of model files on one thread."""

import statistics
import time
from collections.abc import Sequence

from .inputs import Inputs
from .sessions import cpu_session

_BATCH = 128
_SECONDS = 0.05


def rates(models: Sequence[bytes], latent_dim: int, *, classes: int = 0, rounds: int = 9) -> list[float]:
    """Return samples per second of each model, as medians over rounds in which all take turns.

    They run on one thread in batches of 128, in plain onnxruntime with prepared inputs. Time is the thread's
    CPU time, and the turns keep other load on the machine from favouring one of them. Trust the ratios, not
    the figures.
    """
    sessions = [cpu_session(model, threads=1) for model in models]
    given = Inputs(latent_dim, classes)(_BATCH, seed=0)
    seen: list[list[float]] = [[] for _ in models]
    for _ in range(rounds):
        for session, found in zip(sessions, seen, strict=True):
            done, started = 0, time.thread_time()
            while time.thread_time() - started < _SECONDS:
                session.run(None, given)
                done += _BATCH
            found.append(done / (time.thread_time() - started))
    return [statistics.median(found) for found in seen]
