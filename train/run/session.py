"""A prepared run: everything is read, checked and decided."""

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dropgan.serve.errors import InputError
from dropgan.serve.reporter import LOGGED, SILENT, Reporter
from dropgan.serve.version import VERSION

from ..data import TrainingData, class_counts, label_fingerprint
from ..data.batches import Batches, parts
from ..distributed.data_parallel import train_in_parallel
from ..distributed.ranks import current_ranks
from ..features.source import AUTO as FITTED
from ..kinds import training_kind
from ..monitor import Ending, Follower, Monitor, Score, TensorBoardLog
from ..monitor.pace import Pace
from ..networks import SampleSpec
from ..networks.freezing import require_learned
from ..recipes import Recipe, change_recipe, recipe_differences
from ..recipes.auto import Chosen
from ..recipes.fit import require_fit
from ..steps.state import TrainingState
from ..steps.timetable import Timetable
from .changes import ResumeError
from .directory import RunDirectory
from .facts import FeatureFacts, InitFacts, RunFacts, TimeFacts
from .features import begin_features, require_same_features, require_unchanged_features
from .fit import fit_steps
from .kept_plan import machine_name
from .labels import with_learned_labels
from .loop import training_loop
from .plan import Plan, make_plan, recorded_device
from .pretrained import begin_from
from .seen import seen_in
from .start import Start
from .stop import Interrupted, StopRequest
from .trained import resumable_checkpoint

MakeScore = Callable[[TrainingData, Recipe], Score | None]
"""Makes the score of a run, or returns None if its data cannot be scored."""

_MOST_MINUTES = 1e6


@dataclass(frozen=True)
class Session:
    """A run that is ready to train.

    Attributes:
        directory: The run directory; recipe.toml is written.
        recipe: Settings of the run.
        facts: Other facts in recipe.toml.
        data: Training data, with the labels that are learned.
        compared: The same samples for scores, without clusters for labels.
        plan: Device, precision and threads; the process is set up for them.
        state: Untrained state, or the state of the last checkpoint.
        score: Scores the averaged generator, or None. Only the leader has it.
        minutes: Stop after this time, counted from the call of `run`, or None.
        timed: True if the number of steps is adjusted to the time during training.
        log: Writes for TensorBoard, or None.
        reporter: Receives progress, messages and metrics.
    """

    directory: RunDirectory
    recipe: Recipe
    facts: RunFacts
    data: TrainingData
    compared: TrainingData
    plan: Plan
    state: TrainingState
    score: Score | None
    minutes: float | None
    timed: bool
    log: TensorBoardLog | None
    reporter: Reporter

    def run(self) -> RunDirectory:
        """Train to the last step, or until something ends the run earlier.

        Returns:
            The run directory. Its last checkpoint is at the recipe's last step, or where training ended.

        Raises:
            Interrupted: The process received SIGINT, SIGTERM or SIGHUP; the state is saved.
            TrainingError: Training failed more often than the recipe allows; the last checkpoint is
                from before the failure.
            OutputError: A file cannot be written.
        """
        self.reporter.say(self._description())
        if self.facts.init.source and self.state.step == 0:
            self.reporter.say(_beginning(self.facts.init))
        batches = self._batches()
        monitor = self._monitor(batches) if self.state.ranks.leader else Follower()
        with StopRequest() as stop:
            ending = training_loop(self.state, self.recipe, batches, monitor, stop, self.plan)
        if ending is Ending.DONE:
            return self.directory
        message = (
            f"{ending.value}: stopped after step {self.state.step} of {self.state.timetable.steps},"
            f" everything is saved; continue with: dropgan train --resume -o {self.directory.path}"
        )
        if ending is Ending.SIGNAL:
            assert stop.signal_number is not None
            raise Interrupted(message, stop.signal_number)
        more = " --set training.patience=0" if ending is Ending.PATIENCE else ""
        self.reporter.note(message + more)
        return self.directory

    def _batches(self) -> Batches:
        """Return batches of the training samples; held-out samples go into the state."""
        training, share = self.recipe.training, self.recipe.discriminator.held_out
        rows = parts(len(self.data), share, training.seed) if share else None

        def some(rows: NDArray[np.int64] | None) -> Batches:
            return Batches(
                self.data.samples,
                training.batch_size,
                training.seed,
                self.plan.device,
                self.data.labels if self.recipe.conditional else None,
                scaling=training_kind(self.data.kind).scaling(self.data),
                ranks=self.state.ranks,
                rows=rows,
            )

        if rows is None:
            return some(None)
        self.state.held_out = some(rows.held_out)
        return some(rows.trained)

    def is_complete(self) -> bool:
        """Return True if nothing is left to do: all steps are done, scored and drawn."""
        step = self.state.step
        scored = any("score" in row and row["step"] == step for row in self.directory.read_metrics())
        return (
            step >= self.state.timetable.steps
            and (scored or self.score is None)
            and self.directory.curves_file.exists()
        )

    def _monitor(self, batches: Batches) -> Monitor:
        data = self.data
        return Monitor(
            self.state,
            self.recipe,
            batches,
            self.directory,
            device=self.plan.device,
            about=_about(data, self.state.spec, self.facts.features),
            score=self.score,
            minutes=self.minutes,
            pace=Pace(self.facts.time.minutes) if self.timed else None,
            record=self._record,
            picture=training_kind(data.kind).picture(data, self.state.spec.classes),
            log=self.log,
            reporter=self.reporter,
        )

    def _record(self, timetable: Timetable) -> None:
        """Record a changed number of steps, which resuming and repeating the run follow."""
        recipe = change_recipe(self.recipe, {"training.steps": timetable.steps})
        time = replace(self.facts.time, spans=timetable.spans)
        self.directory.write_recipe(recipe, replace(self.facts, time=time))

    def _description(self) -> str:
        recipe, plan = self.recipe, self.plan
        where = f"{self.facts.device}, {plan.precision}"
        if plan.device.type == "cpu":
            where += f", {plan.threads} thread{'s' if plan.threads > 1 else ''}"
        kind = "class-conditional " if recipe.conditional else ""
        if recipe.clusters:
            kind = f"{recipe.clusters} clusters, "
        rate = recipe.discriminator.dropout
        judges = rate if isinstance(rate, str) else f"{rate:g}"
        return (
            f"{kind}recipe {recipe.name} (dropout {recipe.generator.dropout:g} in the generator,"
            f" {judges} in the discriminator) on {self.data.name}; {where}"
        )


def prepare(
    start: Start,
    *,
    score: MakeScore | None = None,
    minutes: float | None = None,
    tensorboard: bool = False,
    reporter: Reporter = LOGGED,
) -> Session:
    """Read the data, choose device, precision and threads, and make or restore the networks.

    Args:
        start: The new or continued run. The caller holds the directory's lock.
        score: Makes the score; None turns scores off.
        minutes: Time to which the number of steps is fitted. If the user set the number, or the run is
            continued or repeated, training stops after this time. None for neither.
        tensorboard: Write RUN/tensorboard.
        reporter: Receives progress while data are read, and then that of training.

    Raises:
        ResumeError: The data have changed since the run, or the run that is repeated, began.
        DropganError: Another error, as for `train`.
    """
    if minutes is not None and not 0 <= minutes <= _MOST_MINUTES:  # NaN is neither
        raise InputError(f"minutes must be 0 to {_MOST_MINUTES:,.0f}, not {minutes:g}")
    log = TensorBoardLog(start.run) if tensorboard else None
    ranks = current_ranks()
    if not ranks.leader:
        reporter = SILENT
    data = ranks.read(lambda: start.source.read(reporter))
    ranks.require_same(data.fingerprint, "the training data")
    recipe, chosen = _settled(start, data, reporter)
    ranks.require_same(recipe.model_dump_json(), "the recipe")
    compared = data
    if recipe.conditional:
        data = with_learned_labels(data, recipe, reporter)
        compared = compared if recipe.clusters else data
        ranks.require_same(label_fingerprint(data), "the labels of the training data")
    _require_unchanged(start, data)
    spec = training_kind(data.kind).spec_of(data, data.classes if recipe.conditional else 0)
    require_fit(recipe, spec)
    plan = make_plan(recipe, spec, start.wanted)
    plan.apply()
    time, timed = TimeFacts() if start.as_in is None else start.as_in[1].time, False
    if minutes is not None and start.as_in is None and "training.steps" not in start.asked.said:
        recipe, time = fit_steps(recipe, start.asked.said, minutes, spec, plan, ranks)
        reporter.say(_fitted(recipe, time))
        timed, minutes = True, None
    elif time.spans and minutes == time.minutes:  # the same command again: the steps are fitted
        minutes = None
    if time.spans and time.spans[-1][1] != recipe.training.steps:  # another number was said
        time = TimeFacts()
    state, init, features = _state(start, recipe, spec, plan, data, reporter)
    if time.spans:
        state.timetable = Timetable(time.spans)
    train_in_parallel(state, recipe, plan.device, ranks)
    if start.begun is None:
        facts = RunFacts(
            data=start.source.name,
            data_dir=str(start.source.data_dir.resolve()) if start.source.data_dir else "",
            fingerprint=data.fingerprint,
            device=recorded_device(plan.device),
            precision=plan.precision,
            threads=plan.threads,
            processes=ranks.count,
            data_options=start.source.options,
            init=init,
            features=features,
            time=time,
            auto=chosen,
            labels=label_fingerprint(data) if recipe.conditional else "",
            made_by=_makers(),
        )
        if start.as_in is not None:
            _note_differences(*start.as_in, facts, reporter)
        start.run.write_recipe(recipe, facts)
    else:
        before, facts = start.begun
        if recipe != before:
            changes = [f"step {state.step}: {text}" for text in recipe_differences(before, recipe)]
            facts = replace(facts, changes=(*facts.changes, *changes), time=time)
            start.run.write_recipe(recipe, facts)
        start.run.rewind_metrics(state.step, len(state.rollbacks))
    if score is not None:
        reporter.say(f"preparing the score that is watched, on {data.name}")
    made = _made(score, compared, recipe) if ranks.leader else None
    return Session(start.run, recipe, facts, data, compared, plan, state, made, minutes, timed, log, reporter)


def _settled(start: Start, data: TrainingData, reporter: Reporter) -> tuple[Recipe, Chosen]:
    """Return the recipe, which may depend on the data, and the choice recorded when the run began."""
    device = start.wanted.require_possible().type
    recipe, chosen = start.asked.settled(seen_in(data, device, start.architecture, start.finest))
    if chosen.why:
        reporter.say(chosen.why)
    return recipe, chosen if start.as_in is None else start.as_in[1].auto


def _require_unchanged(start: Start, data: TrainingData) -> None:
    """Refuse data that differ from those of the run that is continued or repeated."""
    if start.as_in is None:
        return
    run, facts = start.as_in
    for what, before, now in (
        ("fingerprint", facts.fingerprint, data.fingerprint),
        ("fingerprint of its labels", facts.labels, label_fingerprint(data)),
    ):
        if before and now != before:
            raise ResumeError(
                f"{start.source.name} has changed since {run.path} began: its {what} was {before[:19]},"
                f" now {now[:19]}: start a new run"
            )


def _state(
    start: Start, recipe: Recipe, spec: SampleSpec, plan: Plan, data: TrainingData, reporter: Reporter
) -> tuple[TrainingState, InitFacts, FeatureFacts]:
    """Return untrained or restored networks, and the origin of new ones to record."""
    state = TrainingState.fresh(recipe, spec, plan.device)
    if plan.precision == "fp16":
        state.scale_losses(plan.device)
    checkpoint = None if start.begun is None else resumable_checkpoint(start.run)
    if checkpoint is not None:
        assert start.begun is not None
        require_unchanged_features(start.run, start.begun[1], checkpoint)
        state.restore(checkpoint)
        return state, InitFacts(), start.begun[1].features
    pretrained = start.pretrained
    fresh = None if pretrained is None else begin_from(state, pretrained)
    require_learned(state.discriminator, recipe.discriminator.frozen_layers, fresh)
    features = begin_features(state, recipe, data, pretrained, fresh, reporter)
    if start.as_in is not None and features.name != FITTED:  # which the machine has a part in
        require_same_features(start.as_in[0], start.as_in[1].features, features)
    if pretrained is None or fresh is None:
        return state, InitFacts(), features
    return state, InitFacts(str(pretrained.source), pretrained.fingerprint, tuple(fresh)), features


def _fitted(recipe: Recipe, time: TimeFacts) -> str:
    steps, minutes = recipe.training.steps, f"{time.minutes:g} minute{'s' if time.minutes != 1 else ''}"
    return f"{steps:,} steps fit into {minutes} at {1 / time.seconds_per_step:.3g} steps/s, as measured here"


def _made(score: MakeScore | None, data: TrainingData, recipe: Recipe) -> Score | None:
    """Return the score. torch's random state is preserved, because its networks may draw initial weights."""
    with torch.random.fork_rng(devices=[]):
        return None if score is None else score(data, recipe)


def _makers() -> dict[str, str]:
    """Return the facts, besides those in recipe.toml, on which the last bits of the weights depend."""
    return {**_versions(), "processor": machine_name()}


def _versions() -> dict[str, str]:
    return {
        "dropgan": VERSION,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _note_differences(other: RunDirectory, before: RunFacts, now: RunFacts, reporter: Reporter) -> None:
    """Report why a run that repeats another may not end with the same weights."""
    if before.changes:
        reporter.note(
            f"{other.path} was resumed with other settings ({'; '.join(before.changes)}): this run uses"
            " them from its first step on, so its weights will differ"
        )
    apart = [
        f"{name} {before.made_by.get(name, 'unknown')}, here {value}"
        for name, value in now.made_by.items()
        if name != "python" and value != before.made_by.get(name)
    ]
    if apart:
        reporter.note(f"{other.path} was made by {'; '.join(apart)}: weights may differ in their last bits")


def _beginning(init: InitFacts) -> str:
    rest = f"all layers except {', '.join(init.fresh)}, which do not fit" if init.fresh else "all layers"
    return f"starting from {init.source}: {rest}"


def _about(data: TrainingData, spec: SampleSpec, features: FeatureFacts) -> dict[str, Any]:
    """Return the facts that a checkpoint stores besides the state."""
    about: dict[str, Any] = {
        "data": {
            "kind": data.kind,
            "shape": list(data.shape),
            "name": data.name,
            "fingerprint": data.fingerprint,
            "samples": len(data),
            "class_names": list(data.class_names),
            "class_numbers": list(data.class_numbers),
            "class_counts": class_counts(data) if spec.classes else [],
            "class_column": data.class_column,
        }
        | training_kind(data.kind).about(data),
        "classes": spec.classes,
        "versions": _versions(),
    }
    if features.name:
        about["features"] = asdict(features)
    return about
