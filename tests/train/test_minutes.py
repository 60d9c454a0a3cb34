"""``--minutes``: the number of steps is fitted to a time, and kept fitted."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from dropgan.serve.reporter import Progress, Reporter
from dropgan.train import RunDirectory, RunError, change_recipe, load_recipe, resume, train
from dropgan.train.distributed.ranks import ALONE
from dropgan.train.monitor.pace import CHECKS, TOLERANCE, Pace
from dropgan.train.networks import SampleSpec
from dropgan.train.recipes import asked_recipe
from dropgan.train.run import fit
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.run.plan import Plan, Wanted
from dropgan.train.run.rehearsal import seconds_per_step
from dropgan.train.run.source import DataSource
from dropgan.train.run.start import new_or_begun_run
from dropgan.train.steps.timetable import Timetable

FIXED: dict[str, Any] = {"device": "cpu", "precision": "fp32", "threads": 1}
SETTINGS = {
    "training.batch_size": 4,
    "generator.latent_dim": 8,
    "generator.hidden": [4],
    "discriminator.hidden": [4],
}
SECONDS = 2.0


def test_rates_fall_linearly_to_the_end() -> None:
    """A run of a known number of steps would train otherwise than it did."""
    plain = Timetable(((0, 7),))
    assert [plain.left(step) for step in range(7)] == [1 - step / 7 for step in range(7)]


def test_rates_fall_on_from_where_they_are_when_steps_change() -> None:
    """A jump of the rate in the middle of a run, or an end before the rates have come down."""
    timetable = Timetable(((0, 1000),)).changed(400, 700).changed(500, 2000)
    assert timetable.steps == 2000
    shares = [timetable.left(step) for step in range(2001)]
    assert shares[400] == pytest.approx(0.6)
    assert shares[500] == pytest.approx(0.4)
    assert shares[2000] == 0
    assert max(before - after for before, after in pairwise(shares)) <= 0.6 / 300 + 1e-12
    assert shares == sorted(shares, reverse=True)
    assert timetable.changed(450, 800).spans == ((0, 1000), (400, 700), (450, 800)), "a rollback before it"


def _simulated(rate_at: Callable[[float], float], steps: int, minutes: float = 1.0) -> tuple[float, int, int]:
    """Seconds, steps and changes of a run on a machine that makes so many steps a second at each time."""
    now, changes, step = 0.0, 0, 0
    pace = Pace(minutes, clock=lambda: now)
    while step < steps:
        now += 1 / rate_at(now)
        step += 1
        wanted = pace.look(step, steps)
        if wanted is not None:
            assert wanted > step
            steps, changes = wanted, changes + 1
    return now, steps, changes


@pytest.mark.parametrize(
    ("rate_at", "seconds"),
    [
        (lambda now: 100.0, 1),
        (lambda now: 30.0, 2),  # the measurement said three times as many
        (lambda now: 400.0, 2),
        (lambda now: 100.0 if now < 30 else 25.0, 2),
        (lambda now: 100.0 if now < 57 else 25.0, 6),
        (lambda now: 25.0 if now < 30 else 100.0, 2),
        (lambda now: 60.0 if int(now) % 2 else 140.0, 2),
        (lambda now: 0.2, 6),  # a step takes five seconds
    ],
)
def test_a_run_ends_near_its_time_however_the_machine_changes(
    rate_at: Callable[[float], float], seconds: float
) -> None:
    """Minutes would become half an hour on a laptop that others use, or end with the time half unused."""
    taken, _, changes = _simulated(rate_at, 6000)
    assert abs(taken - 60) <= seconds
    assert changes <= CHECKS


def test_a_steady_machine_changes_nothing() -> None:
    """Each change makes the run one that only its record can repeat."""
    assert _simulated(lambda now: 100.0, 6000)[1:] == (6000, 0)
    assert _simulated(lambda now: 100 * (1 + TOLERANCE / 2), 6000)[2] == 0


def test_a_run_that_slept_through_its_end_comes_down_quickly() -> None:
    """A laptop that was closed would train on for as long as it slept."""
    now = 0.0
    pace = Pace(1, clock=lambda: now)
    assert pace.look(1, 6000) is None
    now = 500.0
    assert pace.look(1001, 6000) == 1021
    now = 501.0
    assert pace.look(1002, 1021) is None, "the end does not move away for ever"
    now = 600.0
    assert pace.look(1010, 1021) is None


def _train(path: Path, image_file: Path, **options: Any) -> RunDirectory:
    given: dict[str, Any] = {"data": str(image_file), "settings": SETTINGS, **FIXED, **options}
    return train(path, "mlp", **given)


def _same(one: RunDirectory, other: RunDirectory) -> bool:
    weights, others = (load_checkpoint(run.last_checkpoint).tensors for run in (one, other))
    return all(torch.equal(weights[name], others[name]) for name in weights)


class _CrashError(Exception):
    """What ends a run in the middle."""


def test_a_wrong_measurement_is_made_good_recorded_and_repeated(
    tmp_path: Path, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many times too many steps: the run still ends near its time, with its rates at 0, and whoever
    repeats it repeats the steps, not the time."""
    monkeypatch.setattr(fit, "seconds_per_step", lambda *_: 2e-4)
    told: list[Progress] = []
    run = _train(tmp_path / "a", image_file, minutes=SECONDS / 60, reporter=Reporter(progress=told.append))
    recipe, facts = run.read_recipe()
    done = load_checkpoint(run.last_checkpoint).about
    assert done["step"] == recipe.training.steps < SECONDS / 2e-4
    assert 0.3 * SECONDS < done["seconds"] < 5 * SECONDS
    assert facts.time.minutes == SECONDS / 60
    assert facts.time.seconds_per_step == 2e-4
    assert facts.time.spans[0] == (0, round(SECONDS / 2e-4))
    assert facts.time.spans[-1][1] == recipe.training.steps
    assert told[0].left is not None
    assert told[0].left > told[-1].left >= 0  # type: ignore[operator]
    monkeypatch.undo()
    again = train(tmp_path / "b", like=run)
    assert again.read_recipe() == run.read_recipe()
    assert _same(run, again)


def test_a_run_that_was_killed_ends_as_if_it_had_not_been(
    tmp_path: Path, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps that were fitted are in the run's record, so going on needs no clock."""
    monkeypatch.setattr(fit, "seconds_per_step", lambda *_: 1e-4)

    def crash(progress: Progress) -> None:
        if progress.total < SECONDS / 1e-4 and progress.done > progress.total / 2:
            raise _CrashError

    with pytest.raises(_CrashError):
        _train(tmp_path / "a", image_file, minutes=SECONDS / 60, reporter=Reporter(progress=crash))
    run = RunDirectory(tmp_path / "a")
    recipe, facts = run.read_recipe()
    assert len(facts.time.spans) > 1
    resume(run)
    assert run.read_recipe() == (recipe, facts)
    assert load_checkpoint(run.last_checkpoint).about["step"] == recipe.training.steps
    assert _same(run, train(tmp_path / "b", like=run))


def test_more_steps_take_the_place_of_the_time(tmp_path: Path, image_file: Path) -> None:
    """`--resume --steps` would fall back to rates that the old end had brought to 0."""
    run = _train(tmp_path / "a", image_file, minutes=0.0)
    assert run.read_recipe()[0].training.steps == 1
    resume(run, steps=4)
    _, facts = run.read_recipe()
    assert facts.time.minutes == 0
    assert facts.changes == ("step 1: training.steps was 1, now 4",)


def test_the_same_command_goes_on_and_another_is_refused(tmp_path: Path, image_file: Path) -> None:
    """`dropgan run --minutes 5` again must not fit anew, nor be taken for other settings."""
    run, source, wanted = RunDirectory(tmp_path / "a"), DataSource(str(image_file)), Wanted("cpu")
    _train(run.path, image_file, minutes=0.001)

    def again(minutes: float | None, **said: Any) -> object:
        return new_or_begun_run(
            run, asked_recipe("mlp", settings=SETTINGS, **said), source, wanted, None, minutes
        )

    assert again(0.001)
    for minutes, said, found in (
        (None, {}, r"minutes was 0\.001, now none"),
        (5.0, {}, r"minutes was 0\.001, now 5"),
        (0.001, {"steps": 10**6}, r"training\.steps was .*, now 1000000"),
    ):
        with pytest.raises(RunError, match=found):
            again(minutes, **said)


def test_a_short_run_shows_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a minute of training there would be one picture, at its end, and one line of losses."""
    monkeypatch.setattr(fit, "seconds_per_step", lambda *_: 0.1)
    given: Any = (SampleSpec((1, 28, 28)), Plan(torch.device("cpu"), "fp32", 1), ALONE)
    short, facts = fit.fit_steps(load_recipe("mlp"), (), 1.0, *given)
    assert facts.spans == ((0, 600),)
    assert short.training.steps == 600
    assert (short.output.log_interval, short.output.sample_interval) == (12, 60)
    said, _ = fit.fit_steps(load_recipe("mlp"), ("output.sample_interval",), 1.0, *given)
    assert (said.output.sample_interval, said.output.checkpoint_interval) == (1000, 60)
    long, _ = fit.fit_steps(load_recipe("mlp"), (), 60.0, *given)
    assert long.output == load_recipe("mlp").output


def test_the_measurement_counts_penalties_and_leaves_the_run_alone() -> None:
    """A penalty every 16th step costs more than it looks; random numbers drawn here would be missed there."""
    spec, cpu = SampleSpec((1, 28, 28)), torch.device("cpu")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    every = change_recipe(load_recipe("mlp"), {"penalty.r1_interval": 1})
    recipes = load_recipe("mlp"), every
    turns = [[seconds_per_step(recipe, spec, cpu, "fp32", 0.1) for recipe in recipes] for _ in range(5)]
    assert torch.equal(torch.rand(1), expected)
    # a busy machine makes a turn slower, never faster
    lazy, always = (min(turn[place] for turn in turns) for place in range(2))
    assert 0 < lazy < always
