"""`dropgan package --target web`: the folder, and the same folder as an npm package."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from dropgan.export.package import Details, PackageError, package_site
from dropgan.serve import Generator, OutputError

from ..node_tools import require_npm, run_module, run_node

DETAILS = Details.checked("blob-gan", "LicenseRef-Ours", target="web", version="2.1rc1", license_text="Ours.")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    folder = tmp_path_factory.mktemp("site") / "blob-gan"
    return package_site(model_file, folder, DETAILS, onnxruntime_web=web, webgpu=False)


def test_npm_package_in_node(tmp_path: Path, site: Path, model_file: Path) -> None:
    """`npm install ./site` must give a package that generates in Node, model and types included."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    subprocess.run([npm, "pack", "--silent", site], cwd=tmp_path, check=True, timeout=300)
    command = [
        npm,
        "install",
        "--offline",
        "--no-audit",
        "--no-fund",
        "--silent",
        "./blob-gan-2.1.0-rc.1.tgz",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    (tmp_path / "node_modules" / "onnxruntime-node").symlink_to(
        require_npm("onnxruntime-node") / "onnxruntime-node"
    )
    script = """
    import { Samples, generator, model, sample } from "blob-gan";
    const samples = await sample(4, { seed: 9 });
    console.log(JSON.stringify({
      pixels: [...samples.data], typed: samples instanceof Samples, provider: (await generator()).provider,
      shared: (await generator()) === (await generator()), model: model.pathname,
    }));
    """
    found = run_module(tmp_path, script)
    expected = Generator(model_file, device="cpu").sample(4, seed=9).astype(int)
    assert np.abs(np.array(found["pixels"]).reshape(expected.shape) - expected).max() <= 1
    assert (found["typed"], found["shared"], found["provider"]) == (True, True, "cpu")
    assert found["model"].endswith("/model.onnx")


@pytest.mark.parametrize(
    ("name", "version", "made"),
    [
        ("@acme/clothes-gan", "1.0.0", "1.0.0"),
        ("clothes_gan.js", "1", "1.0.0"),
        ("1gan", "2.1rc1", "2.1.0-rc.1"),
        ("class", "1.0.0-beta.2", "1.0.0-beta.2"),
        ("torch", "3.0a10", "3.0.0-alpha.10"),
    ],
)
def test_names_and_versions_of_npm(name: str, version: str, made: str) -> None:
    """npm has scopes and no modules to hide; its pre-releases must keep their order."""
    details = Details.checked(name, "MIT", target="web", version=version)
    assert (details.name, details.version) == (name, made)


@pytest.mark.parametrize(
    ("name", "version", "word"),
    [
        ("Clothes", "1", "not an npm name"),
        ("clothes gan", "1", "not an npm name"),
        ("@acme", "1", "not an npm name"),
        ("@acme/", "1", "not an npm name"),
        ("@Acme/gan", "1", "not an npm name"),
        ("a/b", "1", "not an npm name"),
        (".gan", "1", "not an npm name"),
        ("_gan", "1", "not an npm name"),
        ("../gan", "1", "not an npm name"),
        ("g" * 215, "1", "not an npm name"),
        ("gan\n", "1", "not an npm name"),
        ("fs", "1", "taken"),
        ("node_modules", "1", "taken"),
        ("onnxruntime-node", "1", "taken"),
        ("gan", "1.2.3.4", "npm has no version"),
        ("gan", "1.0.post1", "npm has no version"),
        ("gan", "1.0+build5", "npm has no version"),
        ("gan", "1!2.0", "npm has no version"),
        ("gan", "1.0.dev3", "npm has no version"),
        ("gan", "1.0rc1.post2", "npm has no version"),
        ("gan", "new", "is not a version"),
    ],
)
def test_names_and_versions_that_npm_refuses_or_cuts(name: str, version: str, word: str) -> None:
    """npm would publish 1.2.3.4 as 1.2.3, over another release: what would be cut is refused."""
    with pytest.raises(PackageError, match=word):
        Details.checked(name, "MIT", target="web", version=version)


TYPED = """
import { Generator, InputError, generator, model, sample, type Samples } from "blob-gan";
import { sample as still } from "blob-gan/static";
const samples: Samples = await sample(16, { seed: 1n, labels: "Bag" });
const files: Blob[] = [new Blob([samples.data]), new Blob([(await generator()).latents(2)])];
const image: ImageData = new ImageData(samples.rgba(0), 28, 28);
const opened: Generator = await generator({ device: "wasm" });
const address: URL = model;
// @ts-expect-error a misspelt option
await sample(1, { sede: 1 });
export { InputError, address, files, image, opened, still };
"""


@pytest.mark.parametrize("resolution", [["nodenext"], ["esnext", "--moduleResolution", "bundler"]])
def test_types_of_the_package(tmp_path: Path, site: Path, resolution: list[str]) -> None:
    """A TypeScript app must compile under strict, whether Node or a bundler resolves the package."""
    compiler = require_npm("typescript") / "typescript/bin/tsc"
    shutil.copytree(site, tmp_path / "node_modules" / "blob-gan")
    (tmp_path / "app.mts").write_text(TYPED, "utf-8")
    strict = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022,dom", "--types", ""]
    run_node(tmp_path, compiler, *strict, "--module", *resolution, "app.mts")


def test_npm_agrees(tmp_path: Path) -> None:
    """npm's own rules are the ones that count when the package is published."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    for place, (name, version) in enumerate([("@acme/clothes-gan", "2.1rc1"), ("clothes_gan.js", "3.0a10")]):
        details = Details.checked(name, "MIT", target="web", version=version)
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / "package.json").write_text(json.dumps({"name": details.name, "version": details.version}))
        done = subprocess.run(
            [npm, "pack"], cwd=folder, check=True, capture_output=True, text=True, timeout=300
        )
        archive = f"{details.name.removeprefix('@').replace('/', '-')}-{details.version}.tgz"
        assert done.stdout.strip() == archive
        assert (folder / archive).exists()


def test_folder(site: Path) -> None:
    """The folder must say whose it is and under which licences, and hold no second runtime unasked."""
    package = json.loads((site / "package.json").read_text("utf-8"))
    assert package["name"] == "blob-gan"
    assert package["version"] == "2.1.0-rc.1"
    assert package["license"] == "SEE LICENSE IN LICENSE"
    assert (site / "LICENSE").read_text() == "Ours."
    assert "Microsoft" in (site / "ort" / "LICENSE").read_text()
    assert "Apache" in (site / "dropgan" / "LICENSE").read_text()
    assert (site / "dropgan/loading/screen.js").exists()
    assert not list(site.glob("ort/*webgpu*")) + list(site.glob("ort/*asyncify*"))
    assert "webgpu" not in (site / "index.js").read_text()
    assert "<script>" not in (site / "index.html").read_text()
    assert "![Samples" in (site / "README.md").read_text()


def test_odd_names_in_a_card(tmp_path: Path, odd_model: bytes) -> None:
    """A data set's name must not write into the page that shows it, or break npm's package.json."""
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    (tmp_path / "odd.onnx").write_bytes(odd_model)
    site = package_site(tmp_path / "odd.onnx", tmp_path / "site", DETAILS, onnxruntime_web=web, webgpu=False)
    description = json.loads((site / "package.json").read_text("utf-8"))["description"]
    assert description.startswith(r"A generator of 28 x 28 x 1 images, trained on x\x00y\x1b[2J\u202egnp")
    text = (site / "README.md").read_text("utf-8")
    assert r"import os\|\<script\>@VERSION@\[a\](b) \*c\* \_d\_" in text
    assert not {"\0", "\x1b", "\u202e"} & set(text)
    assert "<script>" not in (site / "index.html").read_text("utf-8")


def test_made_again_only_over_itself(tmp_path: Path, site: Path, model_file: Path) -> None:
    """A wrong -o must not wipe a folder with somebody's work; a site made before is replaced."""
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    folder = tmp_path / "blob-gan"
    shutil.copytree(site, folder)
    (folder / "left-over.js").write_text("old")
    package_site(model_file, folder, DETAILS, onnxruntime_web=web, webgpu=False)
    names = {path.relative_to(folder) for path in folder.rglob("*")}
    assert names == {path.relative_to(site) for path in site.rglob("*")}
    assert all(
        (folder / name).read_bytes() == (site / name).read_bytes()
        for name in names
        if (site / name).is_file()
    )
    assert [path.name for path in tmp_path.iterdir()] == ["blob-gan"]

    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "package.json").write_text("{}")
    with pytest.raises(OutputError, match="not empty"):
        package_site(model_file, mine, DETAILS, onnxruntime_web=web)
    with pytest.raises(PackageError, match="of a wheel package"):
        package_site(model_file, folder, Details.checked("blob-gan", "MIT"), onnxruntime_web=web)
    with pytest.raises(OutputError, match="is a file"):
        package_site(model_file, mine / "package.json", DETAILS, onnxruntime_web=web)


def test_no_onnxruntime_web(tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm or its package the message must say how to get it, and no half site be left."""
    out = tmp_path / "out"
    (tmp_path / "package.json").write_text('{"version": "1.0.0"}')
    with pytest.raises(PackageError, match=r"ort\.wasm"):
        package_site(model_file, out, DETAILS, onnxruntime_web=tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match="no npm"):
        package_site(model_file, out, DETAILS)
    assert not out.exists()


@pytest.mark.slow
def test_fetched_from_npm(tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing but npm on the machine, one command must make the whole site."""
    monkeypatch.chdir(tmp_path)
    site = package_site(model_file, tmp_path / "site", DETAILS)
    assert (site / "ort" / "ort-wasm-simd-threaded.asyncify.wasm").stat().st_size > 20_000_000
