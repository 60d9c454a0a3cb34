"""Settings that cannot be combined, and why. docs/training.md shows the same table."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from ..objective.losses import LOSSES
from ..objective.penalties import PENALTIES
from ..settings import Incompatible
from .settings import Recipe


def _or(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _penalties(*slopes: int | None) -> str:
    return _or([f"`{penalty.weight}`" for penalty in PENALTIES if penalty.slope in slopes])


def _penalised(recipe: Recipe, slope: int) -> bool:
    return any(penalty.slope == slope and penalty.weighs(recipe.penalty) > 0 for penalty in PENALTIES)


_OF_ANY_LOSS = (
    Incompatible(
        'batch norm and dropout in one network, unless `dropout_layers = "last"`',
        "dropout changes the variance that a batch norm after it learns, and inference has no dropout"
        " (Li et al. 2019); dropout after the last norm does no harm",
        lambda r: any(network.has_batch_norm_behind_dropout for network in (r.generator, r.discriminator)),
    ),
    Incompatible(
        f"batch norm in the discriminator with {_penalties(0, 1, None)}",
        "a penalty is defined for each sample alone, but batch norm makes a sample's logit depend on the"
        " rest of the batch (Gulrajani et al. 2017)",
        lambda r: r.discriminator.has_batch_norm and any(p.weighs(r.penalty) > 0 for p in PENALTIES),
    ),
    Incompatible(
        "batch norm and spectral norm in the discriminator",
        "batch norm rescales each unit and so undoes the bound that spectral norm sets",
        lambda r: r.discriminator.has_batch_norm and r.discriminator.spectral_norm,
    ),
    Incompatible(
        f"{_penalties(1)} with {_penalties(0)}",
        "the first pulls the discriminator's gradient norm to 1, the others pull it to 0",
        lambda r: _penalised(r, 0) and _penalised(r, 1),
    ),
    Incompatible(
        '`dropout = "auto"` with a `dropout_schedule` in the discriminator',
        "both would say how strong dropout is at a step",
        lambda r: r.discriminator.dropout == "auto" and r.discriminator.dropout_schedule != "constant",
    ),
    Incompatible(
        '`held_out` without `dropout = "auto"`',
        "nothing else looks at what is held out, so the data would be lost",
        lambda r: r.discriminator.held_out > 0 and r.discriminator.dropout != "auto",
    ),
    Incompatible(
        "`clusters` without `conditional = true`",
        "clusters are learned as labels are, and only with `conditional` are labels learned",
        lambda r: r.clusters > 0 and not r.conditional,
    ),
    *(rule for penalty in PENALTIES for rule in penalty.incompatible),
)


def _of_losses() -> Iterator[Incompatible]:
    """Yield the rules of the losses. A rule that several losses share names them all."""
    shared: dict[Incompatible, list[str]] = {}
    for loss in LOSSES:
        for rule in loss.incompatible:
            shared.setdefault(rule, []).append(loss.name)
    for rule, names in shared.items():
        words = _or([f'`loss = "{name}"`' for name in names])
        yield replace(rule, combination=rule.combination.format(loss=words), found=_with_loss(rule, names))


def _with_loss(rule: Incompatible, names: list[str]) -> Callable[[Recipe], bool]:
    return lambda recipe: recipe.training.loss in names and rule.found(recipe)


def rules() -> list[Incompatible]:
    """Return all rules, including those of registered losses."""
    return [*_OF_ANY_LOSS, *_of_losses()]


def incompatible_settings(recipe: Recipe) -> list[str]:
    """Return the refused combinations of a recipe, ``COMBINATION is refused: WHY`` each."""
    return [f"{rule.combination} is refused: {rule.why}" for rule in rules() if rule.found(recipe)]
