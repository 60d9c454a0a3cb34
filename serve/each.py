"""Individual samples of one model, each with its own seed and index."""

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import InputError
from .latents import check_range, check_truncation
from .seeds import seed_number


@dataclass(frozen=True)
class Each:
    """Checked seeds and indices of individual samples.

    Attributes:
        seeds: 0 to 2**64 - 1 each.
        indices: One for each seed, 0 or more.
        truncations: One for each seed, above 0 and at most 1.
    """

    seeds: list[int]
    indices: list[int]
    truncations: list[float]

    @classmethod
    def of(
        cls,
        seeds: Sequence[int | str],
        indices: Sequence[int] | int = 0,
        truncation: Sequence[float] | float = 1.0,
    ) -> "Each":
        """Check seeds and indices. One index or truncation applies to all samples.

        Raises:
            InputError: A value is out of range, or the number of values differs from that of the seeds.
        """
        if isinstance(seeds, str):
            raise InputError("seeds are a list, one for each sample; for a single seed use sample")
        numbers = [seed_number(seed) for seed in seeds]
        places = [indices] * len(numbers) if isinstance(indices, int) else list(indices)
        factors = [truncation] * len(numbers) if isinstance(truncation, int | float) else list(truncation)
        for what, given in (("indices", places), ("truncations", factors)):
            if len(given) != len(numbers):
                raise InputError(f"there are {len(numbers)} seeds, but {len(given)} {what}")
        for seed, index in zip(numbers, places, strict=True):
            check_range(1, seed, index)
        for factor in set(factors):
            check_truncation(factor)
        return cls(numbers, places, factors)

    def __len__(self) -> int:
        return len(self.seeds)
