"""What a run does about itself: bad turns, the best weights, ending early."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dropgan.serve import InputError
from dropgan.serve.reporter import Reporter
from dropgan.train import (
    CheckpointError,
    RunDirectory,
    TrainingError,
    change_recipe,
    load_generator,
    resume,
)
from dropgan.train.monitor import Health
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import StepOutcome, train_step

from .small_runs import WeightScore, made, rows_of, same_weights, small_recipe, tensors, train_small

HUGE = {"generator.learning_rate": 1.0, "discriminator.learning_rate": 1.0}


class Sequence:
    """A score that gives one value after another."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)

    def __call__(self, generator: nn.Module) -> dict[str, float]:
        return {"sequence": self.values.pop(0)}


# Health


def _row(step: int, **changed: float) -> dict[str, float]:
    row = {
        "step": step,
        "discriminator_loss": 1.0,
        "generator_loss": 1.0,
        "accuracy_real": 0.7,
        "accuracy_generated": 0.7,
        "discriminator_gradient": 1.0,
        "discriminator_weights": 10.0,
        "generator_gradient": 1.0,
        "generator_weights": 10.0,
    }
    return row | changed


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"generator_loss": float("nan")}, "not_finite", "the generator's loss is no longer finite"),
        ({"generator_weights": float("inf")}, "not_finite", "the generator's weights are no longer finite"),
        ({"discriminator_loss": -5e3}, "exploded", "the discriminator's loss has exploded"),
        ({"discriminator_gradient": 1e7}, "exploded", "the discriminator's gradient has exploded"),
    ],
)
def test_what_is_fatal_is_named(changed: dict[str, float], kind: str, said: str) -> None:
    """Whoever reads the line must know which network and what of it, to choose what to change."""
    health = Health(small_recipe())
    assert health.look(_row(5)) == []
    (problem,) = health.look(_row(10, **changed))
    assert (problem.kind, problem.action) == (kind, "rollback")
    assert said in problem.text


def test_a_discriminator_that_has_won_is_named_once_and_only_after_long() -> None:
    """An early lead is normal and must not alarm; a lasting one must, once and not at every line."""
    won = {"accuracy_real": 1.0, "accuracy_generated": 0.995, "generator_loss": 8.0}
    health = Health(small_recipe(health__won_steps=100))
    found = [health.look(_row(step, **won)) for step in range(50, 301, 50)]
    assert [len(problems) for problems in found] == [0, 1, 0, 0, 0, 0]
    assert "has won" in found[1][0].text
    assert health.look(_row(350)) == []
    found = [health.look(_row(step, **won)) for step in range(400, 551, 50)]
    assert [len(problems) for problems in found] == [0, 1, 0, 0]
    low_loss = Health(small_recipe(health__won_steps=100))
    assert not any(low_loss.look(_row(step, **won | {"generator_loss": 2.0})) for step in range(50, 1000, 50))
    critic = Health(
        small_recipe(
            health__won_steps=100,
            training__loss="wasserstein",
            penalty__wgan_gp_weight=10.0,
            penalty__r1_weight=0.0,
        )
    )
    assert not any(critic.look(_row(step, **won)) for step in range(50, 1000, 50))


def test_alike_samples_are_named_only_when_training_is_under_way() -> None:
    """Every generator begins with samples that are all alike."""
    health = Health(small_recipe(health__collapsed_after=200))
    assert health.look(_row(100, spread=0.01)) == []
    (problem,) = health.look(_row(200, spread=0.01))
    assert problem.kind == "collapsed"
    assert health.look(_row(250)) == []
    assert health.look(_row(300, spread=0.01)) == []
    assert health.look(_row(400, spread=0.5)) == []
    assert len(health.look(_row(500, spread=0.01))) == 1


def test_an_exploding_run_is_rolled_back_and_gets_well(tmp_path: Path, image_file: Path) -> None:
    """A learning rate far too high: left alone, the run would be lost; and the way back must be the same
    every time, or a resumed run would be another."""
    told: list[dict[str, Any]] = []
    recipe = small_recipe(
        **{key.replace(".", "__"): value for key, value in HUGE.items()},
        health__rollbacks=20,
        health__rate_factor=0.1,
    )
    run = train_small(tmp_path / "run", image_file, recipe, reporter=Reporter(metrics=told.append))
    events = [row for row in run.read_metrics() if "event" in row]
    assert events
    assert [row for row in told if "event" in row] == events
    assert [row["rollback"] for row in events] == list(range(1, len(events) + 1))
    for event in events:
        assert event["event"] == "rollback"
        assert event["found_at"] > event["step"]
        assert "learning rates are" in event["message"]
    steps = [row["step"] for row in run.read_metrics() if "generator_loss" in row]
    assert steps == sorted(set(steps)), "lines of what was rolled back must be gone"
    assert steps[-1] == 40
    about = load_checkpoint(run.last_checkpoint).about
    assert about["rollbacks"] == [event["step"] for event in events]
    assert all(torch.isfinite(t).all() for t in tensors(run).values() if t.is_floating_point())
    again = train_small(tmp_path / "again", image_file, recipe)
    assert same_weights(run, again)
    assert rows_of(run) == rows_of(again)


def test_a_run_that_nothing_helps_ends_with_one_line(tmp_path: Path, image_file: Path) -> None:
    """Bounded: it must not go on for ever; the checkpoint that stays must be a good one."""
    recipe = small_recipe(
        **{key.replace(".", "__"): value for key, value in HUGE.items()},
        health__rollbacks=2,
        health__rate_factor=1.0,
        health__loss_limit=1.0,
    )
    with pytest.raises(TrainingError, match=r"2 rollbacks did not help.*lower learning rates") as caught:
        train_small(tmp_path / "run", image_file, recipe)
    assert caught.value.exit_code == 1
    run = RunDirectory(tmp_path / "run")
    assert [row["event"] for row in run.read_metrics()] == ["rollback", "rollback"]
    assert all(torch.isfinite(t).all() for t in tensors(run).values() if t.is_floating_point())
    with pytest.raises(TrainingError, match="2 rollbacks"):
        resume(run.path)
    with pytest.raises(TrainingError, match=r"0 rollbacks|has exploded"):
        train_small(tmp_path / "none", image_file, change_recipe(recipe, {"health.rollbacks": 0}))


def test_weights_that_are_not_numbers_go_back_to_those_that_were(
    tmp_path: Path, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A NaN in the middle, from whatever: the last good checkpoint is not overwritten, training goes on."""
    steps = 0

    def poisoned(state: TrainingState, *arguments: Any, **options: Any) -> StepOutcome:
        nonlocal steps
        steps += 1
        if steps == 26:
            with torch.no_grad():
                next(state.generator.parameters()).view(-1)[0] = float("nan")
        return train_step(state, *arguments, **options)

    monkeypatch.setattr("dropgan.train.run.loop.train_step", poisoned)
    run = train_small(tmp_path / "run", image_file, small_recipe())
    (event,) = [row for row in run.read_metrics() if "event" in row]
    assert (event["problem"], event["step"], event["found_at"]) == ("not_finite", 20, 30)
    assert event["learning_rate_scale"] == 0.5
    assert steps == 30 + 20
    assert all(torch.isfinite(t).all() for t in tensors(run).values() if t.is_floating_point())


@pytest.mark.parametrize("action", ["warn", "rollback", "ignore"])
def test_a_collapsed_generator(tmp_path: Path, action: str) -> None:
    """A generator whose samples vary by less than the data: said once, rolled back if asked to."""
    noise = np.random.default_rng(0).integers(0, 2, (100, 28, 28), dtype=np.uint8) * 255
    np.save(tmp_path / "noise.npy", noise)
    image_file = tmp_path / "noise.npy"
    recipe = small_recipe(
        "seed",
        generator__learning_rate=1e-9,
        health__collapsed=action,
        health__collapsed_after=10,
        health__collapsed_spread=0.8,
        health__rollbacks=1,
    )
    told: list[dict[str, Any]] = []
    if action == "rollback":
        with pytest.raises(TrainingError, match="nearly identical"):
            train_small(tmp_path / "run", image_file, recipe, reporter=Reporter(metrics=told.append))
    else:
        train_small(tmp_path / "run", image_file, recipe, reporter=Reporter(metrics=told.append))
    events = [row for row in told if "event" in row]
    assert [row["event"] for row in events] == {"warn": ["warning"], "rollback": ["rollback"]}.get(action, [])
    assert all(row["problem"] == "collapsed" and "nearly identical" in row["message"] for row in events)


# Scores beside the training, and the best weights


def test_training_does_not_wait_for_the_score_nor_lose_one(tmp_path: Path, image_file: Path) -> None:
    """Scores come from another thread, each is of the weights of its own step, and training's weights are
    those of a run that nobody looks at."""
    score = WeightScore(seconds=0.2)
    began: list[float] = []

    def observer(row: dict[str, Any]) -> None:
        if row["step"] == 15 and "generator_loss" in row:
            began.append(row["seconds"])

    seen = train_small(
        tmp_path / "seen", image_file, small_recipe(), score=made(score), reporter=Reporter(metrics=observer)
    )
    alone = train_small(tmp_path / "alone", image_file, small_recipe())
    assert same_weights(seen, alone)
    assert threading.get_ident() not in score.threads
    assert len(score.threads) == 1
    scores = {row["step"]: row["score"] for row in seen.read_metrics() if "score" in row}
    assert sorted(scores) == [10, 20, 30, 40]
    assert len(set(scores.values())) == 4
    final = load_generator(seen.path, "last").module
    assert scores[40] == WeightScore()(final)["weight"]
    assert not alone.best_checkpoint.exists()


def test_making_the_score_leaves_the_run_alone(tmp_path: Path, image_file: Path) -> None:
    """A feature network draws random first weights when it is built, before its own are read: neither the
    weights of a run nor those of a resumed one may depend on it."""

    def make(data: object, recipe: object) -> WeightScore:
        torch.rand(100)
        return WeightScore()

    alone = train_small(tmp_path / "alone", image_file, small_recipe())
    half = train_small(tmp_path / "half", image_file, small_recipe(), score=make, steps=40, minutes=0.0)
    resume(half.path, score=make)
    assert same_weights(half, alone)


def test_the_best_weights_are_kept_and_exported(tmp_path: Path, image_file: Path) -> None:
    """Training that gets worse towards its end must not cost the best generator."""
    run = train_small(tmp_path / "run", image_file, small_recipe(), score=made(Sequence(5.0, 2.0, 3.0, 2.0)))
    best, last = load_generator(run.path), load_generator(run.path, "last")
    assert (best.about["step"], last.about["step"]) == (20, 40), "the first of equally good ones"
    assert best.about["score"] == {"name": "sequence", "value": 2.0}
    assert not best.module.training
    short = train_small(tmp_path / "short", image_file, small_recipe(training__steps=20))
    expected = load_generator(short.path).module.state_dict()
    # the schedule ends elsewhere, so only a run of constant rates is the same
    constant = small_recipe(training__schedule="constant")
    run = train_small(tmp_path / "c", image_file, constant, score=made(Sequence(5.0, 2.0, 3.0, float("nan"))))
    short = train_small(tmp_path / "d", image_file, change_recipe(constant, {"training.steps": 20}))
    expected = load_generator(short.path).module.state_dict()
    given = load_generator(run.path, "best").module.state_dict()
    assert all(torch.equal(expected[key], given[key]) for key in expected)
    assert run.read_metrics()[-1]["score"] is None, "no number is no score"
    with pytest.raises(CheckpointError, match=r"no best checkpoint.*--checkpoint last"):
        load_generator(short.path, "best")
    with pytest.raises(InputError, match="must be one of"):
        load_generator(short.path, "worst")


def test_an_error_of_the_score_is_not_swallowed(tmp_path: Path, image_file: Path) -> None:
    """A score that cannot be made must be said, not be missing from the file."""

    def broken(generator: nn.Module) -> dict[str, float]:
        raise InputError("cannot be scored")

    with pytest.raises(InputError, match="cannot be scored"):
        train_small(tmp_path / "run", image_file, small_recipe(), score=made(broken))


# Ending early


def test_patience(tmp_path: Path, image_file: Path) -> None:
    """Two scores without a better one end the run; it says so, and goes on when told to."""
    told: list[str] = []
    recipe = small_recipe(training__steps=80, training__patience=2)
    values = (5.0, 4.0, 4.5, 4.0, 6.0, 6.0, 6.0, 6.0)
    run = train_small(
        tmp_path / "run",
        image_file,
        recipe,
        score=made(Sequence(*values)),
        reporter=Reporter(note=told.append),
    )
    assert told[-1].startswith("the score no longer improves: stopped")
    assert "--set training.patience=0" in told[-1]
    step = load_checkpoint(run.last_checkpoint).about["step"]
    assert step == 50, "known at the score after the second that was no better"
    assert sorted(row["step"] for row in run.read_metrics() if "score" in row) == [10, 20, 30, 40, 50]
    same = resume(run.path, score=made(Sequence()))
    assert load_checkpoint(same.last_checkpoint).about["step"] == 50
    more = resume(run.path, settings={"training.patience": 0}, score=made(Sequence(6.0, 6.0, 6.0)))
    assert load_checkpoint(more.last_checkpoint).about["step"] == 80


def test_a_time_budget(tmp_path: Path, image_file: Path) -> None:
    """Stops, saves and says how to go on; the whole is what an unbounded run gives."""
    told: list[str] = []
    recipe = small_recipe(training__steps=60)
    run = train_small(
        tmp_path / "run", image_file, recipe, steps=60, minutes=0.0, reporter=Reporter(note=told.append)
    )
    assert load_checkpoint(run.last_checkpoint).about["step"] == 1
    assert told[-1].startswith("the time is up: stopped")
    assert f"dropgan train --resume -o {run.path}" in told[-1]
    resume(run.path)
    assert same_weights(run, train_small(tmp_path / "whole", image_file, recipe))


def test_metrics_tell_how_the_discriminator_judges(tmp_path: Path, image_file: Path) -> None:
    """Accuracy on real and on generated samples, as shares of what the steps really judged."""
    recipe = small_recipe("seed", discriminator__learning_rate=5e-3, generator__learning_rate=1e-6,
                     training__steps=60)  # fmt: skip
    rows = train_small(tmp_path / "run", image_file, recipe).read_metrics()
    for row in rows:
        assert 0 <= row["accuracy_real"] <= 1
        assert 0 <= row["accuracy_generated"] <= 1
        assert row["generator_gradient"] >= 0
    assert rows[-1]["accuracy_real"] > 0.8, "a generator that stands still is found out"
    assert rows[-1]["accuracy_generated"] > 0.8
    assert np.isfinite([row["spread"] for row in rows if "spread" in row]).all()
