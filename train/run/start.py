"""Where a run starts: new, or from where it stopped. Only settings are looked at, no data yet."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from ..data import DataOptions, options_differences, was_in_memory
from ..recipes import Recipe, recipe_differences
from .changes import changed_recipe, refuse
from .directory import RunDirectory, RunError
from .facts import RunFacts
from .plan import Wanted
from .pretrained import Pretrained, load_pretrained, pretrained_file
from .source import DataSource


@dataclass(frozen=True)
class Start:
    """What a session is prepared from."""

    run: RunDirectory
    """Where the run is, or will be."""
    recipe: Recipe
    """With all changes."""
    source: DataSource
    """What to train on."""
    wanted: Wanted
    """What to compute with; of a run that goes on, what it began with."""
    pretrained: Pretrained | None = None
    """What its first weights are of; None begins with random ones."""
    begun: tuple[Recipe, RunFacts] | None = None
    """What recipe.toml says of a run that goes on; None in a new one."""


def new_run(
    run: RunDirectory,
    recipe: Recipe,
    source: DataSource,
    wanted: Wanted,
    init_from: str | PathLike[str] | None = None,
) -> Start:
    """Start a run in a directory that holds nothing yet.

    Raises:
        RunError: It holds something.
        DropganError: What ``init_from`` names is no model; as for `load_pretrained`.
    """
    run.require_new()
    wanted.require_possible()
    pretrained = None if init_from is None else load_pretrained(init_from)
    return Start(run, recipe, source, wanted, pretrained)


def begun_run(
    run: RunDirectory,
    *,
    changes: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
    source: DataSource | None = None,
    data_options: DataOptions | None = None,
    wanted: Wanted | None = None,
) -> Start:
    """Go on with a run, as it began but for ``changes``.

    Args:
        run: Where it is.
        changes: Settings to change, by dotted key; only those that `may_change`.
        recipe: Refuse to go on if this is not the run's recipe; None takes what is there.
        source: Refuse other data; of data in memory, which the run does not keep, the data themselves.
        data_options: Refuse other options than those the data was read with; None takes those.
        wanted: Refuse another device, precision or number of threads; what it leaves open is as it was.

    Raises:
        ResumeError: Something is not as it was, and may not change; both values are named.
        RunError: There is no run, or its data was in memory and is not given.
    """
    begun, facts = run.read_recipe()
    recipe = changed_recipe(begun, changes or {}, recipe)
    differences = options_differences(facts.data_options, data_options) if data_options else []
    if source is not None and not _may_be_same(source, facts):
        differences.append(f"data was {facts.data}, now {source.name}")
    refuse(differences + (wanted.differences(facts) if wanted else []))
    if was_in_memory(facts.data) and source is None:
        raise RunError(
            f"{run.path} was trained on data in memory, which is kept nowhere: give it again, as in"
            f' dropgan.resume("{run.path}", data=...)'
        )
    if source is None or (source.name == facts.data and not was_in_memory(facts.data)):
        source = DataSource.of(facts)
    else:  # in memory, now or then
        source = replace(source, options=facts.data_options)
    init = facts.init
    pretrained = None
    if init.source and not (run.last_checkpoint.exists() or run.previous_checkpoint.exists()):
        pretrained = load_pretrained(init.source)
        if pretrained.fingerprint != init.fingerprint:
            raise RunError(f"{init.source} has changed since {run.path} began from it: start a new run")
    return Start(run, recipe, source, Wanted.of(facts), pretrained, (begun, facts))


def new_or_begun_run(
    run: RunDirectory,
    recipe: Recipe,
    source: DataSource,
    wanted: Wanted,
    init_from: str | PathLike[str] | None = None,
) -> Start:
    """Start a new run, or go on with one that began with the same settings.

    Raises:
        RunError: The directory holds a run of another recipe or data; the differences are named.
        DropganError: As for `new_run` and `begun_run`.
    """
    if not run.recipe_file.exists():
        return new_run(run, recipe, source, wanted, init_from)
    begun, facts = run.read_recipe()
    differences = recipe_differences(begun, recipe)
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


def _may_be_same(source: DataSource, facts: RunFacts) -> bool:
    """Whether data may be a run's: of data in memory only the fingerprint tells."""
    return was_in_memory(source.name) or was_in_memory(facts.data) or source.name == facts.data
