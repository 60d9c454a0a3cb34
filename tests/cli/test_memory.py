"""What a command says when memory runs out."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dropgan.cli.memory import is_out_of_memory, out_of_memory
from dropgan.export import ExportError
from dropgan.serve import DropganError, ModelError
from dropgan.serve.errors import told
from dropgan.train import DataError, change_recipe, load_recipe, train

from .conftest import Dropgan

GIB = 2**30
MACHINE = ("--device", "cpu", "-q")
QUICK = ("--recipe=mlp", "--precision=fp32", "--threads=1", "--no-score", "--steps=2")

# What is asked for, the bytes of address space that it may have, and what the line must advise.
CASES = {
    "train": (
        ["train", "-o", "out", "--data", "{data}", "--set", "training.batch_size=65536",
         "--set", "generator.hidden=[8192]", *QUICK, *MACHINE],
        2 * GIB,
        "training.batch_size",
    ),
    "evaluate": (
        ["evaluate", "{model}", "-n", "1000000", "--data", "{data}", "--report", "out", *MACHINE],
        3 * GIB // 2,
        "-n",
    ),
    "sample": (
        ["sample", "{model}", "-o", "out", "--format", "npy", "-n", "4000000", "--batch-size", "2000000",
         "--workers", "1", *MACHINE],
        3 * GIB // 2,
        "--batch-size",
    ),
    "export": (["export", "{run}", "-o", "out", "--no-score", "-q"], 9 * GIB // 10, "networks"),
}  # fmt: skip


@pytest.fixture(scope="module")
def large_run(image_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose generator has 6 million weights: exporting it takes some copies of them."""
    settings = {"generator.hidden": [2048, 2048], "training.steps": 1, "training.batch_size": 8}
    folder = tmp_path_factory.mktemp("large") / "run"
    recipe = change_recipe(load_recipe("mlp"), settings)
    train(folder, recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)
    return folder


def _limited(arguments: list[str], limit: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own that may have so much address space."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "dropgan.cli", *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
@pytest.mark.parametrize("name", CASES)
def test_too_little_memory_is_one_line(
    name: str, tmp_path: Path, model_file: Path, image_file: Path, large_run: Path
) -> None:
    """It was `error: ` and nothing, PyTorch's traceback, or a line on a node of onnxruntime's graph."""
    arguments, limit, remedy = CASES[name]
    named = [one.format(model=model_file, data=image_file, run=large_run) for one in arguments]
    answer = _limited(named, limit, tmp_path)
    assert answer.returncode == 1, answer.stderr
    (line,) = (line for line in answer.stderr.splitlines() if line.startswith("error: "))
    assert line == answer.stderr.splitlines()[-1]
    assert line.startswith("error: out of memory")
    assert remedy in line
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == [], "the mended command needs the place"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "-o", "out", "--set", "generator.hidden=[40000,40000]", *QUICK, *MACHINE], "GiB"),
        (["train", "-o", "out", "--set", "training.batch_size=1000000", *QUICK, *MACHINE], "65536"),
        (["evaluate", "{model}", "-n", "10000000", *MACHINE], "1000000"),
    ],
)
def test_what_no_machine_has_is_wrong_usage(
    dropgan: Dropgan, tmp_path: Path, model_file: Path, image_file: Path, arguments: list[str], said: str
) -> None:
    """The bounds: nothing is started that must run out of memory."""
    named = [one.format(model=model_file).replace("out", str(tmp_path / "out")) for one in arguments]
    answer = dropgan(*named, "--data", image_file)
    assert answer.code == 2
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
        ImportError("libx.so: failed to map segment from shared object"),
        ModelError("the model cannot be run: BFCArena::AllocateRawInternal Failed to allocate memory"),
    ],
)
@pytest.mark.parametrize("command", ["train", "sample", "export", "inspect"])
def test_every_library_s_words_are_known(error: Exception, command: str) -> None:
    """One line that is not empty and says what to do."""
    assert is_out_of_memory(error)
    said = out_of_memory(error, command)
    assert said.startswith("out of memory")
    assert len(said.partition(": ")[2]) > 20
    assert "\n" not in said


def test_other_errors_are_none_of_memory() -> None:
    """A bug must not hide behind advice to buy memory."""
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("bad_alloc"))


def test_an_error_that_memory_led_to() -> None:
    """A library or dropgan wraps it, and its words stand in the cause; words of one's own stay."""

    def wrapped(error: Exception, cause: Exception) -> Exception:
        error.__cause__ = cause
        return error

    full = MemoryError("Unable to allocate 7 GiB")
    assert is_out_of_memory(wrapped(ExportError("the graph cannot be traced"), full))
    assert "7 GiB" in out_of_memory(wrapped(ExportError(""), full), "export")
    assert not is_out_of_memory(wrapped(DataError("x.npz does not fit into memory: a .npy need not"), full))
    assert not is_out_of_memory(wrapped(DataError("x.npz is damaged"), ValueError("x")))


def test_what_another_process_tells() -> None:
    """A worker's errors keep their kind, and a name from elsewhere calls nothing."""
    assert isinstance(told("ModelError", "x"), ModelError)
    assert isinstance(told("MemoryError", "x"), MemoryError)
    for name in ("KeyboardInterrupt", "errno", "told", "x"):
        assert type(told(name, "x")) is DropganError


def test_a_memory_error_without_words(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own has no text at all."""

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("dropgan.serve.loading.read_file", fail)
    answer = dropgan("inspect", "m.onnx")
    assert answer.code == 1
    assert answer.err == "error: out of memory: use fewer samples (-n)\n"
