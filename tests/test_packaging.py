"""However someone gets the source, pip makes the same package of it."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import dropgan

REPOSITORY = Path(__file__).parents[1]


def run(*command: object, cwd: Path | None = None) -> None:
    subprocess.run(list(map(str, command)), check=True, cwd=cwd, capture_output=True)


def built(source: Path, folder: Path, kind: str = "--wheel") -> Path:
    """The wheel or sdist of a source tree, without a package index."""
    run(
        sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", kind, "-o", folder, source
    )
    (made,) = folder.iterdir()
    return made


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.endswith((".dist-info/RECORD", ".dist-info/WHEEL"))
        }


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git knows, as they are now, links as links: what a clone would hold."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("clone") / "dropgan-source"
    for name in filter(None, listed.stdout.decode().split("\0")):
        if os.path.lexists(REPOSITORY / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name, follow_symlinks=False)
    return folder


def from_zip(tree: Path, folder: Path) -> Path:
    """An archive that stores links as pip unpacks them: as small files of text."""
    for path in sorted(tree.rglob("*")):
        target = folder / path.relative_to(tree)
        if path.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(str(path.readlink()))
        elif path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    return folder


def from_tar(tree: Path, folder: Path) -> Path:
    archive = folder.with_suffix(".tar")
    with tarfile.open(archive, "w") as file:
        file.add(tree, arcname=".")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder


def from_sdist(tree: Path, folder: Path) -> Path:
    copy = from_tar(tree, folder.with_name("for-sdist"))
    with tarfile.open(built(copy, folder.with_name("sdist"), "--sdist")) as file:
        file.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


@pytest.fixture(scope="module")
def of_clone(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("wheel")
    return content(built(from_tar(tree, folder / "tree"), folder / "wheel"))


@pytest.mark.parametrize("source", [from_zip, from_sdist])
def test_the_wheel_does_not_depend_on_how_the_source_came(
    tree: Path, of_clone: dict[str, bytes], tmp_path: Path, source: Callable[[Path, Path], Path]
) -> None:
    """A zip from a web page has no links: a build that needed them would give an empty package."""
    made = content(built(source(tree, tmp_path / "source"), tmp_path / "wheel"))
    assert sorted(made) == sorted(of_clone)
    assert {name for name in made if made[name] != of_clone[name]} == set()


def test_the_wheel_is_whole(of_clone: dict[str, bytes], tree: Path) -> None:
    """Every module and every data file of the stages is in it, under the package's name."""
    stages = ("cli", "evaluate", "export", "serve", "sweep", "train")
    modules = {
        f"dropgan/{path.relative_to(tree).as_posix()}"
        for stage in stages
        for path in (tree / stage).rglob("*")
        if path.suffix in (".py", ".toml", ".j2", ".safetensors", ".gz", ".onnx", ".typed")
    }
    assert modules <= set(of_clone)
    assert "dropgan/__init__.py" in of_clone
    assert not [name for name in of_clone if not name.startswith(("dropgan/", "dropgan-"))]


def test_one_version() -> None:
    """Someone who cites or reports a bug must name the version that they have."""
    import dropgan

    citation = (REPOSITORY / "CITATION.cff").read_text("utf-8")
    assert f"version: {dropgan.__version__}\n" in citation


def test_a_source_tree_knows_its_version_without_being_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a machine where the tree is only on the path, training would end before its first step; beside an
    installed dropgan of another version, a run would name the wrong one."""

    def no_dropgan(name: str) -> str:
        if name == "dropgan":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", no_dropgan)
    run = dropgan.train(tmp_path / "run", "mlp", steps=1, device="cpu", precision="fp32", threads=1)
    assert f'dropgan = "{dropgan.__version__}"' in run.recipe_file.read_text()
