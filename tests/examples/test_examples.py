"""The examples, run as their readers run them."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from dropgan.serve import Generator

from ..browser_tools import visit, web_server
from ..node_tools import NPM, REPOSITORY, project, require_npm, run_node

EXAMPLES = REPOSITORY / "examples"
NAME = "alice@example.org"
SEED_OF_NAME = 10442219743043478650  # what the examples make of NAME

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """An example's module, found by its workers too."""

    def import_example(path: str) -> ModuleType:
        file = EXAMPLES / path
        monkeypatch.syspath_prepend(str(file.parent))
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, file.stem, module)
        spec.loader.exec_module(module)
        return module

    return import_example


def run_python(*arguments: object) -> str:
    done = subprocess.run([sys.executable, *map(str, arguments)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def avatar(model: Path) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The picture that every avatar example must show."""
    return Generator(model, device="cpu").sample(1, seed=SEED_OF_NAME)[0].astype(int)


def test_python_app(tmp_path: Path, model_file: Path) -> None:
    """The first example that a reader tries must give the picture that it promises."""
    from PIL import Image

    out = tmp_path / "alice.png"
    run_python(EXAMPLES / "python_app/avatar.py", model_file, NAME, "-o", out)
    with Image.open(out) as picture:
        assert np.array_equal(np.asarray(picture)[::8, ::8], avatar(model_file)[..., 0])


def test_node_script(tmp_path: Path, model_file: Path) -> None:
    """The same name must have the same picture in Node as in Python."""
    folder = project(tmp_path, "onnxruntime-node")
    script = folder / "avatar.mjs"
    script.write_bytes((EXAMPLES / "node/avatar.mjs").read_bytes())
    run_node(folder, script, model_file, NAME, "alice.pgm")
    header, pixels = (folder / "alice.pgm").read_bytes().split(b"\n255\n", 1)
    assert header == b"P5\n28 28"
    assert np.abs(np.frombuffer(pixels, np.uint8).reshape(28, 28, 1) - avatar(model_file)).max() <= 1


def test_web_page(tmp_path: Path, model_file: Path) -> None:
    """The same name must have the same picture in a visitor's browser, in a page of one's own."""
    from dropgan.export.package import Details, package_site

    for file in (EXAMPLES / "web").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    details = Details.checked("clothes-gan", "MIT", target="web")
    package_site(model_file, tmp_path / "clothes-gan", details, onnxruntime_web=web, webgpu=False)
    run = """() => [...document.getElementById("avatar").getContext("2d").getImageData(0, 0, 28, 28).data]"""
    with web_server(tmp_path) as address:
        found = visit(address, run)
    pixels = np.array(found["result"]).reshape(28, 28, 4)
    assert np.abs(pixels[..., :1] - avatar(model_file)).max() <= 1


@pytest.mark.parametrize("context", [None, "fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_augmentation_data(load: Load, model_file: Path, context: str | None) -> None:
    """Workers, forked or spawned, must make the images that the main process makes, in its order."""
    from torch.utils.data import DataLoader

    data = load("augmentation/denoise.py").GeneratedImages(model_file, 40, seed=5)
    assert len(data) == 40
    data[0]  # a session in use before the fork
    loader = DataLoader(data, batch_size=16, num_workers=2 if context else 0, multiprocessing_context=context)
    images = np.concatenate([batch.numpy() for (batch,) in loader])
    expected = Generator(model_file, device="cpu").sample(40, seed=5)
    assert np.array_equal(np.round(images * 255).astype(int), expected.transpose(0, 3, 1, 2))
    with pytest.raises(IndexError):
        data[40]


@pytest.mark.slow
def test_augmentation_training(model_file: Path) -> None:
    """The whole loop must run as its first line says, and learn."""
    said = run_python(EXAMPLES / "augmentation/denoise.py", model_file, "--generated", 2000, "--epochs", 2)
    first, second = (float(line.rsplit(" ", 1)[1]) for line in said.splitlines())
    assert second < first


def test_fastapi_route(load: Load, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A route in somebody's own application must give each name its picture, also under load."""
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    import io
    from concurrent.futures import ThreadPoolExecutor

    from fastapi.testclient import TestClient
    from PIL import Image

    monkeypatch.setenv("MODEL", str(model_file))
    with TestClient(load("fastapi_app/app.py").app) as client:
        assert client.get("/").json() == {"avatars": "/avatars/NAME.png"}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.get(f"/avatars/{NAME}.png"), range(24)))
        assert client.get(f"/avatars/{'x' * 101}.png").status_code == 422
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert np.array_equal(np.asarray(picture), avatar(model_file)[..., 0])


def test_nightly_job(tmp_path: Path, model_file: Path) -> None:
    """A job started twice must not make a day twice; two days must not share a sample."""
    script = EXAMPLES / "nightly/nightly.py"
    arguments = (script, model_file, tmp_path, "--per-day", 50, "--date")
    first = Path(run_python(*arguments, "2026-11-23").strip())
    stamp = first.stat().st_mtime_ns
    run_python(*arguments, "2026-11-23")
    assert first.stat().st_mtime_ns == stamp
    second = Path(run_python(*arguments, "2026-11-24").strip())
    receipts = [json.loads(path.with_suffix(".json").read_text()) for path in (first, second)]
    assert receipts[1]["start"] == receipts[0]["start"] + 50
    expected = Generator(model_file, device="cpu").sample(100, seed=1, start=receipts[0]["start"])
    assert np.array_equal(np.concatenate([np.load(first), np.load(second)]), expected)

    first.with_suffix(".json").unlink()  # as if it had been killed before the receipt
    run_python(*arguments, "2026-11-23")
    assert np.array_equal(np.load(first), expected[:50])


def _compiler() -> str:
    import shutil

    return shutil.which("cc") or pytest.skip("no C compiler")


def test_c_latents(tmp_path: Path) -> None:
    """The C program must make the same samples as every other language."""
    import ctypes

    library = tmp_path / "latents.so"
    source = EXAMPLES / "c/latents.c"
    strict = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([_compiler(), *strict, source, "-lm", "-o", library], check=True)
    make = ctypes.CDLL(str(library)).dropgan_latents
    make.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint64, ctypes.c_uint64]
    make.restype = None
    vectors = json.loads((REPOSITORY / "tests/golden/latents.json").read_text("utf-8"))
    for case in vectors["cases"]:
        out = np.full(case["count"] * case["dim"] + 1, np.nan, dtype=np.float32)
        make(out.ctypes.data, case["dim"], case["count"], int(case["seed"]), int(case["start"]))
        assert np.abs(out[:-1] - case["latents"]).max() < vectors["tolerance"]
        assert np.isnan(out[-1]), "wrote beyond its room"


def test_c_seeds(tmp_path: Path) -> None:
    """A word must be the same seed in a C program as everywhere."""
    import ctypes

    library = tmp_path / "seed.so"
    strict = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([_compiler(), *strict, EXAMPLES / "c/seed.c", "-o", library], check=True)
    seed = ctypes.CDLL(str(library)).dropgan_seed
    seed.argtypes, seed.restype = [ctypes.c_char_p], ctypes.c_uint64
    for case in json.loads((REPOSITORY / "tests/golden/seeds.json").read_text("utf-8")):
        assert seed(case["text"].encode("utf-8")) == int(case["seed"])


def test_c_program(tmp_path: Path, model_file: Path, conditional_model: Path) -> None:
    """A native program over onnxruntime's C API must give Python's pixels."""
    include = Path(os.environ.get("ONNXRUNTIME_INCLUDE", "/usr/include/onnxruntime"))
    if not (include / "onnxruntime_c_api.h").exists():
        pytest.skip("no onnxruntime_c_api.h (Debian 13's libonnxruntime-dev, or ONNXRUNTIME_INCLUDE)")
    _compiler()
    for file in (EXAMPLES / "c").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "libonnxruntime.so.1").symlink_to(_library())
    subprocess.run(
        [
            "make",
            "-s",
            "generate",
            f"INCLUDE={include}",
            "LIBRARY=./libonnxruntime.so.1",
            "CFLAGS=-O2 -Werror",
        ],
        cwd=tmp_path,
        check=True,
    )
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    command = [tmp_path / "generate", model_file, str(2**64 - 1), "7000000", "5"]
    done = subprocess.run(command, check=False, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    header, pixels = done.stdout.split(b"\n255\n", 1)
    assert header == b"P5\n28 140"
    expected = Generator(model_file, device="cpu").sample(5, seed=2**64 - 1, start=7_000_000).astype(int)
    assert np.abs(np.frombuffer(pixels, np.uint8).reshape(expected.shape) - expected).max() <= 1

    right = subprocess.run(
        [tmp_path / "generate", conditional_model, "3", "0", "5", "2"],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    expected = Generator(conditional_model, device="cpu").sample(5, seed=3, labels=2).astype(int)
    classed = np.frombuffer(right.stdout.split(b"\n255\n", 1)[1], np.uint8)
    assert np.abs(classed.reshape(expected.shape) - expected).max() <= 1
    for arguments in ([conditional_model, "0", "0", "1"], [model_file, "0", "0", "1", "0"]):
        refused = subprocess.run(
            [tmp_path / "generate", *arguments], check=False, capture_output=True, text=True, env=environment
        )
        assert refused.returncode == 1
        assert "classes" in refused.stderr

    wrong = subprocess.run(
        [tmp_path / "generate", EXAMPLES / "c/latents.c", "0", "0", "1"],
        check=False, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("generate: ")


def _library() -> Path:
    """The library that the Python wheel carries, else the one of the npm package."""
    import onnxruntime

    found = list((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1.*"))
    found += list(NPM.glob("onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime.so.1"))
    return found[0] if found else pytest.skip("no libonnxruntime.so.1")
