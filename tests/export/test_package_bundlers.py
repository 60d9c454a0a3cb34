"""The npm package of `dropgan package --target web` in apps that bundlers build, in real Chromium."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from dropgan.export.package import Details, package_site
from dropgan.serve import Generator

from ..browser_tools import visit, web_server
from ..node_tools import REPOSITORY, project, require_chromium, require_node, require_npm, run_node

NAME = "@acme/blob-gan"
MAIN = """
import { InputError, generator } from "@acme/blob-gan";
const found = {};
try {
  const opened = await generator();
  const samples = await opened.sample(40, { seed: 2n ** 63n, start: 7000000 });
  Object.assign(found, { pixels: [...samples.data], provider: opened.provider });
  await opened.sample(-1).catch((error) => {
    Object.assign(found, { known: error instanceof InputError, name: error.name, text: String(error) });
  });
} catch (error) {
  found.error = String(error);
}
window.found = found;
document.body.dataset.state = "done";
"""
PAGE = """<!doctype html>
<title>App</title>
<link rel="icon" href="data:,">
<body><script type="module" src="./main.js"></script>
"""
COPIED = ("model.onnx", "ort")  # what the package's README says that esbuild and rollup leave to be copied


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    """The package as npm publishes it, unpacked, with both builds of onnxruntime-web."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("package")
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    details = Details.checked(NAME, "MIT", target="web")
    package_site(model_file, folder / "site", details, onnxruntime_web=web)
    subprocess.run([npm, "pack", "--silent", "./site"], cwd=folder, check=True, timeout=300)
    shutil.unpack_archive(folder / "acme-blob-gan-1.0.0.tgz", folder, filter="data")
    return folder / "package"


@pytest.fixture
def app(tmp_path: Path, package: Path) -> Path:
    """An app that has the package installed."""
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "main.js").write_text(MAIN)
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    (tmp_path / "node_modules" / "@acme").mkdir(parents=True)
    shutil.copytree(package, tmp_path / "node_modules" / NAME)
    return tmp_path


def bundle(bundler: str, app: Path, *packages: str) -> Path:
    """The folder that a bundler makes of an app."""
    modules = require_npm(*packages or (bundler,))
    done = subprocess.run(
        [require_node(), modules.parent / "bundle.mjs", bundler, app],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    out = app / "out"
    if not (out / "index.html").exists():
        (out / "index.html").write_text(PAGE)
    return out


def check(address: str, model_file: Path) -> None:
    """The page must show what Python makes, and say errors by their names."""
    found = visit(
        address, "() => window.found", wait="[data-state]", state="attached", flags=("--disable-gpu",)
    )
    page = found["result"]
    assert "error" not in page, (page["error"], found["complaints"], found["requests"])
    assert [line for line in found["complaints"] if line != "No available adapters."] == []
    assert all(url.startswith((address, "data:")) for url in found["requests"]), (
        "something was sent elsewhere"
    )
    assert page["provider"] == "wasm"
    expected = Generator(model_file, device="cpu").sample(40, seed=2**63, start=7_000_000).astype(int)
    assert np.ptp(expected) > 50, "a picture of nothing proves nothing"
    assert np.abs(np.array(page["pixels"]).reshape(expected.shape) - expected).max() <= 1
    assert (page["known"], page["name"]) == (True, "InputError")
    assert page["text"].startswith("InputError: the number of samples must be")


@pytest.mark.parametrize("bundler", ["vite", pytest.param("webpack", marks=pytest.mark.slow)])
def test_bundlers_that_find_files(app: Path, model_file: Path, bundler: str) -> None:
    """`import { sample } from "clothes-gan"` must build and run with no settings at all."""
    out = bundle(bundler, app)
    with web_server(out) as address:
        check(address, model_file)


@pytest.mark.parametrize(
    ("bundler", "packages"),
    [("esbuild", ("esbuild",)), ("rollup", ("rollup", "@rollup/plugin-node-resolve"))],
)
def test_bundlers_that_leave_files(
    app: Path, model_file: Path, package: Path, bundler: str, packages: tuple[str, ...]
) -> None:
    """These two copy no files that code names by address: the README's one line must be all it takes."""
    out = bundle(bundler, app, *packages)
    assert "cp -r node_modules/@acme/blob-gan/{model.onnx,ort} out/" in (package / "README.md").read_text()
    for name in COPIED:
        source = app / "node_modules" / NAME / name
        shutil.copytree(source, out / name) if source.is_dir() else shutil.copy(source, out)
    with web_server(out) as address:
        check(address, model_file)


def test_vite_while_developing(app: Path, model_file: Path) -> None:
    """Vite's own server bundles packages in another way than its build; developers see that one first."""
    script = require_npm("vite").parent / "bundle.mjs"
    with subprocess.Popen(
        [require_node(), script, "vite-dev", app], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            check(server.stdout.readline().strip(), model_file)
        finally:
            server.terminate()


def test_a_bundle_without_its_files(app: Path) -> None:
    """Who forgets to copy the files must read which one is missing, not that the model is bad."""
    out = bundle("esbuild", app)
    read = {"wait": "[data-state]", "state": "attached", "flags": ("--disable-gpu",)}
    with web_server(out) as address:
        assert visit(address, "() => window.found.error", **read)["result"] == (
            f"ModelError: cannot fetch {address}model.onnx: the server says 404"
        )
        shutil.copy(app / "node_modules" / NAME / "model.onnx", out)
        said = visit(address, "() => window.found.error", **read)["result"]
        missing = f"{address}ort/ort-wasm-simd-threaded.wasm: the server says 404"
        assert said == f"DeviceError: onnxruntime-web cannot start: its file {missing}"


@pytest.fixture(scope="module")
def runtime_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app over the runtime alone, the npm package `dropgan` with onnxruntime-web beside it."""
    folder = tmp_path_factory.mktemp("runtime")
    project(folder, "onnxruntime-web", "onnxruntime-common")
    (folder / "index.html").write_text(PAGE)
    main = MAIN.replace("generator }", "Generator }").replace("@acme/blob-gan", "dropgan")
    (folder / "main.js").write_text(main.replace("generator()", 'Generator.load("model.onnx")'))
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("bundler", ["vite", "webpack"])
def test_the_runtime_alone(runtime_app: Path, model_file: Path, bundler: str) -> None:
    """An app that loads models of its user's choosing takes the runtime without a model in it."""
    shutil.rmtree(runtime_app / "out", ignore_errors=True)
    out = bundle(bundler, runtime_app)
    shutil.copy(model_file, out / "model.onnx")
    with web_server(out) as address:
        check(address, model_file)


def test_service_worker(tmp_path: Path, package: Path, model_file: Path) -> None:
    """Service workers and extensions have no import(): the static entry must do without."""
    shutil.copytree(package, tmp_path / "blob-gan")
    (tmp_path / "index.html").write_text(PAGE.replace("main.js", "page.js"))
    (tmp_path / "worker.js").write_text(
        """
        import { generator } from "./blob-gan/static.js";
        addEventListener("install", () => skipWaiting());
        addEventListener("activate", (event) => event.waitUntil(clients.claim()));
        addEventListener("message", async ({ source }) => {
          try {
            const opened = await generator();
            const samples = await opened.sample(4, { seed: 9 });
            source.postMessage({ pixels: [...samples.data], provider: opened.provider });
          } catch (error) {
            source.postMessage({ error: String(error) });
          }
        });
        """
    )
    (tmp_path / "page.js").write_text(
        """
        navigator.serviceWorker.addEventListener("message", ({ data }) => {
          window.found = data;
          document.body.dataset.state = "done";
        });
        await navigator.serviceWorker.register("worker.js", { type: "module" });
        (await navigator.serviceWorker.ready).active.postMessage("go");
        """
    )
    with web_server(tmp_path) as address:
        found = visit(address, "() => window.found", wait="[data-state]", state="attached")["result"]
    assert found.get("provider") == "wasm", found
    expected = Generator(model_file, device="cpu").sample(4, seed=9).astype(int)
    assert np.abs(np.array(found["pixels"]).reshape(expected.shape) - expected).max() <= 1


def test_browser_extension(tmp_path: Path, package: Path, model_file: Path) -> None:
    """The manifest's one permission that the docs name must be enough for an extension's background."""
    folder = tmp_path / "extension"
    shutil.copytree(package, folder / "blob-gan")
    policy = {"extension_pages": "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'"}
    background = {"service_worker": "background.js", "type": "module"}
    manifest = {"manifest_version": 3, "name": "Blobs", "version": "1", "background": background}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "content_security_policy": policy}))
    (folder / "background.js").write_text(
        """
        import { sample } from "./blob-gan/static.js";
        self.made = sample(4, { seed: 9 }).then(({ data }) => [...data], String);
        """
    )
    script = require_npm("playwright-core").parent / "extension.mjs"
    made = json.loads(run_node(tmp_path, script, require_chromium(), folder, tmp_path / "profile"))
    assert isinstance(made, list), made
    expected = Generator(model_file, device="cpu").sample(4, seed=9).astype(int)
    assert np.abs(np.array(made).reshape(expected.shape) - expected).max() <= 1


def test_bundling_tools_are_installed_by_the_gate() -> None:
    """These tests skip where npm's packages are missing: the gate must ask for all, by no host's name."""
    lock = (REPOSITORY / "tests/js/package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    for name in ("vite", "webpack", "esbuild", "rollup"):
        assert f'"node_modules/{name}"' in lock
