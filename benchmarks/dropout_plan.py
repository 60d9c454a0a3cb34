"""The runs of the dropout study: the settings, data, seeds and steps for each question."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

CLOTHES, COLOUR = "clothes", "colour"
CPU, CUDA = "cpu", "cuda"
STEPS, EARLIER_STEPS, QUICK_STEPS = 3000, 1000, 400
BESIDE_STEPS = 2500
"""For kinds and other regularisers: a length of its own, so that what they are compared with is made by the
same machine."""
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


def joined(ones: Settings, others: Settings) -> Settings:
    """Both."""
    return {**ones, **others}


FIXED = (0.0, 0.1, 0.3, 0.5)
"""Rates in the discriminator."""
SMALL, SIZES = (500, 2000), (500, 8000, 58_000)
BEST = 0.3
"""Rate of the discriminator at which places, kinds, schedules and other regularisers are compared."""
AUTO: dict[str, Settings] = {
    "auto, target 0.5": rates(0.0, "auto", discriminator__dropout_target=0.5),
    "auto, target 0.6": rates(0.0, "auto", discriminator__dropout_target=0.6),
    "auto, target 0.4": rates(0.0, "auto", discriminator__dropout_target=0.4),
    "auto, held out, target 0.4": rates(
        0.0, "auto", discriminator__held_out=0.1, discriminator__dropout_target=0.4
    ),
}
DEFAULT_AUTO = "auto, target 0.4"
"""What ``dropout = "auto"`` alone does."""
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
    "a share of 0.75": {**EARLIER_GAP, "generator.dropout_share": 0.75},
    "linear to 0": {**EARLIER_GAP, "generator.dropout_schedule": "linear"},
}
GENERATOR, DISCRIMINATOR = (0.0, 0.1, 0.5), (0.0, BEST, 0.5)
"""Rates for the map of both."""
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
    "R1": {},
    "no R1": {"penalty.r1_weight": 0.0},
    "R1 and augmentation": {"training.augmentation": ["translation", "cutout"]},
    "spectral norm, no R1": {"discriminator.spectral_norm": True, "penalty.r1_weight": 0.0},
    "R1 and label smoothing 0.1": {"training.label_smoothing": 0.1},
    "R1 and spectral norm": {"discriminator.spectral_norm": True},
}
NORMED = joined(rates(0.0, 0.0), REGULARISERS["spectral norm, no R1"])
"""The best of them on 500 images, for more."""
ARTICLE = ((0.5, 0.5), (0.0, 0.0), (0.0, 0.5), (0.5, 0.0))
"""Rates of both networks in the article's recipe, its own first."""
CONVOLUTIONS, CONVOLUTION_STEPS, COLOUR_STEPS = (0.0, 0.1, 0.3), 2000, 6000
"""Rates of recipe conv, whose batches are a quarter of those of mlp."""


def whole() -> Iterator[Trial]:
    """All runs, each once, those of the first questions first, and of each setting all seeds."""
    runs: dict[str, Trial] = {}
    for of_a_setting in _settings():
        for seed in SEEDS:
            trial = replace(of_a_setting, seed=seed)
            runs.setdefault(trial.key, trial)
    yield from runs.values()


def _settings() -> Iterator[Trial]:
    """The run of the first seed of each."""

    def one(part: str, images: int, settings: Settings, steps: int = STEPS, **more: str) -> Trial:
        return Trial(part, images, 0, steps, settings, **more)

    for images in SMALL:
        for settings in (*(rates(0.0, rate) for rate in FIXED), *list(AUTO.values())[1:]):
            yield one("rates", images, settings)
    for generator, rate in ARTICLE:
        yield one("article", 500, rates(generator, rate), recipe="seed")
    for settings in (rates(0.0, 0.0), rates(0.0, BEST), *KINDS.values()):
        yield one("kinds", 500, settings, BESIDE_STEPS)
    for other, rate in itertools.product(REGULARISERS.values(), (0.0, BEST)):
        yield one("beside", 500, joined(rates(0.0, rate), other), BESIDE_STEPS)
    for generator, rate in itertools.product(GENERATOR, DISCRIMINATOR):
        yield one("both", 500, rates(generator, rate), BESIDE_STEPS)
    for settings in (GAP, *REMEDIES.values()):
        yield one("gap", 500, settings, BESIDE_STEPS)
    for images, rate in itertools.product(SIZES[1:], (0.0, BEST)):
        yield one("size", images, rates(0.0, rate), BESIDE_STEPS)
    for rate in CONVOLUTIONS:
        yield one("conv", 500, rates(0.0, rate), CONVOLUTION_STEPS, recipe="conv")
    # What follows takes a processor too long.
    for rate in CONVOLUTIONS:
        yield one("colour", 2000, rates(0.0, rate), COLOUR_STEPS, recipe="conv", data=COLOUR, device=CUDA)
    for images in SMALL:  # between the two that were tried first
        yield one("rates", images, next(iter(AUTO.values())))
    yield one("size", SIZES[1], NORMED, BESIDE_STEPS)


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
