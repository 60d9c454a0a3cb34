"""What a run leaves behind to be looked at: curves, the animation, TensorBoard."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dropgan.serve.errors import MissingExtraError
from dropgan.train import RunDirectory, change_recipe, load_recipe, resume, train
from dropgan.train.monitor.animation import is_frame, write_animation
from dropgan.train.recipes import asked_recipe

from .small_runs import SMALL


def _train(directory: Path, data: Path, **options: Any) -> RunDirectory:
    recipe = change_recipe(load_recipe("mlp"), SMALL)
    fixed: dict[str, Any] = {"device": "cpu", "precision": "fp32", "threads": 1}
    return train(directory, recipe, data=str(data), **fixed, **options)


def test_curves_and_animation(tmp_path: Path, image_file: Path) -> None:
    """A person opens two files and sees how the run went; a longer run draws them anew."""
    run = _train(
        tmp_path / "run", image_file, score=lambda data, recipe: lambda generator: {"some_score": 1.5}
    )
    with Image.open(run.curves_file) as curves:
        three = curves.size
        assert np.asarray(curves.convert("L")).std() > 5, "something is drawn"
    with Image.open(run.animation_file) as film:
        assert film.n_frames == 4  # type: ignore[attr-defined]
        frames = []
        for number in range(4):
            film.seek(number)
            frames.append(np.asarray(film.convert("L"), dtype=float)[14:])
        assert film.size[0] <= 480
    with Image.open(run.sample_file(40)) as last:
        small = last.convert("L")
        small.thumbnail((480, 480))
        assert np.abs(frames[3] - np.asarray(small)).mean() < 6, "it ends with the last picture"
    assert np.abs(frames[3] - frames[0]).mean() > 1
    assert run.animation_file.stat().st_size < 500_000
    resume(run.path, steps=60)
    with Image.open(run.animation_file) as film:
        assert film.n_frames == 6  # type: ignore[attr-defined]
    plain = _train(tmp_path / "plain", image_file)
    with Image.open(plain.curves_file) as curves:
        assert curves.size[1] < three[1], "no panel for scores that there are none of"


def test_a_long_run_has_a_short_animation(tmp_path: Path) -> None:
    """A thousand pictures must not become a file that nobody can send."""
    run = RunDirectory(tmp_path)
    run.samples_directory.mkdir()
    for step in range(1, 201):
        Image.new("L", (600, 600), step).save(run.sample_file(step))
    write_animation(run, 150)
    with Image.open(run.animation_file) as film:
        assert film.n_frames == 60  # type: ignore[attr-defined]
        assert film.size == (480, 494)
        film.seek(59)
        assert film.convert("L").getpixel((240, 240)) in range(147, 154), "nothing of what was rolled back"
        film.seek(1)
        assert film.convert("L").getpixel((240, 240)) < 16, "the early ones are all there"


@pytest.mark.parametrize("steps", [240, 2500, 100_000])
def test_a_film_begins_early_and_has_twenty_pictures(steps: int) -> None:
    """Most is learned in the first steps; three pictures of a short run show nothing of it."""
    due = [step for step in range(1, steps + 1) if is_frame(step, steps)]
    assert due[:2] == [10, 20] if steps == 240 else [10, 30]
    assert 20 <= len(due) <= 30


def test_a_run_cut_short_has_ten_scores_to_choose_from() -> None:
    """The best of two or three checkpoints would be any; what was said stays."""

    def interval(**said: Any) -> int:
        asked = asked_recipe("mlp", **said)
        assert asked.recipe is not None
        return asked.recipe.output.sample_interval

    usual = load_recipe("mlp")
    assert interval(steps=2500) == 250
    assert interval(steps=300) == 100
    assert interval(steps=50_000) == interval() == usual.output.sample_interval
    assert interval(steps=2500, settings={"output.sample_interval": 1000}) == 1000
    assert asked_recipe(steps=2500).changes["output.sample_interval"] == 250


def test_tensorboard(tmp_path: Path, image_file: Path) -> None:
    """Curves and pictures appear there under the steps that they are of, over a resume too."""
    pytest.importorskip("tensorboard", reason="the extra [tensorboard] is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = _train(tmp_path / "run", image_file, tensorboard=True)
    resume(run.path, steps=50, tensorboard=True)
    log = EventAccumulator(str(run.path / "tensorboard"), size_guidance={"images": 0})
    log.Reload()
    rows = [row for row in run.read_metrics() if "generator_loss" in row]
    seen = log.Scalars("training/generator_loss")
    assert [event.step for event in seen] == [row["step"] for row in rows]
    assert [event.value for event in seen] == pytest.approx([row["generator_loss"] for row in rows])
    assert [image.step for image in log.Images("samples")] == [10, 20, 30, 40, 50]


def test_tensorboard_that_is_missing_is_said_before_training(
    tmp_path: Path, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after an hour, and with nothing left behind."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'dropgan\[tensorboard\]'"):
        _train(tmp_path / "run", image_file, tensorboard=True)
    assert not (tmp_path / "run").exists()
