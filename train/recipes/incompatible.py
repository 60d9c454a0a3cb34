"""Which settings are refused together, and why; docs/training.md shows the same table."""

from collections.abc import Callable
from dataclasses import dataclass

from .settings import Recipe


@dataclass(frozen=True)
class Incompatible:
    """A combination of settings with which no run begins."""

    combination: str
    """In words and settings."""
    why: str
    """One line."""
    found: Callable[[Recipe], bool]
    """Whether a recipe has it."""


def _batch_norm_behind_dropout(recipe: Recipe) -> bool:
    return any(
        network.normalisation == "batch"
        and network.dropout > 0
        and network.dropout_layers == "all"
        and (recipe.architecture != "mlp" or len(network.hidden) > 1)
        for network in (recipe.generator, recipe.discriminator)
    )


INCOMPATIBLE_SETTINGS = (
    Incompatible(
        'batch norm and dropout in one network, unless `dropout_layers = "last"`',
        "a batch norm behind dropout keeps the variance that dropout gave in training, and in use that is"
        " another (Li et al. 2019); behind the last norm there is none that it could mislead",
        _batch_norm_behind_dropout,
    ),
    Incompatible(
        "batch norm in the discriminator with `r1_weight` or `wgan_gp_weight`",
        "a gradient penalty is of each sample alone, and batch norm makes a sample's logit depend on the"
        " others (Gulrajani et al. 2017)",
        lambda r: (
            r.discriminator.normalisation == "batch" and r.penalty.r1_weight + r.penalty.wgan_gp_weight > 0
        ),
    ),
    Incompatible(
        "batch norm and spectral norm in the discriminator",
        "batch norm scales each unit anew and so undoes the bound that spectral norm sets",
        lambda r: r.discriminator.normalisation == "batch" and r.discriminator.spectral_norm,
    ),
    Incompatible(
        '`loss = "wasserstein"` without `wgan_gp_weight` or spectral norm in the discriminator',
        "the loss has no lower bound unless the discriminator's slope is bounded; R1 bounds it at real"
        " samples only",
        lambda r: (
            r.training.loss == "wasserstein"
            and not r.penalty.wgan_gp_weight
            and not r.discriminator.spectral_norm
        ),
    ),
    Incompatible(
        "`r1_weight` and `wgan_gp_weight`",
        "R1 pulls the slope at real samples to 0, WGAN-GP the slope between real and generated ones to 1",
        lambda r: r.penalty.r1_weight > 0 and r.penalty.wgan_gp_weight > 0,
    ),
    Incompatible(
        '`label_smoothing` with `loss = "hinge"` or `loss = "wasserstein"`',
        "these losses have no target probability that could be smoothed",
        lambda r: r.training.label_smoothing > 0 and r.training.loss in ("hinge", "wasserstein"),
    ),
    Incompatible(
        '`dropout_kind = "channel"` with `architecture = "mlp"`',
        'a dense layer has no channels; `dropout_kind = "element"` drops its units',
        lambda r: (
            r.architecture == "mlp" and "channel" in (r.generator.dropout_kind, r.discriminator.dropout_kind)
        ),
    ),
    Incompatible(
        '`texture_weight` with an `architecture` other than "mlp"',
        "convolutions see an image's grain by themselves; set it to 0",
        lambda r: r.architecture != "mlp" and r.discriminator.texture_weight > 0,
    ),
    Incompatible(
        '`dense` with `architecture = "mlp"`',
        "all of its layers are dense: name their widths in `hidden`",
        lambda r: r.architecture == "mlp" and bool(r.generator.dense or r.discriminator.dense),
    ),
)


def incompatible_settings(recipe: Recipe) -> list[str]:
    """What is wrong with a recipe's combinations, ``COMBINATION is refused: WHY`` each."""
    return [
        f"{rule.combination} is refused: {rule.why}" for rule in INCOMPATIBLE_SETTINGS if rule.found(recipe)
    ]
