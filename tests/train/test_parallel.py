"""Several processes: they see together what one would see, agree on everything, and only one writes."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from dropgan.evaluate import validation_metric
from dropgan.evaluate.distances import FrechetDistance, inception_score, kernel_distance
from dropgan.serve.errors import InputError
from dropgan.train import ImageData, RecipeError, RunDirectory, VectorData, change_recipe, load_recipe
from dropgan.train.data.batches import Batches
from dropgan.train.distributed.data_parallel import train_in_parallel
from dropgan.train.distributed.ranks import Ranks
from dropgan.train.kinds import training_kind
from dropgan.train.networks import SampleSpec
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.streams import Streams

CPU = torch.device("cpu")
PAIR = (Ranks(0, 2, 0, 2), Ranks(1, 2, 1, 2))
SETTINGS = ("training.batch_size=16", "generator.hidden=[32,32]", "discriminator.hidden=[32,32]",
            "output.log_interval=5",
            "output.checkpoint_interval=10", "training.schedule=constant")  # fmt: skip
NO_DROPOUT = ("generator.dropout=0", "discriminator.dropout=0")


def test_parts_of_a_batch_join_to_the_batch_of_one_process() -> None:
    """A row seen twice or never would make several processes train on other data than one."""
    images = np.random.default_rng(0).integers(0, 255, (40, 4, 4, 1), dtype=np.uint8)
    labels = np.arange(40)
    whole = Batches(images, 16, 3, CPU, labels)
    parts = [Batches(images, 16, 3, CPU, labels, ranks=ranks) for ranks in PAIR]
    for step in range(6):  # over the ends of epochs
        expected, given = whole(step), [part(step) for part in parts]
        assert torch.equal(expected.samples, torch.cat([batch.samples for batch in given]))
        assert torch.equal(expected.labels, torch.cat([batch.labels for batch in given]))


def test_latents_of_the_processes_join_to_those_of_one() -> None:
    """Or two processes would train on the same latents twice."""
    states = [TrainingState.fresh(load_recipe("mlp"), SampleSpec((1, 8, 8)), CPU) for _ in range(3)]
    expected = states[0].draw_latents(3, 8, 5, CPU)
    for state, ranks in zip(states[1:], PAIR, strict=True):
        state.ranks = ranks
    assert torch.equal(expected, torch.cat([state.draw_latents(3, 4, 5, CPU) for state in states[1:]]))


def test_masks_differ_between_processes_and_follow_from_the_step() -> None:
    """Equal masks would drop the same units in every part; masks that hang on the past would not resume."""

    def draw(rank: int, step: int, attempt: int = 0) -> torch.Tensor:
        Streams(0, attempt).seed_masks(step, rank)
        return torch.rand(4)

    first = draw(0, 7)
    assert not torch.equal(first, draw(1, 7))
    assert not torch.equal(first, draw(0, 8))
    assert not torch.equal(first, draw(0, 7, attempt=1))
    assert torch.equal(first, draw(0, 7))


def test_what_cannot_be_cut_is_refused() -> None:
    """Unequal parts would weigh some images more; batch statistics of a part are not the batch's."""
    recipe = change_recipe(load_recipe("mlp"), {"training.batch_size": 15})
    state = TrainingState.fresh(recipe, SampleSpec((1, 8, 8)), CPU)
    with pytest.raises(InputError, match="equal parts"):
        train_in_parallel(state, recipe, CPU, PAIR[0])
    recipe = change_recipe(load_recipe("mlp"), {"generator.normalisation": "batch", "generator.dropout": 0})
    state = TrainingState.fresh(recipe, SampleSpec((1, 8, 8)), CPU)
    with pytest.raises(RecipeError, match="CUDA only"):
        train_in_parallel(state, recipe, CPU, PAIR[0])


def test_scores_ask_nothing_of_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leader alone scores: a score that gathered from the others would wait for them for ever."""
    for name in ("is_available", "is_initialized"):
        monkeypatch.setattr(torch.distributed, name, lambda: True)

    def called(*_: object, **__: object) -> None:
        raise AssertionError("a score talks to other processes")

    for name in ("get_world_size", "barrier", "all_gather", "all_reduce", "broadcast", "gather"):
        monkeypatch.setattr(torch.distributed, name, called)
    random = np.random.default_rng(0)
    features = random.normal(size=(2, 40, 8)).astype(np.float32)
    assert FrechetDistance(features[0])(features[1]) > 0
    assert kernel_distance(*features)[1] > 0
    assert inception_score(features[0])[0] > 1
    images = ImageData(random.integers(0, 255, (40, 8, 8, 1), dtype=np.uint8), "noise")
    rows = VectorData(random.normal(size=(40, 3)).astype(np.float32), "rows", ("a", "b", "c"))
    for data in (images, rows):
        recipe = load_recipe("mlp")
        state = TrainingState.fresh(recipe, training_kind(data.kind).spec_of(data, 0), CPU)
        ((_, value),) = validation_metric(data, recipe)(state.ema.module).items()
        assert value > 0


def _arguments(out: Path, data: Path, steps: int, *settings: str) -> list[str]:
    sets = [part for setting in (*SETTINGS, *settings) for part in ("--set", setting)]
    return ["train", "-o", str(out), "--data", str(data), "--recipe", "mlp", "--device", "cpu",
            "--precision", "fp32", "--threads", "1", "--no-score", "--steps", str(steps), *sets]  # fmt: skip


def _start(
    arguments: list[str], count: int = 2, *, others: list[str] | None = None
) -> list[subprocess.Popen[str]]:
    """The processes that torchrun would start, so that a test knows which is which.

    All but the first get the arguments ``others``, if there are some.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        subprocess.Popen(
            [sys.executable, "-m", "dropgan.cli", *(others if others and rank else arguments)],
            env=os.environ
            | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"}
            | {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
            | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def _finish(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    answers = [process.communicate(timeout=300) for process in processes]
    return [(process.returncode, *answer) for process, answer in zip(processes, answers, strict=True)]


def _run(arguments: list[str], count: int = 2) -> None:
    for code, _, err in _finish(_start(arguments, count)):
        assert code == 0, err


def _difference(one: Path, other: Path) -> float:
    first, second = (load_checkpoint(RunDirectory(path).last_checkpoint) for path in (one, other))
    assert first.about["step"] == second.about["step"]
    assert first.tensors.keys() == second.tensors.keys()
    return max(
        (tensor.double() - second.tensors[name].double()).abs().max().item()
        for name, tensor in first.tensors.items()
    )


def _wait_for_metrics(run: Path, processes: list[subprocess.Popen[str]]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and not RunDirectory(run).metrics_file.exists():
        assert all(process.poll() is None for process in processes), _finish(processes)
        time.sleep(0.05)


@pytest.mark.slow
def test_two_processes_train_what_one_trains(tmp_path: Path, image_file: Path) -> None:
    """Through torchrun, with R1, without dropout; and checkpoints go over from two to one and back."""
    one, two = tmp_path / "one", tmp_path / "two"
    _run(_arguments(one, image_file, 20, *NO_DROPOUT), 1)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "dropgan.cli"]
    done = subprocess.run(
        [*torchrun, *_arguments(two, image_file, 20, *NO_DROPOUT)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run   ") == 1  # one of them speaks
    assert _difference(one, two) < 5e-6
    assert [row["step"] for row in RunDirectory(two).read_metrics()] == [5, 10, 15, 20]
    for first, second in zip(*(RunDirectory(run).read_metrics() for run in (one, two)), strict=True):
        assert second["discriminator_loss"] == pytest.approx(first["discriminator_loss"], abs=1e-4)
        assert second["accuracy_real"] == pytest.approx(first["accuracy_real"], abs=0.03)
    _run(["train", "--resume", "-o", str(one), "--steps", "30", "--no-score"], 2)
    _run(["train", "--resume", "-o", str(two), "--steps", "30", "--no-score"], 1)
    assert _difference(one, two) < 5e-6


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["images", "vectors"])
def test_two_processes_score_as_one_does(tmp_path: Path, image_file: Path, kind: str) -> None:
    """With the defaults, which score: two processes stood still at their first score."""
    data = image_file
    if kind == "vectors":
        data = tmp_path / "rows.csv"
        rows = np.random.default_rng(0).normal((1, 20, 300), (1, 2, 3), (100, 3))
        np.savetxt(data, rows, delimiter=",", header="a,b,c", comments="")
    arguments = [word for word in _arguments(tmp_path / "x", data, 30, *NO_DROPOUT) if word != "--no-score"]
    arguments += ["--set", "output.sample_interval=10"]
    for count in (1, 2):
        _run([*arguments[:2], str(tmp_path / str(count)), *arguments[3:]], count)
    one, two = (RunDirectory(tmp_path / str(count)) for count in (1, 2))
    scores = [[row for row in run.read_metrics() if "score" in row] for run in (one, two)]
    assert [row["step"] for row in scores[1]] == [10, 20, 30]
    for first, second in zip(*scores, strict=True):
        assert second["score"] == pytest.approx(first["score"], rel=1e-2)
    assert two.best_checkpoint.exists()


@pytest.mark.slow
def test_a_signal_to_one_process_stops_both_and_resuming_is_exact(tmp_path: Path, image_file: Path) -> None:
    """With dropout: the masks of each process must come back too."""
    processes = _start(_arguments(tmp_path / "parts", image_file, 100_000))
    _wait_for_metrics(tmp_path / "parts", processes)
    processes[1].send_signal(signal.SIGTERM)
    answers = _finish(processes)
    assert [code for code, *_ in answers] == [143, 143], answers
    assert "--resume" in answers[0][2]
    step = load_checkpoint(RunDirectory(tmp_path / "parts").last_checkpoint).about["step"]
    _run(["train", "--resume", "-o", str(tmp_path / "parts"), "--steps", str(step + 7), "--no-score"])
    _run(_arguments(tmp_path / "whole", image_file, step + 7))
    assert _difference(tmp_path / "parts", tmp_path / "whole") == 0


@pytest.mark.slow
def test_a_process_that_dies_ends_all(tmp_path: Path, image_file: Path) -> None:
    """With a line that says so, not a hang and not a traceback; the checkpoint stays."""
    processes = _start(_arguments(tmp_path / "run", image_file, 100_000))
    _wait_for_metrics(tmp_path / "run", processes)
    processes[1].kill()
    (code, _, err), _ = _finish(processes)
    assert code == 1, err
    assert "another one has ended" in err
    assert "Traceback" not in err
    assert RunDirectory(tmp_path / "run").last_checkpoint.exists()


@pytest.mark.slow
def test_processes_with_other_data_are_refused(tmp_path: Path, image_file: Path) -> None:
    """Two machines whose files differ would train on a mixture that nobody asked for."""
    other = tmp_path / image_file.name
    np.save(other, np.load(image_file)[:150])
    answers = _finish(
        _start(
            _arguments(tmp_path / "run", image_file, 10),
            others=_arguments(tmp_path / "run", other, 10),
        )
    )
    for code, _, err in answers:
        assert code == 1, err
        assert "training data differs between the 2 processes" in err
    assert not (tmp_path / "run").exists()
