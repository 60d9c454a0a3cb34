"""Running Node and Chromium from the tests; each test skips, saying why, where one is missing.

`ONNXRUNTIME_NODE_INSTALL=skip npm ci --prefix tests/js` installs the npm packages, Debian's
`chromium` the browser.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]
RUNTIME = REPOSITORY / "serve" / "js"
NPM = REPOSITORY / "tests" / "js" / "node_modules"


def require_node() -> str:
    """Path of Node 20 or later."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 20:
        pytest.skip(f"Node {version.strip()} is older than 20")
    return node


def require_npm(*packages: str) -> Path:
    """The node_modules folder, which holds these packages."""
    missing = [name for name in packages if not (NPM / name / "package.json").exists()]
    if missing:
        how = "ONNXRUNTIME_NODE_INSTALL=skip npm ci --prefix tests/js"
        pytest.skip(f"npm packages missing: {', '.join(missing)} ({how})")
    return NPM


def require_chromium() -> str:
    """Path of the browser."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("Chromium is not installed")


def project(folder: Path, *packages: str) -> Path:
    """A project as an application developer has it: dropgan's runtime and npm packages installed."""
    modules = folder / "node_modules"
    modules.mkdir(parents=True, exist_ok=True)
    shutil.copytree(RUNTIME, modules / "dropgan", dirs_exist_ok=True)
    for name in packages:
        (modules / name).symlink_to(require_npm(name) / name)
    return folder


def run_module(folder: Path, script: str, *arguments: object) -> Any:
    """Run a module in ``folder``; what it prints, read as JSON."""
    path = folder / "script.mjs"
    path.write_text(script, "utf-8")
    return json.loads(run_node(folder, path, *arguments))


def run_node(folder: Path, *arguments: object) -> str:
    """Run Node in ``folder``; what it prints."""
    done = subprocess.run(
        [require_node(), *map(str, arguments)],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
