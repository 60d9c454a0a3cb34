"""onnxruntime's telemetry stays off, whoever imports onnxruntime."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_STAGES = ("dropgan", "serve", "train", "export", "evaluate", "sweep", "cli")

_WAYS = {
    "a program": "from dropgan.serve import Generator; Generator({model!r}, device='cpu').sample(2)",
    "onnxruntime after dropgan": "import dropgan, onnxruntime; assert onnxruntime.__version__",
    "a worker process": (
        "import multiprocessing, dropgan, pickle\n"
        "from dropgan.serve import Generator\n"
        "if __name__ == '__main__':\n"
        "    generator = Generator({model!r}, device='cpu')\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        assert pool.map(generator, [generator.latents(2)])[0].shape[0] == 2\n"
    ),
    "the command line": (
        "import sys\nfrom dropgan.cli.main import main\n"
        "if __name__ == '__main__':\n"
        "    sys.argv = ['dropgan', 'sample', {model!r}, '-n', '600', '-o', 'shards']\n"
        "    main()\n"
    ),
    "an export": "from dropgan.export import export; export({run!r}, 'other.onnx')",
}


def outside(home: Path) -> dict[str, str]:
    """An environment as a user has it, with a home directory that nobody has used."""
    home.mkdir()
    dropped = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(_ROOT)}


@pytest.mark.parametrize("way", _WAYS)
def test_no_device_id_is_written(way: str, model_file: Path, tiny_run: Path, tmp_path: Path) -> None:
    """onnxruntime 1.31 leaves a number for this device in the cache at its import, and sends it later."""
    script = tmp_path / "program.py"
    script.write_text(_WAYS[way].format(model=str(model_file), run=str(tiny_run)))
    done = subprocess.run(
        [sys.executable, str(script)],
        env=outside(tmp_path / "home"), cwd=tmp_path,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    left = [path for path in (tmp_path / "home").rglob("*") if "onnxruntime" in str(path)]
    assert not left


def test_what_the_user_has_set_stays(tmp_path: Path) -> None:
    """Who wants to send may: the switch is the user's."""
    code = "import os, dropgan; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, expected in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        home = tmp_path / f"home{expected}"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**outside(home), **given}, capture_output=True, text=True, timeout=300, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == expected


def test_onnxruntime_is_imported_in_one_place() -> None:
    """An import elsewhere could come before the switch; benchmarks and examples are programs of users."""
    importing = []
    for folder in (*_STAGES, "benchmarks", "examples"):
        for path in (_ROOT / folder).rglob("*.py"):
            if "node_modules" in path.parts or path.is_symlink():
                continue
            names = [_imported(node) for node in ast.walk(ast.parse(path.read_text()))]
            places = [line for found in names for name, line in found if name == "onnxruntime"]
            first = [line for found in names for name, line in found if name == "dropgan"]
            if places and (folder in _STAGES or not first or min(first) > min(places)):
                importing.append(path.relative_to(_ROOT).as_posix())
    importing = [path for path in importing if not path.startswith("dropgan/")]  # links to the stages
    assert importing == ["serve/providers.py"]


def _imported(node: ast.AST) -> list[tuple[str, int]]:
    if isinstance(node, ast.Import):
        return [(alias.name.split(".")[0], node.lineno) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [((node.module or "").split(".")[0], node.lineno)]
    return []
