"""Check that the light install is light and draws the same pixels.

    python tests/check_light_install.py

Run from the training environment. Builds the wheel, exports a model, installs the wheel with
``[cpu]`` alone into an empty environment, samples there, and insists that torch, onnx and pydantic
are absent and that the images equal this environment's bit for bit. Part of .ci/run rather than of
pytest, because it needs a package index.
"""

import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).parents[1]
FORBIDDEN = ("torch", "onnx", "pydantic", "PIL", "safetensors")
COUNT = 500


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = _model(folder)
        wheel = _wheel(folder)
        python = _environment(folder, wheel)

        _run(
            python, "-m", "dropgan.cli", "sample", model, "-n", COUNT, "--seed", 5, "-o", folder / "light.npy"
        )
        absent = f"import importlib.util as u; print([n for n in {FORBIDDEN!r} if u.find_spec(n)])"
        installed = _run(python, "-c", absent).strip()
        _require(installed == "[]", f"the light install has {installed}")
        answer = subprocess.run(
            [python, "-m", "dropgan.cli", "train", "-o", folder / "run"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        _require(
            answer.returncode == 1 and "dropgan[train]" in answer.stderr, "train does not say what it needs"
        )

        from dropgan.serve import Generator

        here = Generator(model, device="cpu").sample(COUNT, seed=5)
        _require(
            np.array_equal(np.load(folder / "light.npy"), here), "the images differ from this environment's"
        )
    print(f"light install: {COUNT} equal images, none of {', '.join(FORBIDDEN)}")


def _model(folder: Path) -> Path:
    from dropgan.export import export
    from dropgan.train import change_recipe, load_recipe, train

    recipe = change_recipe(load_recipe("mlp"), {"training.steps": 50})
    train(folder / "run", recipe, device="cpu", precision="fp32", threads=1)
    export(folder / "run", folder / "model.onnx")
    return folder / "model.onnx"


def _wheel(folder: Path) -> Path:
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", REPOSITORY)
    (wheel,) = (folder / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "dropgan/serve/py.typed",
        "dropgan/train/recipes/mlp.toml",
        "dropgan/train/features/domain.safetensors",
    ):
        _require(needed in names, f"the wheel lacks {needed}")
    return wheel


def _environment(folder: Path, wheel: Path) -> Path:
    venv.create(folder / "light", with_pip=True)
    python = folder / "light" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    _run(python, *pip, "-c", REPOSITORY / "constraints.txt", f"{wheel}[cpu]")
    return python


def _run(*command: object) -> str:
    answer = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    _require(answer.returncode == 0, f"{' '.join(map(str, command))}\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def _require(fact: bool, otherwise: str) -> None:
    if not fact:
        sys.exit(f"light install: {otherwise}")


if __name__ == "__main__":
    main()
