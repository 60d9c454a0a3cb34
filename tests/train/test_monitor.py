"""What a run does about itself: bad turns, the best weights, ending early, going on."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
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
    Interrupted,
    Recipe,
    ResumeError,
    RunDirectory,
    TrainingError,
    change_recipe,
    load_generator,
    load_recipe,
    resume,
    train,
)
from dropgan.train.monitor import Health
from dropgan.train.run.changes import CHANGEABLE, may_change
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import StepOutcome, train_step

SMALL = {
    "training.batch_size": 8,
    "training.steps": 40,
    "generator.hidden": [16, 16],
    "discriminator.hidden": [16, 16],
    "output.log_interval": 5,
    "output.sample_interval": 10,
    "output.checkpoint_interval": 10,
}
HUGE = {"generator.learning_rate": 1.0, "discriminator.learning_rate": 1.0}


def _recipe(name: str = "mlp", **settings: object) -> Recipe:
    return change_recipe(
        load_recipe(name), {**SMALL, **{k.replace("__", "."): v for k, v in settings.items()}}
    )


def _train(directory: Path, data: Path, recipe: Recipe, **options: Any) -> RunDirectory:
    return train(directory, recipe, data=str(data), device="cpu", precision="fp32", threads=1, **options)


def _tensors(run: RunDirectory, file: str = "last") -> dict[str, torch.Tensor]:
    return load_checkpoint(run.path / "checkpoints" / f"{file}.safetensors").tensors


def _same(one: RunDirectory, other: RunDirectory, file: str = "last") -> bool:
    mine, theirs = _tensors(one, file), _tensors(other, file)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


def _rows(run: RunDirectory) -> list[dict[str, Any]]:
    """Lines of metrics without what no two runs share, in an order that does not hang on speed."""
    rows = [
        {key: value for key, value in row.items() if key not in ("seconds", "steps_per_second")}
        for row in run.read_metrics()
    ]
    return sorted(rows, key=lambda row: (row["step"], json.dumps(row, sort_keys=True)))


class Weight:
    """A score that is cheap and different at every step; slow if told to be."""

    def __init__(self, values: Callable[[float], float] = abs, seconds: float = 0.0) -> None:
        self.values, self.seconds = values, seconds
        self.threads: set[int] = set()

    def __call__(self, generator: nn.Module) -> dict[str, float]:
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        return {"weight": self.values(float(next(generator.parameters()).double().sum()))}


def _made(score: Callable[[nn.Module], dict[str, float]]) -> Any:
    return lambda data, recipe: score


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
    health = Health(_recipe())
    assert health.look(_row(5)) == []
    (problem,) = health.look(_row(10, **changed))
    assert (problem.kind, problem.action) == (kind, "rollback")
    assert said in problem.text


def test_a_discriminator_that_has_won_is_named_once_and_only_after_long() -> None:
    """An early lead is normal and must not alarm; a lasting one must, once and not at every line."""
    won = {"accuracy_real": 1.0, "accuracy_generated": 0.995, "generator_loss": 8.0}
    health = Health(_recipe(health__won_steps=100))
    found = [health.look(_row(step, **won)) for step in range(50, 301, 50)]
    assert [len(problems) for problems in found] == [0, 1, 0, 0, 0, 0]
    assert "has won" in found[1][0].text
    assert health.look(_row(350)) == []
    found = [health.look(_row(step, **won)) for step in range(400, 551, 50)]
    assert [len(problems) for problems in found] == [0, 1, 0, 0]
    low_loss = Health(_recipe(health__won_steps=100))
    assert not any(low_loss.look(_row(step, **won | {"generator_loss": 2.0})) for step in range(50, 1000, 50))
    critic = Health(_recipe(health__won_steps=100, training__loss="wasserstein", penalty__wgan_gp_weight=10.0,
                            penalty__r1_weight=0.0))  # fmt: skip
    assert not any(critic.look(_row(step, **won)) for step in range(50, 1000, 50))


def test_alike_samples_are_named_only_when_training_is_under_way() -> None:
    """Every generator begins with samples that are all alike."""
    health = Health(_recipe(health__collapsed_after=200))
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
    recipe = _recipe(**{key.replace(".", "__"): value for key, value in HUGE.items()}, health__rollbacks=20,
                     health__rate_factor=0.1)  # fmt: skip
    run = _train(tmp_path / "run", image_file, recipe, reporter=Reporter(metrics=told.append))
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
    assert all(torch.isfinite(t).all() for t in _tensors(run).values() if t.is_floating_point())
    again = _train(tmp_path / "again", image_file, recipe)
    assert _same(run, again)
    assert _rows(run) == _rows(again)


def test_a_run_that_nothing_helps_ends_with_one_line(tmp_path: Path, image_file: Path) -> None:
    """Bounded: it must not go on for ever; the checkpoint that stays must be a good one."""
    recipe = _recipe(**{key.replace(".", "__"): value for key, value in HUGE.items()}, health__rollbacks=2,
                     health__rate_factor=1.0, health__loss_limit=1.0)  # fmt: skip
    with pytest.raises(TrainingError, match=r"2 rollbacks did not help.*lower learning rates") as caught:
        _train(tmp_path / "run", image_file, recipe)
    assert caught.value.exit_code == 1
    run = RunDirectory(tmp_path / "run")
    assert [row["event"] for row in run.read_metrics()] == ["rollback", "rollback"]
    assert all(torch.isfinite(t).all() for t in _tensors(run).values() if t.is_floating_point())
    with pytest.raises(TrainingError, match="2 rollbacks"):
        resume(run.path)
    with pytest.raises(TrainingError, match=r"0 rollbacks|has exploded"):
        _train(tmp_path / "none", image_file, change_recipe(recipe, {"health.rollbacks": 0}))


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
    run = _train(tmp_path / "run", image_file, _recipe())
    (event,) = [row for row in run.read_metrics() if "event" in row]
    assert (event["problem"], event["step"], event["found_at"]) == ("not_finite", 20, 30)
    assert event["learning_rate_scale"] == 0.5
    assert steps == 30 + 20
    assert all(torch.isfinite(t).all() for t in _tensors(run).values() if t.is_floating_point())


@pytest.mark.parametrize("action", ["warn", "rollback", "ignore"])
def test_a_collapsed_generator(tmp_path: Path, action: str) -> None:
    """A generator whose samples vary by less than the data: said once, rolled back if asked to."""
    noise = np.random.default_rng(0).integers(0, 2, (100, 28, 28), dtype=np.uint8) * 255
    np.save(tmp_path / "noise.npy", noise)
    image_file = tmp_path / "noise.npy"
    recipe = _recipe(
        "seed",
        generator__learning_rate=1e-9,
        health__collapsed=action,
        health__collapsed_after=10,
        health__collapsed_spread=0.8,
        health__rollbacks=1,
    )
    told: list[dict[str, Any]] = []
    if action == "rollback":
        with pytest.raises(TrainingError, match="nearly all the same"):
            _train(tmp_path / "run", image_file, recipe, reporter=Reporter(metrics=told.append))
    else:
        _train(tmp_path / "run", image_file, recipe, reporter=Reporter(metrics=told.append))
    events = [row for row in told if "event" in row]
    assert [row["event"] for row in events] == {"warn": ["warning"], "rollback": ["rollback"]}.get(action, [])
    assert all(row["problem"] == "collapsed" and "nearly all the same" in row["message"] for row in events)


# Scores beside the training, and the best weights


def test_training_does_not_wait_for_the_score_nor_lose_one(tmp_path: Path, image_file: Path) -> None:
    """Scores come from another thread, each is of the weights of its own step, and training's weights are
    those of a run that nobody looks at."""
    score = Weight(seconds=0.2)
    began: list[float] = []

    def observer(row: dict[str, Any]) -> None:
        if row["step"] == 15 and "generator_loss" in row:
            began.append(row["seconds"])

    seen = _train(
        tmp_path / "seen", image_file, _recipe(), score=_made(score), reporter=Reporter(metrics=observer)
    )
    alone = _train(tmp_path / "alone", image_file, _recipe())
    assert _same(seen, alone)
    assert threading.get_ident() not in score.threads
    assert len(score.threads) == 1
    scores = {row["step"]: row["score"] for row in seen.read_metrics() if "score" in row}
    assert sorted(scores) == [10, 20, 30, 40]
    assert len(set(scores.values())) == 4
    final = load_generator(seen.path, "last").module
    assert scores[40] == Weight()(final)["weight"]
    assert not alone.best_checkpoint.exists()


def test_making_the_score_leaves_the_run_alone(tmp_path: Path, image_file: Path) -> None:
    """A feature network draws random first weights when it is built, before its own are read: neither the
    weights of a run nor those of a resumed one may depend on it."""

    def make(data: object, recipe: object) -> Weight:
        torch.rand(100)
        return Weight()

    alone = _train(tmp_path / "alone", image_file, _recipe())
    half = _train(tmp_path / "half", image_file, _recipe(), score=make, steps=40, minutes=0.0)
    resume(half.path, score=make)
    assert _same(half, alone)


def test_the_best_weights_are_kept_and_exported(tmp_path: Path, image_file: Path) -> None:
    """Training that gets worse towards its end must not cost the best generator."""
    run = _train(tmp_path / "run", image_file, _recipe(), score=_made(Sequence(5.0, 2.0, 3.0, 2.0)))
    best, last = load_generator(run.path), load_generator(run.path, "last")
    assert (best.about["step"], last.about["step"]) == (20, 40), "the first of equally good ones"
    assert best.about["score"] == {"name": "sequence", "value": 2.0}
    assert not best.module.training
    short = _train(tmp_path / "short", image_file, _recipe(training__steps=20))
    expected = load_generator(short.path).module.state_dict()
    # the schedule ends elsewhere, so only a run of constant rates is the same
    constant = _recipe(training__schedule="constant")
    run = _train(tmp_path / "c", image_file, constant, score=_made(Sequence(5.0, 2.0, 3.0, float("nan"))))
    short = _train(tmp_path / "d", image_file, change_recipe(constant, {"training.steps": 20}))
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
        _train(tmp_path / "run", image_file, _recipe(), score=_made(broken))


# Ending early


def test_patience(tmp_path: Path, image_file: Path) -> None:
    """Two scores without a better one end the run; it says so, and goes on when told to."""
    told: list[str] = []
    recipe = _recipe(training__steps=80, training__patience=2)
    values = (5.0, 4.0, 4.5, 4.0, 6.0, 6.0, 6.0, 6.0)
    run = _train(
        tmp_path / "run",
        image_file,
        recipe,
        score=_made(Sequence(*values)),
        reporter=Reporter(note=told.append),
    )
    assert told[-1].startswith("the score no longer improves: stopped")
    assert "--set training.patience=0" in told[-1]
    step = load_checkpoint(run.last_checkpoint).about["step"]
    assert step == 50, "known at the score after the second that was no better"
    assert sorted(row["step"] for row in run.read_metrics() if "score" in row) == [10, 20, 30, 40, 50]
    same = resume(run.path, score=_made(Sequence()))
    assert load_checkpoint(same.last_checkpoint).about["step"] == 50
    more = resume(run.path, settings={"training.patience": 0}, score=_made(Sequence(6.0, 6.0, 6.0)))
    assert load_checkpoint(more.last_checkpoint).about["step"] == 80


def test_a_time_budget(tmp_path: Path, image_file: Path) -> None:
    """Stops, saves and says how to go on; the whole is what an unbounded run gives."""
    told: list[str] = []
    recipe = _recipe(training__steps=60)
    run = _train(
        tmp_path / "run", image_file, recipe, steps=60, minutes=0.0, reporter=Reporter(note=told.append)
    )
    assert load_checkpoint(run.last_checkpoint).about["step"] == 1
    assert told[-1].startswith("the time is up: stopped")
    assert f"dropgan train --resume -o {run.path}" in told[-1]
    resume(run.path)
    assert _same(run, _train(tmp_path / "whole", image_file, recipe))


# Going on


def test_only_what_may_change_changes(tmp_path: Path, image_file: Path) -> None:
    """Another network, data order or average under the same name would be a run that nobody asked for."""
    run = _train(tmp_path / "run", image_file, _recipe(training__steps=10))
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    for arguments, said in (
        ({"settings": {"generator.dropout": 0.5}}, "generator.dropout was 0.03, now 0.5"),
        ({"settings": {"training.seed": 7, "training.steps": 20}}, "training.seed was 0, now 7"),
        ({"recipe": _recipe("seed", training__steps=10)}, "name was mlp, now seed"),
        ({"recipe": _recipe(training__steps=20)}, "training.steps was 10, now 20"),
        ({"data": "fashion-mnist-10k"}, "now fashion-mnist-10k"),
        ({"threads": 2}, "threads was 1, now 2"),
        ({"precision": "bf16"}, "precision was fp32, now bf16"),
    ):
        with pytest.raises(ResumeError, match=said) as caught:
            resume(run.path, **arguments)
        assert caught.value.exit_code == 2
        assert "training.patience" in str(caught.value), "what may change is said"
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
    given = _recipe(training__steps=10)
    changes = {"training.steps": 20, "generator.learning_rate": 1e-4, "output.log_interval": 1}
    resume(run.path, recipe=given, data=str(image_file), settings=changes)
    recipe, _ = run.read_recipe()
    assert (recipe.training.steps, recipe.generator.learning_rate) == (20, 1e-4)
    assert [row["step"] for row in run.read_metrics()] == [5, 10, *range(11, 21)]


def test_the_list_of_what_may_change_names_settings() -> None:
    """A setting that was renamed must not stay in the list."""
    document = _recipe().model_dump()
    for name in CHANGEABLE:
        table, key = name.split(".")
        assert table in document
        assert not key or key in document[table]
    assert may_change("health.rollbacks")
    assert not may_change("training.batch_size")


@pytest.mark.parametrize("damage", ["cut", "flip", "missing"])
def test_a_damaged_checkpoint(tmp_path: Path, image_file: Path, damage: str) -> None:
    """The disk failed: the checkpoint before it serves, with a remark, and the end is the same."""
    recipe = _recipe(training__steps=30)
    whole = _train(tmp_path / "whole", image_file, recipe)
    run = _train(tmp_path / "run", image_file, recipe)
    content = bytearray(run.last_checkpoint.read_bytes())
    if damage == "cut":
        run.last_checkpoint.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        content[len(content) // 2] ^= 1
        run.last_checkpoint.write_bytes(content)
    else:
        run.last_checkpoint.unlink()
    if damage == "missing":
        resume(run.path)
    else:
        with pytest.warns(UserWarning, match="damaged.*going on from the one before it, step 20"):
            resume(run.path)
    assert _same(run, whole)
    assert _rows(run) == _rows(whole)
    for path in (run.last_checkpoint, run.previous_checkpoint):
        path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"last.safetensors is damaged"):
        resume(run.path)


def test_interrupted_twice_with_scores_and_rollbacks(tmp_path: Path, image_file: Path) -> None:
    """Ctrl-C while a score is under way loses no score, and the end is that of one go."""
    recipe = _recipe(training__steps=40)
    whole = _train(tmp_path / "whole", image_file, recipe, score=_made(Weight()))

    def interrupt(at: int) -> Callable[[dict[str, Any]], None]:
        return lambda row: (
            os.kill(os.getpid(), signal.SIGINT) if row["step"] == at and "score" not in row else None
        )

    score = Weight(seconds=0.1)
    with pytest.raises(Interrupted):
        _train(
            tmp_path / "parts",
            image_file,
            recipe,
            score=_made(score),
            reporter=Reporter(metrics=interrupt(10)),
        )
    with pytest.raises(Interrupted):
        resume(tmp_path / "parts", score=_made(score), reporter=Reporter(metrics=interrupt(25)))
    parts = resume(tmp_path / "parts", score=_made(score))
    assert _same(parts, whole)
    assert _same(parts, whole, "best")
    scores = [[(r["step"], r["score"]) for r in _rows(run) if "score" in r] for run in (parts, whole)]
    assert scores[0] == scores[1]


def test_metrics_tell_how_the_discriminator_judges(tmp_path: Path, image_file: Path) -> None:
    """Accuracy on real and on generated samples, as shares of what the steps really judged."""
    recipe = _recipe("seed", discriminator__learning_rate=5e-3, generator__learning_rate=1e-6,
                     training__steps=60)  # fmt: skip
    rows = _train(tmp_path / "run", image_file, recipe).read_metrics()
    for row in rows:
        assert 0 <= row["accuracy_real"] <= 1
        assert 0 <= row["accuracy_generated"] <= 1
        assert row["generator_gradient"] >= 0
    assert rows[-1]["accuracy_real"] > 0.8, "a generator that stands still is found out"
    assert rows[-1]["accuracy_generated"] > 0.8
    assert np.isfinite([row["spread"] for row in rows if "spread" in row]).all()
