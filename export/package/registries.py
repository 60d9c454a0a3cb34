"""Validate names and versions by the rules of pip and npm, and return them in each registry's spelling."""

import importlib.metadata
import keyword
import re
import sys
from collections.abc import Callable

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from dropgan.serve.errors import DropganError


class PackageError(DropganError):
    """A package cannot be made as requested."""


# Distributions and modules that an app is likely to have beside the package, installed here or not.
_WELL_KNOWN = """
accelerate aiohttp attr attrs boto3 build certifi cffi click cryptography cv2 cython dask datasets
dateutil deflate diffusers django dropgan fastapi flask flax google gradio grpc h5py httpx idna
imageio ipython jax jaxlib jinja2 jupyter keras lightgbm lightning markdown matplotlib mlflow
networkx notebook numba numpy onnx onnxruntime onnxruntime-gpu onnxscript opencv-python packaging
pandas pil pillow pip polars protobuf psutil pyarrow pydantic pytest python-dateutil pytz pyyaml ray
regex requests rich safetensors scikit-image scikit-learn scipy seaborn setuptools six skimage
sklearn sqlalchemy starlette streamlit sympy tensorboard tensorflow timm tokenizers torch torchaudio
torchmetrics torchvision tqdm transformers typer urllib3 uvicorn wandb wheel xgboost yaml
"""
# Node's own modules that an import could mean, and what the package stands on.
_NPM_TAKEN = """
assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel
dns domain dropgan events favicon.ico fs http http2 https inspector module net node_modules
onnxruntime-common onnxruntime-node onnxruntime-web os path perf_hooks process punycode querystring
readline repl stream string_decoder sys timers tls trace_events tty url util v8 vm wasi
worker_threads zlib
"""
_NPM_NAME = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
_NPM_LONGEST = 214
_NPM_PRE_RELEASES = {"a": "alpha", "b": "beta", "rc": "rc"}


def _pip_name(name: str) -> str:
    """Return a name by PEP 503 whose module can be imported and shadows no other."""
    if name.startswith("@"):
        raise PackageError(f"{name[:80]} is an npm name: wheels have no scopes, use --target web")
    try:
        name = canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise PackageError(
            f"{name[:80]!r} is not a package name: use letters, digits and hyphens, like clothes-gan"
        ) from error
    module = name.replace("-", "_")
    if not module.isidentifier() or keyword.iskeyword(module):
        raise PackageError(f"{name} cannot be imported as {module}: start with a letter, and use no keyword")
    standard = {known.lower() for known in sys.stdlib_module_names}
    if {name, module} & standard.union(_WELL_KNOWN.split()):
        raise PackageError(f"{name} is taken by another module: choose another name")
    if owner := _installed(name, module):
        raise PackageError(f"{name} is taken by {owner}, which is installed here: choose another name")
    return name


def _installed(name: str, module: str) -> str | None:
    """Return an installed distribution with this name or module, unless dropgan made it."""
    modules = {found.lower(): owners for found, owners in importlib.metadata.packages_distributions().items()}
    for owner in [name, *modules.get(module, [])]:
        try:
            tags = importlib.metadata.distribution(owner).read_text("WHEEL") or ""
        except importlib.metadata.PackageNotFoundError:
            continue
        if "Generator: dropgan" not in tags:
            return owner
    return None


def _npm_name(name: str) -> str:
    """Return a name by npm's rules for new packages, with or without a scope."""
    if not _NPM_NAME.fullmatch(name) or len(name) > _NPM_LONGEST:
        raise PackageError(
            f"{name[:80]!r} is not an npm name: use lower-case letters, digits and hyphens, like clothes-gan"
            " or @acme/clothes-gan"
        )
    if name in _NPM_TAKEN.split():
        raise PackageError(f"{name} is taken by another module: choose another name")
    return name


def _pip_version(text: str) -> str:
    return str(_version(text))


def _npm_version(text: str) -> str:
    """Return three numbers and a pre-release (semver.org). A version that does not fit is refused, not
    shortened.

    A pre-release keeps its order: alpha, beta and rc sort as a, b and rc do, and their numbers as numbers.
    """
    version = _version(text)
    fits = len(version.release) <= 3 and not version.epoch and version.post is None
    if not fits or version.dev is not None or version.local is not None:
        raise PackageError(
            f"npm has no version {text[:80]}: write three numbers, like 1.2.3, or a pre-release of"
            " them, like 1.2.3rc1"
        )
    release = f"{version.major}.{version.minor}.{version.micro}"
    if version.pre is None:
        return release
    kind, number = version.pre
    return f"{release}-{_NPM_PRE_RELEASES[kind]}.{number}"


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise PackageError(f"{text[:80]!r} is not a version: write one like 1.0.0") from error


NAMES: dict[str, Callable[[str], str]] = {"wheel": _pip_name, "web": _npm_name}
"""By target: a name in its registry's spelling. Raises PackageError."""

VERSIONS: dict[str, Callable[[str], str]] = {"wheel": _pip_version, "web": _npm_version}
"""By target: a version in its registry's spelling. Raises PackageError."""
