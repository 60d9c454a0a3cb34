"""One generator inside an application: threads, processes of every kind, an event loop, all at once."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator, LatentStream

COUNT = 300
CUTS = [(0, 1), (1, 1), (2, 1), (3, 40), (43, 1), (44, 129), (173, 127)]  # single ones in turn, batches


@pytest.fixture(scope="module")
def generator(model_file: Path) -> Generator:
    return Generator(model_file, device="cpu", threads=1)


@pytest.fixture(scope="module")
def expected(model_file: Path) -> bytes:
    return Generator(model_file, device="cpu").sample(COUNT, seed=4, start=2**33).tobytes()


def pieces(generator: Generator, _: int = 0) -> bytes:
    """The samples, asked for in pieces of all sizes."""
    parts = [generator.sample(count, seed=4, start=2**33 + first) for first, count in CUTS]
    return np.concatenate(parts).tobytes()


def test_eight_threads(generator: Generator, expected: bytes) -> None:
    """A threaded server shares one generator: no thread may get another one's samples."""
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(partial(pieces, generator), range(64))) == {expected}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_four_forked_children_while_threads_sample(generator: Generator, expected: bytes) -> None:
    """A server that forks its workers while it is serving must neither hang nor mix samples up."""
    context = multiprocessing.get_context("fork")
    pieces(generator)
    with ThreadPoolExecutor(2) as threads:
        busy = [threads.submit(pieces, generator) for _ in range(20)]
        with ProcessPoolExecutor(4, mp_context=context) as children:
            answers = list(children.map(partial(pieces, generator), range(8), timeout=300))
    assert {*answers, *(answer.result() for answer in busy)} == {expected}


def test_forked_child_uses_what_it_inherited(generator: Generator, expected: bytes) -> None:
    """The generator of the parent, not a pickled copy, must work in the child, and end well."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    reader, writer = os.pipe()
    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                os.write(writer, b"+" if pieces(generator) == expected else b"-")
            finally:
                os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    os.close(writer)
    assert os.read(reader, 10) == b"++++"
    os.close(reader)


def test_spawned_processes(generator: Generator, expected: bytes) -> None:
    """Windows and macOS start workers from nothing: the generator reaches them by pickle."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as children:
        assert set(children.map(partial(pieces, generator), range(4), timeout=300)) == {expected}


def test_event_loop(generator: Generator, expected: bytes) -> None:
    """An async server samples in threads; the loop must go on meanwhile."""

    async def serve() -> tuple[list[bytes], int]:
        beats = 0

        async def heart() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0)
                beats += 1

        beating = asyncio.create_task(heart())
        answers = await asyncio.gather(*(asyncio.to_thread(pieces, generator) for _ in range(16)))
        beating.cancel()
        return answers, beats

    answers, beats = asyncio.run(serve())
    assert set(answers) == {expected}
    assert beats > 10


def test_single_latents_in_any_order() -> None:
    """Latents made ahead for single samples in turn must be those of the index that is asked for."""
    stream = LatentStream(9)
    whole = stream(60, seed=1, start=100)
    order = [0, 1, 2, 3, 2, 40, 41, 42, 18, 19, 20, *range(21, 60), 5, 4, 3]
    for place in order:
        (given,) = stream(1, seed=1, start=100 + place)
        assert np.array_equal(given, whole[place])
        given[:] = 7  # the caller's own, to do with what it likes
    assert not np.array_equal(stream(1, seed=2, start=100)[0], whole[0])


def test_import_is_light(model_file: Path) -> None:
    """Importing and sampling must not load what costs an app its quick start."""
    code = (
        "import sys; from dropgan.serve import Generator;"
        f"Generator({str(model_file)!r}, device='cpu').sample(1);"
        "print([name for name in ('torch', 'onnx', 'typer', 'pydantic', 'importlib.metadata', 'PIL')"
        " if name in sys.modules])"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env={"PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
