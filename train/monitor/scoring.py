"""Score during training: in a thread, on a copy of the weights, one score at a time."""

import copy
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from torch import Tensor, nn

from ..steps.state import TrainingState

Score = Callable[[nn.Module], dict[str, float]]
"""Called with the averaged generator, in eval mode, in another thread; gives one value by its name,
lower is better. It must not draw from torch's global generator, nor change torch's global settings."""


@dataclass(frozen=True)
class Scored:
    """A score, and the weights that it belongs to."""

    step: int
    seconds: float
    name: str
    value: float
    tensors: dict[str, Tensor]
    """``ema/...`` and ``discriminator/...`` as they were at that step."""


class BackgroundScoring:
    """Scores a copy of the averaged generator while training continues.

    A thread suffices, because PyTorch and numpy release the interpreter lock while they compute. At most one
    score runs at a time, so memory holds one copy and a slow score cannot fall behind.
    """

    def __init__(self, score: Score) -> None:
        self._score = score
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="dropgan-score")
        self._pending: Future[Scored] | None = None

    def submit(self, state: TrainingState) -> None:
        """Start to score the current weights. The previous score must have been harvested."""
        assert self._pending is None
        generator = copy.deepcopy(state.ema.module)
        discriminator = state.discriminator.state_dict()
        tensors = {f"ema/{name}": tensor for name, tensor in generator.state_dict().items()}
        tensors |= {f"discriminator/{name}": tensor.clone() for name, tensor in discriminator.items()}
        if state.steering is not None:
            tensors |= {f"steering/{name}": tensor for name, tensor in state.steering.tensors().items()}
        self._pending = self._executor.submit(self._run, generator, state.step, state.seconds, tensors)

    def harvest(self, *, wait: bool) -> Scored | None:
        """Return the running score if it is done, or wait for it; None if none is running.

        Raises:
            Exception: The exception that the score raised.
        """
        if self._pending is None or not (wait or self._pending.done()):
            return None
        scored = self._pending.result()
        self._pending = None
        return scored

    def close(self) -> None:
        """Accept no more scores."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _run(self, generator: nn.Module, step: int, seconds: float, tensors: dict[str, Tensor]) -> Scored:
        ((name, value),) = self._score(generator).items()
        return Scored(step, seconds, name, value, tensors)
