"""What a command says when memory runs out."""

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dropgan.cli.memory import is_out_of_memory, out_of_memory

from .conftest import Dropgan

LIMIT = 4 * 2**30


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (
            [
                "train",
                "-o",
                "run",
                "--recipe",
                "mlp",
                "--data",
                "{data}",
                "--set",
                "generator.hidden=[40000,40000]",
                "-q",
            ],
            "training.batch_size",
        ),
    ],
)
def test_too_little_memory_is_one_line(
    tmp_path: Path, model_file: Path, image_file: Path, arguments: list[str], remedy: str
) -> None:
    """It was `error: ` and nothing, or PyTorch's traceback."""
    named = [argument.format(model=model_file, data=image_file) for argument in arguments]
    answer = subprocess.run(
        [sys.executable, "-m", "dropgan.cli", *named],
        cwd=tmp_path, preexec_fn=_limit, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 2, answer.stderr  # the recipe is what has to change
    last = answer.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "GiB" in last
    assert "Traceback" not in answer.stderr
    assert re.search(rf"{remedy}|networks", last)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
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


def test_a_memory_error_without_words(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own has no text at all."""

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("dropgan.serve.loading.read_file", fail)
    answer = dropgan("inspect", "m.onnx")
    assert answer.code == 1
    assert answer.err == "error: out of memory: fewer samples (-n) need less\n"
