"""The source of samples: a `Generator` in this process, or a `Client` of a service."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .card import Card


class Source(Protocol):
    """The members that writing samples needs. They mean the same as those of `Generator`."""

    @property
    def card(self) -> Card: ...
    @property
    def digest(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def runtime_version(self) -> str: ...
    @property
    def sample_shape(self) -> tuple[int, ...]: ...
    @property
    def sample_dtype(self) -> np.dtype[Any]: ...
    @property
    def classes(self) -> int: ...
    @property
    def class_numbers(self) -> tuple[int, ...]: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...

    def sample(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
    ) -> NDArray[Any]: ...

    def labels(
        self, count: int, *, seed: int | str = 0, start: int = 0, labels: ArrayLike | str | None = None
    ) -> NDArray[np.int64]: ...

    def draw(
        self,
        count: int,
        *,
        seed: int | str = 0,
        start: int = 0,
        labels: ArrayLike | str | None = None,
        truncation: float = 1.0,
        buffer: NDArray[np.float32] | None = None,
    ) -> Any: ...

    def render(self, drawn: Any, samples: NDArray[Any], *, batch_size: int | None = None) -> None: ...

    def latent_buffer(self, count: int) -> NDArray[np.float32]: ...

    def sample_buffer(self, count: int) -> NDArray[Any]: ...
