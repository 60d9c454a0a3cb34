"""The start of a run, new or continued. Only settings are examined here, no data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from dropgan.serve.errors import OptionError

from ..data import DataOptions, options_differences, was_in_memory
from ..distributed.ranks import current_ranks
from ..networks.conv import finest_of
from ..recipes import Asked, Recipe
from .changes import changed_recipe, refuse
from .directory import RunDirectory, RunError
from .facts import RunFacts
from .fit import FITTED
from .plan import Wanted
from .pretrained import Pretrained, load_pretrained, pretrained_file
from .source import NOTHING_SAID, DataSource


@dataclass(frozen=True)
class Start:
    """Everything from which a session is prepared."""

    run: RunDirectory
    """The run directory."""
    asked: Asked
    """The user's wishes for the recipe; the complete recipe if a run is continued or repeated."""
    source: DataSource
    """Source of the training data."""
    wanted: Wanted
    """Device, precision and threads; those of the start if a run is continued."""
    pretrained: Pretrained | None = None
    """Model with the initial weights; None starts with random ones."""
    architecture: str = ""
    """The architecture of the run that those weights come from; a recipe chosen by the data must use it."""
    begun: tuple[Recipe, RunFacts] | None = None
    """Facts in recipe.toml of a continued run; None for a new one."""
    as_in: tuple[RunDirectory, RunFacts] | None = None
    """The run whose data these must be: the continued or the repeated one."""

    @property
    def finest(self) -> int | None:
        """Channels at full resolution of the generator that training starts from; None for a new one."""
        return None if self.pretrained is None else finest_of(self.pretrained.generator)


def new_run(
    run: RunDirectory,
    asked: Asked,
    source: DataSource,
    wanted: Wanted,
    init_from: str | PathLike[str] | None = None,
) -> Start:
    """Start a run in a directory that must be empty.

    Raises:
        RunError: The directory is not empty.
        DropganError: ``init_from`` does not name a model; as for `load_pretrained`.
    """
    run.require_new()
    wanted.require_possible()
    pretrained = None if init_from is None else load_pretrained(init_from)
    architecture = ""
    if init_from is not None and Path(init_from).is_dir():
        architecture = RunDirectory(init_from).read_recipe()[0].generator.architecture
    return Start(run, asked, source, wanted, pretrained, architecture)


def begun_run(
    run: RunDirectory,
    *,
    changes: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
    source: DataSource = NOTHING_SAID,
    data_options: DataOptions | None = None,
    wanted: Wanted | None = None,
) -> Start:
    """Continue a run as it began, except for ``changes``.

    Args:
        run: The run directory.
        changes: Settings to change, by dotted key; only those that `may_change`.
        recipe: Refuse to continue if this is not the run's recipe; None accepts any.
        source: Refuse other data. Required for data in memory, which the run does not keep.
        data_options: Refuse options other than those with which the data was read; None uses those.
        wanted: Refuse another device, precision or number of threads. What it leaves open stays as it was.

    Raises:
        ResumeError: Something differs that cannot change. The message has both values.
        RunError: There is no run, or its data was in memory and is not passed.
    """
    begun, facts = run.read_recipe()
    recipe = changed_recipe(begun, changes or {}, recipe)
    differences = options_differences(facts.data_options, data_options) if data_options else []
    if source.data is not None and not _may_be_same(source, facts):
        differences.append(f"data was {facts.data}, now {source.name}")
    refuse(differences + (wanted.differences(facts) if wanted else []))
    source = _same_source(run, facts, source)
    fresh = not (run.last_checkpoint.exists() or run.previous_checkpoint.exists())
    pretrained = _same_pretrained(run, facts) if fresh else None
    return Start(
        run, Asked(recipe), source, Wanted.of(facts), pretrained, begun=(begun, facts), as_in=(run, facts)
    )


def repeated_run(run: RunDirectory, other: RunDirectory, source: DataSource = NOTHING_SAID) -> Start:
    """Start a run that repeats another one from its recipe.toml.

    Settings, data, initial weights, device, precision and threads are the same. On one machine with the same
    versions the weights are equal bit for bit.

    Args:
        run: The new run directory, which must be empty.
        other: The run to repeat.
        source: The new location of its data, or the data themselves if they were in memory.

    Raises:
        RunError: ``other`` holds no run or was trained by another number of processes, its data was in
            memory and is not passed, or ``run`` is not empty.
        DropganError: The model with its initial weights is gone, or its device does not work.
    """
    run.require_new()
    recipe, facts = other.read_recipe()
    wanted = Wanted.of(facts)
    wanted.require_possible()
    if facts.processes != current_ranks().count:
        raise RunError(
            f"{other.path} was trained by {facts.processes} process(es), and another number does not"
            " repeat it exactly: start as many, or pass its settings without like"
        )
    pretrained = _same_pretrained(other, facts)
    source = _same_source(other, facts, source)
    return Start(run, Asked(recipe), source, wanted, pretrained, as_in=(other, facts))


def new_or_begun_run(
    run: RunDirectory,
    asked: Asked,
    source: DataSource,
    wanted: Wanted,
    init_from: str | PathLike[str] | None = None,
    minutes: float | None = None,
) -> Start:
    """Start a new run, or continue one that began with the same settings.

    If the run's number of steps was fitted to a time, that time is one of these settings.

    Raises:
        RunError: The directory holds a run with another recipe or data. The message has the differences.
        DropganError: As for `new_run` and `begun_run`.
    """
    if not run.recipe_file.exists():
        return new_run(run, asked, source, wanted, init_from)
    begun, facts = run.read_recipe()
    fitted = facts.time.minutes
    differences = asked.differences(begun, facts.auto, FITTED if fitted else ())
    if fitted and minutes != fitted:
        differences.append(f"minutes was {fitted:g}, now {'none' if minutes is None else f'{minutes:g}'}")
    if not _may_be_same(source, facts):
        differences.append(f"data was {facts.data}, now {source.name}")
    differences += options_differences(facts.data_options, source.options)
    differences += wanted.differences(facts)
    init_source = "" if init_from is None else str(pretrained_file(init_from))
    if facts.init.source != init_source:
        differences.append(f"its first weights were of {facts.init.source or 'no model'}")
    if differences:
        raise RunError(
            f"{run.path} already holds a run with other settings ({'; '.join(differences)}): choose another"
            " directory, or give the settings it began with"
        )
    return begun_run(run, source=source)


def repeated_or_begun_run(run: RunDirectory, other: RunDirectory, source: DataSource = NOTHING_SAID) -> Start:
    """Start a run that repeats another one, or continue it. See `repeated_run` and `new_or_begun_run`."""
    if not run.recipe_file.exists():
        return repeated_run(run, other, source)
    recipe, facts = other.read_recipe()
    given = _same_source(other, facts, source)
    return new_or_begun_run(
        run, Asked(recipe), given, Wanted.of(facts), facts.init.source or None, facts.time.minutes
    )


def require_like_alone(
    asked: Asked, wanted: Wanted, data_options: DataOptions | None, init_from: object
) -> None:
    """Refuse options with which a repeated run would differ from the original.

    Raises:
        OptionError: Such an option was given.
    """
    chosen = {
        "a recipe or settings of it": asked != Asked(),
        "a device, precision or threads": wanted != Wanted(),
        "how to read the data": data_options not in (None, DataOptions()),
        "weights to begin from": init_from is not None,
    }
    if found := [what for what, is_chosen in chosen.items() if is_chosen]:
        raise OptionError(f"like repeats a run as it was: leave out {', '.join(found)}")


def _same_source(run: RunDirectory, facts: RunFacts, given: DataSource) -> DataSource:
    """Return the source of a run's data: its files, or the source given again."""
    if given.data is None and was_in_memory(facts.data):
        raise RunError(
            f"{run.path} was trained on data in memory, which was not saved: pass it again as data=..."
        )
    if given.data is None or (given.name == facts.data and not was_in_memory(facts.data)):
        kept = DataSource.of(facts)
        return kept if given.data_dir is None else replace(kept, data_dir=given.data_dir)
    return replace(given, options=facts.data_options)


def _same_pretrained(run: RunDirectory, facts: RunFacts) -> Pretrained | None:
    """Return the model that a run's initial weights came from, unchanged."""
    if not facts.init.source:
        return None
    pretrained = load_pretrained(facts.init.source)
    if pretrained.fingerprint != facts.init.fingerprint:
        raise RunError(f"{facts.init.source} has changed since {run.path} began from it: start a new run")
    return pretrained


def _may_be_same(source: DataSource, facts: RunFacts) -> bool:
    """Return True if data may be a run's. For data in memory only the fingerprint decides."""
    return was_in_memory(source.name) or was_in_memory(facts.data) or source.name == facts.data
