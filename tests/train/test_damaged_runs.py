"""Run directories that somebody or something has changed: one line, or the right data; never another run."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from dropgan.train import (
    CheckpointError,
    RecipeError,
    RunDirectory,
    RunError,
    change_recipe,
    load_recipe,
    resume,
    train,
)
from dropgan.train.run.checkpoint import METADATA_KEY, _digest, load_checkpoint

LOSSES = {
    "discriminator_loss": 1.0,
    "generator_loss": 1.0,
    "discriminator_weights": 9.0,
    "generator_weights": 9.0,
}


def _copy(run: Path, to: Path) -> RunDirectory:
    for path in run.rglob("*"):
        if path.is_file():
            (to / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
            (to / path.relative_to(run)).write_bytes(path.read_bytes())
    return RunDirectory(to)


def _rewritten(path: Path, about: dict[str, Any]) -> None:
    """A checkpoint that says something else, its digest right."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    document = json.dumps({**about, "digest": _digest(tensors, about)})
    save_file(tensors, path, metadata={METADATA_KEY: document})


@pytest.mark.parametrize(
    "line",
    [
        '{"mine": 1}',
        "[1, 2]",
        "7",
        '"text"',
        "not JSON",
        "[" * 100_000,
        '{"step": "ten", "score": 1.0, "score_name": "x"}',
        '{"step": true, "event": "warning", "message": "x"}',
        '{"step": -1, "event": "warning", "message": "x"}',
        '{"step": 10, "score": "low", "score_name": "x"}',
        '{"step": 10, "score": NaN, "score_name": "x"}',
        '{"step": 10, "score": 1.0}',
        '{"step": 10, "generator_loss": 1.0}',
        '{"step": 10, "event": "warning"}',
        '{"step": 10, "event": "rollback", "message": "x", "rollback": "two"}',
        json.dumps({"step": 10, **LOSSES, "spread": [1]}),
        *(json.dumps({"step": 10, **LOSSES, name: "x"}) for name in ("spread", "generator_gradient", "mine")),
        json.dumps({"step": 10, **LOSSES, "accuracy_real": None}),
        json.dumps({"step": 10, **LOSSES, "generator_loss": 10**400}),
        json.dumps({"step": 10, "score": -(10**400), "score_name": "x"}),
        "\x00\ufffd",
    ],
)
def test_a_foreign_line_of_metrics_is_said_and_left_out(tmp_path: Path, tiny_run: Path, line: str) -> None:
    """One line of somebody's own ended resuming, evaluating and the report in a traceback."""
    run = _copy(tiny_run, tmp_path / "run")
    rows = run.read_metrics()
    lines = run.metrics_file.read_text().splitlines()
    run.metrics_file.write_text("\n".join([lines[0], line, *lines[1:]]) + "\n")
    with pytest.warns(UserWarning, match=r"metrics\.jsonl: left out lines that are not metrics: 2$"):
        assert run.read_metrics() == rows
    with pytest.warns(UserWarning, match="not metrics: 2"):
        resume(run, steps=45)
    assert [row["step"] for row in run.read_metrics()] == [10, 20, 30, 40, 45]


def test_lines_of_metrics_that_training_writes_are_all_known(tiny_run: Path, tmp_path: Path) -> None:
    """What a check of lines did not know would be lost without need; a line cut off by a crash is no news."""
    run = RunDirectory(tmp_path)
    rows = [
        {"step": 5, **LOSSES, "accuracy_real": 0.5, "skipped_updates": 0, "spread": 0.25},
        {"step": 5, "score": None, "score_name": "weight"},
        {"step": 10, "score": 1, "score_name": "weight"},
        {"step": 10, "event": "rollback", "rollback": 1, "found_at": 12, "message": "x"},
    ]
    for row in rows:
        run.append_metrics(row)
    with run.metrics_file.open("ab") as file:
        file.write(b'{"step": 15, "gener\xff')
    assert run.read_metrics() == rows


def test_no_changed_byte_of_a_checkpoint_passes(tmp_path: Path, tiny_run: Path) -> None:
    """168 of 400 flipped bits passed: what a checkpoint says of itself stood outside its digest."""
    run = _copy(tiny_run, tmp_path / "run")
    content = run.last_checkpoint.read_bytes()
    header = int.from_bytes(content[:8], "little")
    draw = random.Random(0)
    places = [draw.randrange(8, 8 + header) for _ in range(300)]
    places += [draw.randrange(len(content)) for _ in range(100)]
    before = load_checkpoint(run.last_checkpoint)
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << draw.randrange(8)
        run.last_checkpoint.write_bytes(damaged)
        try:
            found = load_checkpoint(run.last_checkpoint)
        except CheckpointError:
            continue
        assert found.about == before.about  # a blank of the header became another blank
        assert all(found.tensors[name].equal(tensor) for name, tensor in before.tensors.items())
        assert found.tensors.keys() == before.tensors.keys()


@pytest.mark.parametrize("key", ["step", "seconds", "rollbacks", "data", "classes", "versions", "data.shape"])
@pytest.mark.parametrize("change", ["missing", "other"])
def test_a_checkpoint_that_does_not_say_enough(tmp_path: Path, tiny_run: Path, key: str, change: str) -> None:
    """Written by something else under a digest of its own: one line, not a KeyError."""
    run = _copy(tiny_run, tmp_path / "run")
    for path in (run.last_checkpoint, run.previous_checkpoint):
        about = load_checkpoint(path).about
        *tables, last = key.split(".")
        table = about[tables[0]] if tables else about
        if change == "missing":
            del table[last]
        else:
            table[last] = "other"
        _rewritten(path, about)
    with pytest.raises(CheckpointError, match=rf"{last}|fit this run"):
        resume(run)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('precision = "fp32"', 'precision = "fp99"', "precision"),
        ("threads = 1", "threads = 100000", "threads must be 1 to"),
        ("threads = 1", "threads = -1", "threads"),
        ("threads = 1", 'threads = "one"', "threads"),
        ("threads = 1", "", "threads"),
        ("threads = 1", "threads = 1\nsurprise = 2", "surprise"),
        ("threads = 1", f"threads = 1\ndeep = {'[' * 5000}{']' * 5000}", "nested"),
        ("[run]", "[walk]", "run"),
        ("steps = 40", "steps = -40", "steps"),
    ],
)
def test_a_recipe_of_a_run_that_was_edited(
    tmp_path: Path, tiny_run: Path, old: str, new: str, said: str
) -> None:
    """A value that no option would take must not reach PyTorch, nor end in a traceback."""
    run = _copy(tiny_run, tmp_path / "run")
    text = run.recipe_file.read_text()
    assert old in text
    run.recipe_file.write_text(text.replace(old, new, 1))
    with pytest.raises(Exception, match=said) as caught:
        resume(run)
    assert getattr(caught.value, "exit_code", None) == 1, repr(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
def test_pipes_are_no_files(tmp_path: Path, tiny_run: Path) -> None:
    """A reader of a pipe that nobody writes waits for ever."""
    os.mkfifo(tmp_path / "recipe.toml")
    with pytest.raises(RecipeError, match="not an ordinary file") as caught:
        load_recipe(str(tmp_path / "recipe.toml"))
    assert caught.value.exit_code == 2
    with pytest.raises(RunError, match="not an ordinary file"):
        RunDirectory(tmp_path).read_recipe()
    run = _copy(tiny_run, tmp_path / "run")
    run.metrics_file.unlink()
    os.mkfifo(run.metrics_file)
    with pytest.raises(RunError, match="not an ordinary file"):
        run.read_metrics()


@pytest.mark.parametrize("content", ["a = " + "[" * 100_000, "a." * 5000 + "b = 1", "x = 1\n" * 300_000])
def test_recipes_that_are_deep_or_huge(tmp_path: Path, content: str) -> None:
    """Depth ended the process; a file of another kind must not be read for minutes."""
    (tmp_path / "r.toml").write_text(content)
    with pytest.raises(RecipeError):
        load_recipe(str(tmp_path / "r.toml"))


def test_a_run_that_fails_before_its_first_line_leaves_nothing(
    tmp_path: Path, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory in the first step, and the smaller batch was refused: "already holds a run"."""
    recipe = change_recipe(load_recipe("mlp"), {"training.steps": 2, "training.batch_size": 8})

    def begin() -> None:
        train(tmp_path / "run", recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)

    def full(*_: object, **__: object) -> None:
        assert (tmp_path / "run" / "recipe.toml").exists()
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("dropgan.train.run.loop.train_step", full)
        with pytest.raises(MemoryError):
            begin()
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        begin()
    assert (tmp_path / "run" / "mine.txt").exists()
    (tmp_path / "run" / "mine.txt").unlink()
    begin()
    with monkeypatch.context() as patch:
        patch.setattr("dropgan.train.run.loop.train_step", full)
        with pytest.raises(MemoryError):
            resume(tmp_path / "run", steps=4)
    assert (tmp_path / "run" / "checkpoints" / "last.safetensors").exists()
