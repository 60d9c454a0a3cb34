"""The same command gives the same weights: what was measured is kept, and a run can be repeated."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dropgan.serve import OptionError, Reporter
from dropgan.train import ResumeError, RunDirectory, RunError, change_recipe, load_recipe, resume, train
from dropgan.train.networks import SampleSpec
from dropgan.train.recipes import Recipe
from dropgan.train.run import kept_plan
from dropgan.train.run import plan as plans
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.run.plan import Plan, Wanted, make_plan

SPEC = SampleSpec((1, 28, 28))
SMALL = {
    "training.steps": 10,
    "training.batch_size": 8,
    "generator.hidden": [16, 16],
    "discriminator.hidden": [16, 16],
}
FIXED: dict[str, Any] = {"device": "cpu", "precision": "fp32", "threads": 1}


def _recipe(**settings: Any) -> Recipe:
    named = {key.replace("__", "."): value for key, value in settings.items()}
    return change_recipe(load_recipe("mlp"), {**SMALL, **named})


def _same(one: RunDirectory, other: RunDirectory) -> bool:
    mine, theirs = (load_checkpoint(run.last_checkpoint).tensors for run in (one, other))
    return all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The precisions that were timed; what is timed last always seems the fastest."""
    timed: list[str] = []

    def seconds(plan: Plan, recipe: Recipe, spec: SampleSpec) -> float:
        timed.append(plan.precision)
        return -len(timed)

    monkeypatch.setattr(plans, "_seconds_per_step", seconds)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return timed


def test_a_plan_is_kept_for_machine_recipe_and_shape(
    measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timed anew, the same command with the same seed gave other weights on the same machine."""
    open_precision = Wanted("cpu", threads=1)
    first = make_plan(_recipe(), SPEC, open_precision)
    assert measured == ["fp32", "bf16"]
    assert make_plan(_recipe(training__steps=99, training__seed=7), SPEC, open_precision) == first
    assert len(measured) == 2, "steps and seed cost no time"
    for recipe, spec, wanted in (
        (_recipe(training__batch_size=16), SPEC, open_precision),
        (_recipe(), SampleSpec((3, 28, 28)), open_precision),
        (_recipe(), SPEC, Wanted("cpu", threads=2)),
        (_recipe(), SPEC, Wanted("cpu", threads=1, retune=True)),
    ):
        before = len(measured)
        make_plan(recipe, spec, wanted)
        assert len(measured) == before + 2
    before = len(measured)
    monkeypatch.setattr(kept_plan, "machine_name", lambda: "another processor")
    make_plan(_recipe(), SPEC, open_precision)
    assert len(measured) == before + 2


@pytest.mark.parametrize("content", ["", "[]", '{"precision": "fp99", "threads": 1}', "[" * 100_000])
def test_a_damaged_plan_is_measured_anew(measured: list[str], tmp_path: Path, content: str) -> None:
    """A file of the cache that somebody damaged must neither end a run nor choose for it."""
    wanted = Wanted("cpu", threads=1)
    first = make_plan(_recipe(), SPEC, wanted)
    (file,) = (tmp_path / "cache" / "dropgan" / "plans").iterdir()
    file.write_text(content)
    assert make_plan(_recipe(), SPEC, wanted) == first
    assert len(measured) == 4
    make_plan(_recipe(), SPEC, wanted)
    assert len(measured) == 4


def test_a_run_is_repeated_from_its_recipe(tmp_path: Path, image_file: Path) -> None:
    """Recipe, data, seed, precision and threads come from the other run: the weights are the same."""
    notes: list[str] = []
    first = train(tmp_path / "a", _recipe(training__seed=5), data=str(image_file), **FIXED)
    again = train(tmp_path / "b", like=first, reporter=Reporter(note=notes.append))
    assert _same(first, again)
    assert first.read_recipe() == again.read_recipe()
    assert notes == []


def test_what_is_not_repeated_is_refused_or_said(tmp_path: Path, image_file: Path) -> None:
    """A repetition that silently was another run would be worse than none."""
    data = tmp_path / "mine.npy"
    data.write_bytes(image_file.read_bytes())
    first = train(tmp_path / "a", _recipe(), data=str(data), **FIXED)
    for chosen in ({"seed": 3}, {"recipe": "conv"}, {"threads": 2}, {"init_from": first}):
        with pytest.raises(OptionError, match="leave out") as caught:
            train(tmp_path / "b", like=first, **chosen)
        assert caught.value.exit_code == 2
    resume(first, steps=15)
    notes: list[str] = []
    train(tmp_path / "c", like=first, reporter=Reporter(note=notes.append))
    assert "step 10: training.steps was 10, now 15" in notes[0]
    text = first.recipe_file.read_text()
    torch_line = next(line for line in text.splitlines() if line.startswith("torch = "))
    first.recipe_file.write_text(text.replace(torch_line, 'torch = "1.0"'))
    train(tmp_path / "d", like=first, reporter=Reporter(note=notes.append))
    assert "torch 1.0, here" in notes[-1]
    images = np.load(data)
    np.save(data, images[::-1])
    with pytest.raises(ResumeError, match=r"mine\.npy has changed since .*a began"):
        train(tmp_path / "e", like=first)
    assert not (tmp_path / "e").exists()


def test_data_in_memory_are_given_again(tmp_path: Path, image_file: Path) -> None:
    """A run keeps no data: resumed and repeated, it takes the same array and no other."""
    images = np.load(image_file)
    first = train(tmp_path / "a", _recipe(), data=images, **FIXED)
    for again in (lambda: resume(first), lambda: train(tmp_path / "b", like=first)):
        with pytest.raises(RunError, match=r"pass it again as data=\.\.\."):
            again()
    with pytest.raises(ResumeError, match="has changed since"):
        resume(first, data=images[::-1])
    resume(first, data=images, steps=15)
    resume(first, data=str(image_file), steps=20)  # the same images, wherever they are
    whole = train(tmp_path / "whole", _recipe(training__steps=20), data=images, **FIXED)
    assert load_checkpoint(first.last_checkpoint).about["step"] == 20
    assert _same(whole, train(tmp_path / "c", like=whole, data=images))
