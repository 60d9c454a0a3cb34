"""dropgan's light runtime as a separate wheel: `dropgan.serve`, without training.

It is the distribution ``dropgan`` with the local version ``+light`` (PEP 440). pip accepts it as ``dropgan``
and never installs it beside the complete one, whose files it shares.
"""

import importlib.metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dropgan
from dropgan import serve

from .archive import wheel_bytes, wheel_tags

_BASE = frozenset({"numpy"})  # typer is the command line's, which stays with the whole dropgan
_EXTRAS = ("cpu", "gpu", "cuda", "batch")
_LEFT_OUT = frozenset({"__pycache__", "js", "http"})
"""The JavaScript runtime goes into web packages; the service is for who has the whole dropgan."""


def light_wheel() -> tuple[str, bytes]:
    """Return file name and bytes of the light runtime's wheel, made from the installed dropgan."""
    installed = importlib.metadata.distribution("dropgan")
    version = f"{installed.version}{'.' if '+' in installed.version else '+'}light"
    info = f"dropgan-{version}.dist-info"
    root = Path(serve.__file__).parent
    files = {
        f"dropgan/serve/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
        and path.suffix != ".onnx"
        and not _LEFT_OUT.intersection(path.relative_to(root).parts)
    }
    files["dropgan/__init__.py"] = Path(dropgan.__file__).read_bytes()
    text = dropgan_license()
    files[f"{info}/METADATA"] = _metadata(installed, version, text is not None).encode()
    files[f"{info}/WHEEL"] = wheel_tags(installed.version)
    if text is not None:
        files[f"{info}/licenses/LICENSE"] = text.encode()
    return f"dropgan-{version}-py3-none-any.whl", wheel_bytes(files, info)


def dropgan_license() -> str | None:
    """Return dropgan's licence text as installed; None if the installation has none."""
    # more than one where python runs in a source tree, whose egg-info has no licence
    found = (
        entry.read_text("licenses/LICENSE") for entry in importlib.metadata.distributions(name="dropgan")
    )
    return next((text for text in found if text), None)


def _metadata(installed: importlib.metadata.Distribution, version: str, with_license: bool) -> str:
    needed = []
    for line in installed.requires or []:
        requirement = Requirement(line)
        extra = next((name for name in _EXTRAS if f"extra == '{name}'" in line.replace('"', "'")), None)
        base = requirement.marker is None and canonicalize_name(requirement.name) in _BASE
        if base or extra:
            needed.append(line)
    return "\n".join(
        [
            "Metadata-Version: 2.4",
            "Name: dropgan",
            f"Version: {version}",
            "Summary: The light runtime of dropgan: sample from an exported generator.",
            "License-Expression: Apache-2.0",
            *(["License-File: LICENSE"] if with_license else []),
            f"Requires-Python: {installed.metadata['Requires-Python']}",
            *(f"Requires-Dist: {line}" for line in needed),
            *(f"Provides-Extra: {extra}" for extra in _EXTRAS),
            "",
        ]
    )
