"""`dropgan package --target wheel`: a wheel that carries the generator."""

import ast
import email
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from dropgan.export.package import Details, PackageError, package_wheel
from dropgan.serve import Generator, ModelError, OutputError
from dropgan.serve.card import METADATA_KEY
from dropgan.serve.loading import read_onnx, with_metadata

from ..serve.mutations import without_digest

REPOSITORY = Path(__file__).parents[2]
DETAILS = Details.checked(
    "Blob_GAN", "mit", version="1.2", license_text="Do what you like.", author="A. Person"
)
USE = """
import json, sys
import blob_gan
samples = blob_gan.sample(5, seed=3, start=7)
heavy = [name for name in ("torch", "onnx", "typer", "pydantic") if name in sys.modules]
print(json.dumps({"pixels": samples.tolist(), "heavy": heavy, "version": blob_gan.__version__,
                  "same": blob_gan.generator() is blob_gan.generator(),
                  "card": blob_gan.generator().card.data.name,
                  "runtime": sys.modules["dropgan.serve"].__file__}))
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> tuple[Path, Path]:
    return package_wheel(model_file, tmp_path_factory.mktemp("dist"), DETAILS)


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, arguments)]
    subprocess.run(command, check=True)


def test_installed_without_network_and_used(
    tmp_path: Path, wheels: tuple[Path, Path], model_file: Path
) -> None:
    """An app that installs the two wheels, beside numpy and onnxruntime alone, gets the model's samples."""
    pip("install", "--no-index", "--no-deps", "--target", tmp_path, *wheels)
    for name in ("numpy", "onnxruntime-gpu", "onnxruntime", "flatbuffers", "protobuf", "packaging"):
        _link_distribution(name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-S", "-c", USE],  # without its own packages
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = Generator(model_file, device="cpu").sample(5, seed=3, start=7)
    assert np.array_equal(np.array(found["pixels"]), expected)
    assert found["heavy"] == []
    assert (found["version"], found["same"], found["card"]) == ("1.2", True, "blobs")
    assert found["runtime"].startswith(str(tmp_path)), "the light runtime was not what ran"


def _link_distribution(name: str, folder: Path) -> None:
    """Put an installed distribution into ``folder``, if it is installed."""
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return
    for top in {Path(*file.parts[:1]) for file in files if ".." not in file.parts}:
        source = Path(str(files[0].locate())).parents[len(files[0].parts) - 1] / top
        if source.exists() and not (folder / top).exists():
            (folder / top).symlink_to(source)


def test_wheel_is_well_formed(wheels: tuple[Path, Path]) -> None:
    """pip checks RECORD and the registries check METADATA: a wrong one cannot be uploaded."""
    for path in wheels:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            info = names[-1].split("/")[0]
            record = archive.read(f"{info}/RECORD").decode().splitlines()
            assert [line.split(",")[0] for line in record] == names
            assert all(int(line.split(",")[2]) == archive.getinfo(line.split(",")[0]).file_size
                       for line in record[:-1])  # fmt: skip
            assert all("/licenses/" in name or "licenses" not in name for name in names)
    model, light = wheels
    assert model.name == "blob_gan-1.2-py3-none-any.whl"
    fields = _metadata(model)
    assert fields["Name"] == "blob-gan"
    assert fields["License-Expression"] == "MIT"
    assert fields["License-File"] == "LICENSE"
    assert fields["Author"] == "A. Person"
    release = metadata.version("dropgan")
    assert fields.get_all("Requires-Dist") == ["dropgan[cpu]>=0.1,<2"]
    text = fields.get_payload()
    assert "![Samples 0 to 31 of seed 0](data:image/png;base64,iVBOR" in text
    assert "trained on | blobs, 200 samples" in text
    runtime = _metadata(light)
    assert runtime["Version"] == f"{release}+light"
    needed = [line for line in runtime.get_all("Requires-Dist") if "extra" not in line]
    assert [line.split(">")[0] for line in needed] == ["numpy"]


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        return email.message_from_string(archive.read(name).decode())


def test_same_input_same_bytes(tmp_path: Path, wheels: tuple[Path, Path], model_file: Path) -> None:
    """Who rebuilds a release from the same model must get the file that was released, digest and all."""
    again = package_wheel(model_file, tmp_path / "again", DETAILS)
    for first, second in zip(wheels, again, strict=True):
        assert first.name == second.name
        assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()


def test_runtime_is_light(wheels: tuple[Path, Path]) -> None:
    """Beside numpy and onnxruntime, dropgan may add at most 1 MB to an app: no data set, no training."""
    with zipfile.ZipFile(wheels[1]) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < 500_000  # compiled files double it
        runtime = ("dropgan/__init__.py", "dropgan/serve/", "dropgan-")
        assert all(name.startswith(runtime) for name in archive.namelist())


@pytest.mark.parametrize(
    ("name", "license_", "version", "word"),
    [
        ("clothes gan", "MIT", "1", "package name"),
        ("1gan", "MIT", "1", "imported"),
        ("class", "MIT", "1", "imported"),
        ("json", "MIT", "1", "taken"),
        ("dropgan", "MIT", "1", "taken"),
        ("torch", "MIT", "1", "taken by another"),
        ("Torch", "MIT", "1", "taken by another"),
        ("scikit_learn", "MIT", "1", "taken by another"),
        ("pil", "MIT", "1", "taken by another"),
        ("Antigravity", "MIT", "1", "taken by another"),
        ("tkinter", "MIT", "1", "taken by another"),
        ("iniconfig", "MIT", "1", "taken by iniconfig, which is installed"),
        ("@acme/gan", "MIT", "1", "--target web"),
        ("gan", "free for all", "1", "SPDX"),
        ("gan", "MIT", "one", "version"),
    ],
)
def test_details_that_registries_refuse(name: str, license_: str, version: str, word: str) -> None:
    """A name or licence that pip or PyPI refuse must be found before the wheel is made."""
    with pytest.raises(PackageError, match=word):
        Details.checked(name, license_, version=version)


def test_a_package_made_before_may_be_made_again(
    tmp_path: Path, wheels: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the last release of their own package installed makes the next one under its name."""
    pip("install", "--no-index", "--no-deps", "--target", tmp_path, wheels[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "blob-gan" in {entry.metadata["Name"] for entry in metadata.distributions()}
    assert Details.checked("blob-gan", "MIT").module == "blob_gan"


@pytest.mark.parametrize("field", ["summary", "author"])
@pytest.mark.parametrize(
    "text", ["", "two\nlines", "a\0b", "a\x1b[31mb", "a\u202eb", "a\x85b", "a\u2028b", "a\udcffb"]
)
def test_lines_that_are_none(field: str, text: str) -> None:
    """A NUL in the summary made a module that cannot be imported, an escape one that repaints terminals."""
    with pytest.raises(PackageError, match=f"the {field} must be one line"):
        Details.checked("blob-gan", "MIT", **{field: text})


def test_odd_names_in_a_card(tmp_path: Path, odd_model: bytes) -> None:
    """Whatever a data set was called, the wheel installs, imports, and shows the name as text alone."""
    path = tmp_path / "odd.onnx"
    path.write_bytes(odd_model)
    summary = 'says "hi" \\'
    wheel, light = package_wheel(path, tmp_path, Details.checked("odd-gan", "MIT", summary=summary))
    plain_wheel, _ = package_wheel(path, tmp_path, Details.checked("plain-gan", "MIT"))
    pip("install", "--no-index", "--no-deps", "--target", tmp_path / "site", wheel, plain_wheel, light)
    script = "import odd_gan, plain_gan; print([odd_gan.__doc__, plain_gan.__doc__, plain_gan.__version__])"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, made, version = ast.literal_eval(done.stdout.decode())
    assert (said, version) == ("says 'hi' \\", "1.0.0")
    assert made.startswith(r"A generator of 28 x 28 x 1 images, trained on x\x00y\x1b[2J\u202egnp")
    assert "@VERSION@" in made, "a name was taken for a place of the template"

    fields = _metadata(plain_wheel)
    assert fields.get_all("Summary") == [made.replace("'", '"')]
    text = str(fields.get_payload())
    assert not {"\0", "\x1b", "\u202e"} & set(text)
    table = [line for line in text.splitlines() if line.startswith("| trained on")]
    assert len(table) == 1
    assert r"import os\|\<script\>@VERSION@\[a\](b) \*c\* \_d\_" in table[0]


def test_wheels_of_two_releases_fit_together(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app with two generators must be able to have them made by different releases of dropgan."""
    real = metadata.version

    def made_by(release: str, model: Path) -> Requirement:
        monkeypatch.setattr(metadata, "version", lambda name: release if name == "dropgan" else real(name))
        wheel, _ = package_wheel(model, tmp_path / release, Details.checked("blob-gan", "MIT"))
        return Requirement(_metadata(wheel)["Requires-Dist"])

    needed = [made_by(release, model_file).specifier for release in ("0.1.0", "0.2.0")]
    for runtime in ("0.1.0", "0.1.0+light", "0.2.0+light", "0.9", "1.4"):
        assert all(specifier.contains(runtime) for specifier in needed), runtime
    assert not any(specifier.contains("2.0.0") for specifier in needed), "it may not read schema 1"

    card = json.loads(read_onnx(model_file.read_bytes()).metadata[METADATA_KEY])
    later = json.dumps({**card, "schema": "1.99"})
    path = tmp_path / "later.onnx"
    path.write_bytes(with_metadata(model_file.read_bytes(), METADATA_KEY, later))
    assert str(made_by("0.2.0", path)) == "dropgan[cpu]<2,>=0.2.0", "only its maker is known to read it"


def test_models_that_are_refused(tmp_path: Path, model_file: Path) -> None:
    """A damaged file, or one with dropout in it, must not be handed out as a package."""
    import onnx
    from onnx import helper

    with pytest.raises(ModelError):
        package_wheel(tmp_path / "none.onnx", tmp_path / "dist", DETAILS)
    model = onnx.load(str(model_file))
    model.graph.node[0].input[0] = "dropped"
    model.graph.node.insert(0, helper.make_node("Dropout", ["latents"], ["dropped"]))
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(without_digest(model.SerializeToString()))  # else it is refused as changed
    with pytest.raises(ModelError, match="Dropout"):
        package_wheel(bad, tmp_path / "dist", DETAILS)
    with pytest.raises(PackageError, match="of a web package"):
        package_wheel(model_file, tmp_path / "dist", Details.checked("gan", "MIT", target="web"))
    with pytest.raises(PackageError, match="runtime"):
        package_wheel(model_file, tmp_path / "dist", DETAILS, runtime="cuda")
    assert not (tmp_path / "dist").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        package_wheel(model_file, tmp_path / "file", DETAILS)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pyinstaller(tmp_path: Path, wheels: tuple[Path, Path], model_file: Path) -> None:
    """One program file for people without Python: the documented command must take the model in."""
    command = "pyinstaller --onefile --collect-data blob_gan --collect-submodules dropgan.serve.kinds app.py"
    assert command.replace("blob", "clothes") in (REPOSITORY / "docs/embedding.md").read_text("utf-8")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-c", REPOSITORY / "constraints.txt"]
    subprocess.run([*install, "--find-links", wheels[0].parent, "blob-gan"], check=True)
    got = subprocess.run([*install, "pyinstaller"], check=False, capture_output=True, text=True)
    if got.returncode != 0:
        pytest.skip(f"PyInstaller cannot be installed: {got.stderr}")
    (tmp_path / "app.py").write_text("import blob_gan; print(blob_gan.sample(5, seed=3, start=7).tolist())")
    subprocess.run(
        [python, "-m", "PyInstaller", *command.split()[1:]],
        cwd=tmp_path, check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    shutil.rmtree(tmp_path / "env")
    done = subprocess.run([tmp_path / "dist" / "app"], check=True, capture_output=True, text=True)
    expected = Generator(model_file, device="cpu").sample(5, seed=3, start=7)
    assert np.array_equal(np.array(json.loads(done.stdout)), expected)


@pytest.mark.slow
def test_from_an_empty_environment(tmp_path: Path, wheels: tuple[Path, Path], model_file: Path) -> None:
    """The two commands of the README, as a stranger types them: install, then use without a network."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    constraints = REPOSITORY / "constraints.txt"
    install = [python, "-m", "pip", "install", "--quiet", "-c", constraints, "--find-links", wheels[0].parent]
    subprocess.run([*install, "blob-gan"], check=True)
    offline = ["unshare", "-n", "-r"] if _can_unshare() else []
    done = subprocess.run([*offline, python, "-c", USE], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = Generator(model_file, device="cpu").sample(5, seed=3, start=7)
    assert np.array_equal(np.array(found["pixels"]), expected)
    assert found["heavy"] == []
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert "+light" in listed
    assert "typer" not in listed


def _can_unshare() -> bool:
    return subprocess.run(["unshare", "-n", "-r", "true"], check=False, capture_output=True).returncode == 0
