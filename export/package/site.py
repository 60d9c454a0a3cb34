"""A static site that generates in the browser, and that npm can install as a package."""

import html
import importlib.metadata
import json
from pathlib import Path

from dropgan import serve
from dropgan.serve import Generator
from dropgan.serve.atomic import write_folder
from dropgan.serve.errors import OutputError
from dropgan.serve.http.studio import PAGE, studio_page
from dropgan.serve.kind import PICTURES
from dropgan.serve.kinds import kind_of
from dropgan.serve.outputs import local_path
from dropgan.serve.parsing import parse_json

from .content import readme, samples_png, summary
from .details import Details, PackageError
from .light import dropgan_license
from .onnxruntime_web import WebRuntime, web_runtime
from .wheel import read_model

_TEMPLATES = Path(__file__).parent / "page"
_RUNTIME = Path(serve.__file__).parent / "js"
_MARK = "dropgan"  # the key of package.json that says that a folder was made here
_POLICY = """    <meta
      http-equiv="Content-Security-Policy"
      content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
    >
"""  # noqa: E501
_WEBGPU = """        <button type="button" id="gpu" hidden>Use WebGPU (loads 27 MB)</button>
        <script type="module" src="studio/gpu.js"></script>
"""
_NOT_SHIPPED = frozenset({"package.json", "web.js", "static.js"})  # the scripts take onnxruntime-web from npm


def package_site(
    model: Path | str,
    directory: Path | str,
    details: Details,
    *,
    onnxruntime_web: Path | None = None,
    webgpu: bool = True,
) -> Path:
    """Make a folder that any static web server can serve, from any path.

    Args:
        model: The ``.onnx`` file, which must return pixels.
        directory: The folder to create. One that this function made before is replaced.
        details: Name, version, licence.
        onnxruntime_web: Folder of an installed npm package ``onnxruntime-web``; None finds or
            fetches one.
        webgpu: Include the build for WebGPU besides that for WebAssembly.

    Returns:
        The folder.

    Raises:
        ModelError: The file is not a dropgan model.
        GateError: It is not inference-only.
        PackageError: The model does not return pixels, onnxruntime-web is not available, or the details
            are those of another target.
        MissingExtraError: Pillow, which draws the README's picture, is not installed.
        OutputError: The folder contains something else, or cannot be written.
    """
    details.require_target("web")
    directory = local_path(directory)
    _check_free(directory)
    content, generator = read_model(model)
    kind = kind_of(generator.card)
    if not kind.in_browsers and not kind.lacks(generator.card, PICTURES):
        raise PackageError(
            f"the page of a web package draws images, this model makes {kind.name}: use --target wheel, or"
            " dropgan serve, whose page shows them"
        )
    picture = samples_png(generator)
    if picture is None:
        lack = kind_of(generator.card).lacks(generator.card, PICTURES)
        raise PackageError(f"a web page shows pictures, but this model {lack}: use --target wheel")
    runtime = web_runtime(onnxruntime_web, webgpu=webgpu)
    files = _files(generator, details, runtime, webgpu=webgpu)
    files |= {"model.onnx": content, "samples.png": picture}
    write_folder(directory, files)
    return directory


def _files(generator: Generator, details: Details, runtime: WebRuntime, *, webgpu: bool) -> dict[str, bytes]:
    card = generator.card
    files = {path.name: path.read_bytes() for path in _TEMPLATES.iterdir() if path.is_file()}
    own = {name: files.pop(name) for name in ("source.js", "gpu.js")}
    files |= {
        f"studio/{path.name}": path.read_bytes() for path in PAGE.iterdir() if path.suffix in (".js", ".css")
    }
    files["studio/source.js"] = own["source.js"]
    name = html.escape(details.name)
    files["index.html"] = studio_page(
        title=name,
        heading=name,
        noscript="The samples are made by this page itself, with JavaScript: please allow it.",
        policy=_POLICY,
        more=_WEBGPU if webgpu else "",
    ).encode()
    if webgpu:
        files["studio/gpu.js"] = own["gpu.js"]
    else:
        before, _, rest = files["index.js"].decode().partition("    // webgpu: begin\n")
        files["index.js"] = (before + rest.partition("    // webgpu: end\n")[2]).encode()
    files |= {
        f"dropgan/{path.relative_to(_RUNTIME).as_posix()}": path.read_bytes()
        for path in _RUNTIME.rglob("*")
        if path.is_file() and path.name not in _NOT_SHIPPED
    }
    files |= {f"ort/{name}": data for name, data in runtime.files.items()}
    files["package.json"] = _package_json(generator, details, runtime).encode()
    files["README.md"] = readme(card, details, _usage(details), "samples.png").encode()
    if details.license_text is not None:
        files["LICENSE"] = details.license_text.encode()
    if (text := dropgan_license()) is not None:
        files["dropgan/LICENSE"] = text.encode()
    return files


def _package_json(generator: Generator, details: Details, runtime: WebRuntime) -> str:
    package = {
        "name": details.name,
        "version": details.version,
        "description": summary(generator.card, details),
        "license": _npm_license(details),
        **({"author": details.author} if details.author else {}),
        "type": "module",
        "types": "./index.d.ts",
        "exports": {
            ".": {"types": "./index.d.ts", "node": "./node.js", "default": "./index.js"},
            "./static": {"types": "./index.d.ts", "default": "./static.js"},
            "./model.onnx": "./model.onnx",
            "./package.json": "./package.json",
        },
        "sideEffects": False,
        "peerDependencies": {"onnxruntime-node": ">=1.20"},
        "peerDependenciesMeta": {"onnxruntime-node": {"optional": True}},
        _MARK: {"version": importlib.metadata.version("dropgan"), "onnxruntime-web": runtime.version},
    }
    return json.dumps(package, indent=2) + "\n"


def _npm_license(details: Details) -> str:
    if not details.license.startswith("LicenseRef-"):
        return details.license
    return "SEE LICENSE IN LICENSE" if details.license_text is not None else "UNLICENSED"


def _usage(details: Details) -> str:
    archive = f"{details.name.removeprefix('@').replace('/', '-')}-{details.version}.tgz"
    return f"""
This folder is a web page: put it on any static web server, under any path. It is an npm package too:

```
npm pack FOLDER                # this one
npm install ./{archive}
npm install onnxruntime-node   # only to use it in Node
```

```js
import {{ generator, sample }} from "{details.name}";

const samples = await sample(16, {{ seed: 0 }}); // samples.data: the pixels, samples.shape: their order
samples.toCanvas(document.querySelector("canvas"));
console.log((await generator()).provider); // webgpu, wasm, or in Node cpu
```

Vite (8 or later) and webpack (5) put the model and the WebAssembly files where the app finds them; older
Vites need `optimizeDeps: {{ exclude: ["{details.name}"] }}` while developing. esbuild (`--format=esm`) and
rollup leave them to be copied beside their output:

```
cp -r node_modules/{details.name}/{{model.onnx,ort}} out/
```

Service workers, those of browser extensions among them, have no `import()`: import from
`{details.name}/static`, which is WebAssembly alone. An extension's manifest needs `'wasm-unsafe-eval'` in
the `script-src` of its `extension_pages`.

In Node, importing this package sets `ORT_DISABLE_TELEMETRY=1`, unless you have set it: otherwise onnxruntime
writes a device id into the user's cache and sends usage data.
"""


def _check_free(directory: Path) -> None:
    """Refuse a folder that contains anything but an earlier site.

    Raises:
        OutputError: It contains something else.
    """
    if directory.is_dir() and any(directory.iterdir()):
        try:
            ours = _MARK in parse_json((directory / "package.json").read_text("utf-8"))
        except (OSError, ValueError):
            ours = False
        if not ours:
            raise OutputError(
                f"{directory} is not empty and not a site made by dropgan: choose a new directory"
            )
    elif directory.exists() and not directory.is_dir():
        raise OutputError(f"{directory} is a file: name a directory for the site")
