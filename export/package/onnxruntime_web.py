"""Collect the files of onnxruntime-web that a static site needs, from the npm package."""

import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dropgan.serve.parsing import parse_json

from .details import PackageError

VERSION = "1.30.0"
"""The version that is fetched, and that the tests run."""

# the builds that load no further script: a page, a bundler and a service worker take the same ones
_WASM = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
_WEBGPU = ("ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm")
_OWN_NAME = re.compile(rb'"(ort[\w.-]*)\.mjs"')
_SECONDS = 300
_NOTICE = """onnxruntime-web {version}, Copyright (c) Microsoft Corporation, MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense,
and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN
NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY,
WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


@dataclass(frozen=True)
class WebRuntime:
    """The files of onnxruntime-web for a site."""

    version: str
    """Version of the npm package."""
    files: dict[str, bytes]
    """File name to content; modules end in ``.js``, which every web server knows, and call each other so."""


def web_runtime(folder: Path | None, *, webgpu: bool) -> WebRuntime:
    """Return the needed files, from an installed package or from npm.

    Args:
        folder: The folder of an installed ``onnxruntime-web``; None looks for one in
            ``node_modules`` here and in parent folders, or downloads the tested version from npm.
        webgpu: Include the build for WebGPU besides that for WebAssembly.

    Raises:
        PackageError: There is no such package and npm cannot download it, or it lacks files.
    """
    wanted = _WASM + (_WEBGPU if webgpu else ())
    folder = folder or _installed()
    if folder is not None:
        return _collect(lambda name: (folder / name).read_bytes(), wanted, str(folder))
    with tempfile.TemporaryDirectory() as scratch:
        archive = _fetch(Path(scratch))
        with tarfile.open(archive) as package:

            def read(name: str) -> bytes:
                member = package.extractfile(f"package/{name}")
                if member is None:
                    raise KeyError(name)
                return member.read()

            return _collect(read, wanted, archive.name)


def _installed() -> Path | None:
    here = Path.cwd()
    places = (folder / "node_modules" / "onnxruntime-web" for folder in (here, *here.parents))
    return next((place for place in places if (place / "package.json").is_file()), None)


def _fetch(scratch: Path) -> Path:
    npm = shutil.which("npm")
    advice = (
        f"install Node with npm, or give the folder of an installed onnxruntime-web {VERSION} with"
        " --onnxruntime-web"
    )
    if npm is None:
        raise PackageError(f"the web target needs onnxruntime-web and there is no npm to fetch it: {advice}")
    command = [npm, "pack", "--silent", f"onnxruntime-web@{VERSION}"]
    try:
        subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or b""
        reason = (said.decode(errors="replace").strip().splitlines() or [str(error)])[-1]
        raise PackageError(f"npm cannot fetch onnxruntime-web ({reason}): {advice}") from error
    return next(scratch.glob("*.tgz"))


def _collect(read: Callable[[str], bytes], wanted: tuple[str, ...], where: str) -> WebRuntime:
    try:
        version = str(parse_json(read("package.json"))["version"])
        files = dict(_as_served(name, read(f"dist/{name}")) for name in wanted)
    except (OSError, KeyError, ValueError) as error:
        raise PackageError(
            f"{where} is not a usable onnxruntime-web ({error}): use version {VERSION}"
        ) from error
    files["LICENSE"] = _NOTICE.format(version=version).encode()
    return WebRuntime(version, files)


def _as_served(name: str, content: bytes) -> tuple[str, bytes]:
    """Return a module under its new name, with that name where the module refers to itself.

    webpack looks for such references.
    """
    if not name.endswith(".mjs"):
        return name, content
    return f"{name.removesuffix('.mjs')}.js", _OWN_NAME.sub(rb'"\1.js"', content)
