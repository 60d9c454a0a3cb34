"""Going on with a run: what may change, damaged checkpoints, interruptions."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dropgan.serve.reporter import Reporter
from dropgan.train import (
    CheckpointError,
    Interrupted,
    ResumeError,
    resume,
)
from dropgan.train.run.changes import CHANGEABLE, may_change

from .small_runs import WeightScore, made, rows_of, same_weights, small_recipe, train_small


def test_only_what_may_change_changes(tmp_path: Path, image_file: Path) -> None:
    """Another network, data order or average under the same name would be a run that nobody asked for."""
    run = train_small(tmp_path / "run", image_file, small_recipe(training__steps=10))
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    for arguments, said in (
        ({"settings": {"generator.dropout": 0.5}}, "generator.dropout was 0.03, now 0.5"),
        ({"settings": {"training.seed": 7, "training.steps": 20}}, "training.seed was 0, now 7"),
        ({"recipe": small_recipe("seed", training__steps=10)}, "name was mlp, now seed"),
        ({"recipe": small_recipe(training__steps=20)}, "training.steps was 10, now 20"),
        ({"data": "fashion-mnist-10k"}, "now fashion-mnist-10k"),
        ({"threads": 2}, "threads was 1, now 2"),
        ({"precision": "bf16"}, "precision was fp32, now bf16"),
    ):
        with pytest.raises(ResumeError, match=said) as caught:
            resume(run.path, **arguments)
        assert caught.value.exit_code == 2
        assert "training.patience" in str(caught.value), "what may change is said"
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
    given = small_recipe(training__steps=10)
    changes = {"training.steps": 20, "generator.learning_rate": 1e-4, "output.log_interval": 1}
    resume(run.path, recipe=given, data=str(image_file), settings=changes)
    recipe, _ = run.read_recipe()
    assert (recipe.training.steps, recipe.generator.learning_rate) == (20, 1e-4)
    assert [row["step"] for row in run.read_metrics()] == [5, 10, *range(11, 21)]


def test_the_list_of_what_may_change_names_settings() -> None:
    """A setting that was renamed must not stay in the list."""
    document = small_recipe().model_dump()
    for name in CHANGEABLE:
        table, key = name.split(".")
        assert table in document
        assert not key or key in document[table]
    assert may_change("health.rollbacks")
    assert not may_change("training.batch_size")


@pytest.mark.parametrize("damage", ["cut", "flip", "missing"])
def test_a_damaged_checkpoint(tmp_path: Path, image_file: Path, damage: str) -> None:
    """The disk failed: the checkpoint before it serves, with a remark, and the end is the same."""
    recipe = small_recipe(training__steps=30)
    whole = train_small(tmp_path / "whole", image_file, recipe)
    run = train_small(tmp_path / "run", image_file, recipe)
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
        with pytest.warns(UserWarning, match="damaged.*continuing from the one before it, step 20"):
            resume(run.path)
    assert same_weights(run, whole)
    assert rows_of(run) == rows_of(whole)
    for path in (run.last_checkpoint, run.previous_checkpoint):
        path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"last.safetensors is damaged"):
        resume(run.path)


def test_interrupted_twice_with_scores_and_rollbacks(tmp_path: Path, image_file: Path) -> None:
    """Ctrl-C while a score is under way loses no score, and the end is that of one go."""
    recipe = small_recipe(training__steps=40)
    whole = train_small(tmp_path / "whole", image_file, recipe, score=made(WeightScore()))

    def interrupt(at: int) -> Callable[[dict[str, Any]], None]:
        return lambda row: (
            os.kill(os.getpid(), signal.SIGINT) if row["step"] == at and "score" not in row else None
        )

    score = WeightScore(seconds=0.1)
    with pytest.raises(Interrupted):
        train_small(
            tmp_path / "parts",
            image_file,
            recipe,
            score=made(score),
            reporter=Reporter(metrics=interrupt(10)),
        )
    with pytest.raises(Interrupted):
        resume(tmp_path / "parts", score=made(score), reporter=Reporter(metrics=interrupt(25)))
    parts = resume(tmp_path / "parts", score=made(score))
    assert same_weights(parts, whole)
    assert same_weights(parts, whole, "best")
    scores = [[(r["step"], r["score"]) for r in rows_of(run) if "score" in r] for run in (parts, whole)]
    assert scores[0] == scores[1]
