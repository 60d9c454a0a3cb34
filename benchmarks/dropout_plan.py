"""The runs of the study of dropout: which settings, data, seeds and steps each question needs."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CLOTHES, COLOUR = "clothes", "colour"
CPU, CUDA = "cpu", "cuda"
STEPS, EARLIER_STEPS, QUICK_STEPS = 2000, 1000, 400
SEEDS = range(3)

Settings = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """A run of the study."""

    part: str
    """The question that it belongs to."""
    images: int
    seed: int
    steps: int
    settings: Settings = field(default_factory=dict)
    recipe: str = "mlp"
    data: str = CLOTHES
    device: str = CPU
    """Where it is trained: runs that are compared are trained on one kind of device."""

    @property
    def key(self) -> str:
        """What tells it from all others; a run of two parts is made once."""
        what = [self.images, self.seed, self.steps, self.settings, self.recipe, self.data, self.device]
        return json.dumps(what, sort_keys=True)

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Trial":
        """The run that a line records."""
        more = {name: row[name] for name in ("recipe", "data", "device") if name in row}
        return cls(row["part"], row["images"], row["seed"], row["steps"], row["settings"], **more)


def rates(generator: float, discriminator: float | str, **more: Any) -> Settings:
    """The settings of a pair of rates, and others, with ``__`` for the dot of their keys."""
    others = {key.replace("__", "."): value for key, value in more.items()}
    return {"generator.dropout": generator, "discriminator.dropout": discriminator, **others}


FIXED = (0.0, 0.1, 0.3, 0.5)
"""Rates in the discriminator."""
GENERATOR = (0.0, 0.1, 0.5)
SMALL, ALL = (500, 2000), 58_000
BEST = 0.3
"""Rate of the discriminator at which kinds, schedules and other regularisers are compared."""
AUTO: dict[str, Settings] = {
    "auto": rates(0.0, "auto"),
    "auto, held out": rates(0.0, "auto", discriminator__held_out=0.1),
}
GAP = rates(0.5, 0.0)
REMEDIES: dict[str, Settings] = {
    "a share of 0.5": {**GAP, "generator.dropout_share": 0.5},
    "a share of 0.75": {**GAP, "generator.dropout_share": 0.75},
    "linear to 0": {**GAP, "generator.dropout_schedule": "linear"},
    "early": {**GAP, "generator.dropout_schedule": "early"},
}
EARLIER_GAP = rates(0.5, 0.2)
EARLIER_REMEDIES: dict[str, Settings] = {
    "a share of 0.5": {**EARLIER_GAP, "generator.dropout_share": 0.5},
    "linear to 0": {**EARLIER_GAP, "generator.dropout_schedule": "linear"},
}
KINDS: dict[str, Settings] = {
    "gaussian": rates(0.0, BEST, discriminator__dropout_kind="gaussian"),
    "lognormal": rates(0.0, BEST, discriminator__dropout_kind="lognormal"),
    "behind the last layer": rates(0.0, BEST, discriminator__dropout_layers="last"),
    "late": rates(0.0, BEST, discriminator__dropout_schedule="late"),
    "early": rates(0.0, BEST, discriminator__dropout_schedule="early"),
    "linear to 0": rates(0.0, BEST, discriminator__dropout_schedule="linear"),
    "consistency 1": rates(0.0, BEST, penalty__consistency_weight=1.0),
}
REGULARISERS: dict[str, Settings] = {
    "no R1": {"penalty.r1_weight": 0.0},
    "R1 and label smoothing 0.1": {"training.label_smoothing": 0.1},
    "R1 and spectral norm": {"discriminator.spectral_norm": True},
    "spectral norm, no R1": {"discriminator.spectral_norm": True, "penalty.r1_weight": 0.0},
    "R1 and augmentation": {"training.augmentation": ["translation", "cutout"]},
}
ARTICLE = ((0.5, 0.5), (0.0, 0.0), (0.0, 0.5), (0.5, 0.0))
"""Rates of both networks in the article's recipe, its own first."""
CONVOLUTIONS = (0.0, 0.1, 0.3)


def whole() -> Iterator[Trial]:
    """All runs; those of the first questions first, and of a question all settings before the next seed."""
    for seed in SEEDS:
        for images, rate in itertools.product(SMALL, FIXED):
            yield Trial("rates", images, seed, STEPS, rates(0.0, rate))
        for images, settings in itertools.product(SMALL, AUTO.values()):
            yield Trial("auto", images, seed, STEPS, settings)
    for seed in SEEDS:
        for settings in (GAP, *REMEDIES.values()):
            yield Trial("gap", 500, seed, STEPS, settings)
    for seed in SEEDS:
        for images, rate in itertools.product((8000, ALL), (0.0, 0.1, 0.5)):
            yield Trial("rates", images, seed, STEPS, rates(0.0, rate))
        for generator, rate in itertools.product((0.1, 0.5), (0.0, BEST)):
            yield Trial("both", 500, seed, STEPS, rates(generator, rate))
    for seed in SEEDS:
        for generator, rate in ARTICLE:
            yield Trial("article", 500, seed, STEPS, rates(generator, rate), recipe="seed")
    yield from on_a_gpu()


def on_a_gpu() -> Iterator[Trial]:
    """Those that would take a processor too long, with what they are compared with."""
    for seed in SEEDS:
        for rate in CONVOLUTIONS:
            yield Trial("colour", 2000, seed, STEPS, rates(0.0, rate), "conv", COLOUR, CUDA)
    for seed in SEEDS:
        for rate in CONVOLUTIONS:
            yield Trial("conv", 500, seed, STEPS, rates(0.0, rate), "conv", device=CUDA)
    for seed in SEEDS:
        for rate in (0.0, BEST):
            yield Trial("beside", 500, seed, STEPS, rates(0.0, rate), device=CUDA)
        for settings in KINDS.values():
            yield Trial("kinds", 500, seed, STEPS, settings, device=CUDA)
    for seed in SEEDS:
        for other, rate in itertools.product(REGULARISERS.values(), (0.0, BEST)):
            yield Trial("beside", 500, seed, STEPS, {**rates(0.0, rate), **other}, device=CUDA)


def earlier() -> Iterator[Trial]:
    """Those of half the length that were made first, on another machine."""
    for seed in SEEDS:
        for images, generator, rate in (
            *itertools.product((500,), (0.0, 0.1, 0.5), (0.0, 0.2, 0.5)),
            *itertools.product((2000, 8000), (0.0,), (0.0, 0.2, 0.5)),
        ):
            yield Trial("rates", images, seed, EARLIER_STEPS, rates(generator, rate))
        for settings in EARLIER_REMEDIES.values():
            yield Trial("gap", 500, seed, EARLIER_STEPS, settings)


def quick() -> Iterator[Trial]:
    """A part of it that shows the direction in a quarter of an hour on two cores."""
    for seed, (generator, discriminator) in itertools.product(range(2), ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5))):
        yield Trial("rates", 500, seed, QUICK_STEPS, rates(generator, discriminator))
