"""dropgan doctor"""

import base64
import importlib
import importlib.metadata
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import typer

from . import options
from .output import result_json, result_row

# A model of one Identity operator, so that providers can be tried without the onnx package.
_IDENTITY = base64.b64decode(
    "CAg6MwoQCgF4EgF5IghJZGVudGl0eRIBaVoNCgF4EggKBggBEgIKAGINCgF5EggKBggBEgIKAEIECgAQDQ=="
)

_EXTRAS = {
    "train": "to train, export and evaluate",
    "batch": "pictures from the runtime, and shards of them",
    "hub": "Hugging Face data sets",
    "tensorboard": "logs for TensorBoard",
    "pretrained": "discriminators that look through EfficientNet-lite0",
    "inception": "scores in Inception's features",
    "ray": "shards on a cluster",
    "graphs": "graphs as data",
    "molecules": "molecules as data",
    "sweep": "a search over settings instead of a grid",
    "server": "samples over HTTP",
}
"""What may be installed beside the runtime, and for what."""
_MODULES = {"pillow": "PIL"}
"""Distributions whose module has another name, but for hyphens."""


@dataclass(frozen=True)
class Finding:
    """The result of one check: its state, what was found, and how to fix it."""

    state: Literal["ok", "absent", "broken"]
    name: str
    value: str
    remedy: str = ""


def doctor(json: options.Json = False) -> None:
    """Show what is installed, whether it works, and how to fix what does not.

    Each line begins with ok, absent (optional and not installed) or broken. The exit code is 1 if anything
    is broken.
    """
    findings = [
        Finding("ok", "dropgan", importlib.metadata.version("dropgan")),
        Finding("ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *_runtime(),
        *_torch(),
        *map(_extra, _EXTRAS),
    ]
    if json:
        result_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            result_row(f"{finding.state:<8}{finding.name:<18}", finding.value)
            if finding.remedy:
                result_row(f"{'':<26}", finding.remedy)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _runtime() -> Iterator[Finding]:
    from dropgan.serve.errors import RuntimeMissingError
    from dropgan.serve.providers import installed_runtimes, load_onnxruntime

    installed = installed_runtimes()
    named = ", ".join(f"{name} {version}" for name, version in installed.items())
    if len(installed) > 1:
        yield Finding(
            "broken",
            "runtime",
            f"{named}: both are installed and overwrite each other",
            "pip uninstall -y onnxruntime onnxruntime-gpu, then pip install 'dropgan[cpu]' (or [gpu])",
        )
        return
    try:
        onnxruntime = load_onnxruntime()
    except RuntimeMissingError as error:
        yield Finding("broken", "runtime", "does not load", str(error))
        return
    yield Finding("ok", "runtime", named or f"onnxruntime {onnxruntime.__version__}")
    yield _cpu(onnxruntime)
    yield _cuda(onnxruntime)


def _cpu(onnxruntime: Any) -> Finding:
    try:
        _try(onnxruntime, "cpu")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the user has to know
        return Finding("broken", "runtime on cpu", _line(error), "pip install --force-reinstall onnxruntime")
    return Finding("ok", "runtime on cpu", "runs a model")


def _cuda(onnxruntime: Any) -> Finding:
    from dropgan.serve.errors import DeviceError
    from dropgan.serve.providers import CUDA, has_nvidia_driver, nvidia_driver

    name = "runtime on cuda"
    if not has_nvidia_driver():
        return Finding("absent", name, "no NVIDIA driver: samples are made on the CPU", "see docs/gpu.md")
    if CUDA not in onnxruntime.get_available_providers():
        remedy = "pip uninstall -y onnxruntime, then pip install 'dropgan[gpu]'; see docs/gpu.md"
        return Finding("absent", name, "this onnxruntime is built without CUDA", remedy)
    reason = nvidia_driver()
    if reason is not None:
        return Finding("broken", name, reason, "nvidia-smi should list a GPU; see docs/gpu.md")
    try:
        _try(onnxruntime, "cuda")
    except DeviceError as error:
        reason = str(error).removeprefix("device cuda does not work: ").split("; see")[0]
        return Finding("broken", name, reason, "pip install 'dropgan[cuda]', or see docs/gpu.md")
    return Finding("ok", name, "runs a model")


def _try(onnxruntime: Any, device: str) -> None:
    """Run one operator on a device."""
    import numpy as np

    from dropgan.serve.providers import open_session

    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4
    open_session(_IDENTITY, device, quiet).run(None, {"x": np.ones(1, dtype=np.float32)})


def _torch() -> Iterator[Finding]:
    if not _installed("torch"):
        return  # which the extra [train] says
    try:
        import torch
    except Exception as error:  # noqa: BLE001 - a library that is missing raises OSError, others differ
        yield Finding("broken", "torch", _line(error), "pip install --force-reinstall torch")
        return
    from dropgan.serve.providers import has_nvidia_driver

    yield Finding("ok", "torch", torch.__version__)
    if torch.cuda.is_available():
        card = f"CUDA {torch.version.cuda}, {torch.cuda.get_device_name(0)}"
        yield Finding("ok", "torch on cuda", card)
    elif not has_nvidia_driver():
        yield Finding(
            "absent", "torch on cuda", "no NVIDIA driver: training runs on the CPU", "see docs/gpu.md"
        )
    elif torch.version.cuda is None:
        remedy = "install a build of PyTorch with CUDA; see docs/gpu.md"
        yield Finding("absent", "torch on cuda", "this PyTorch is built without CUDA", remedy)
    else:
        reason = f"CUDA {torch.version.cuda} finds no GPU that it can use"
        yield Finding("broken", "torch on cuda", reason, "the driver may be too old for it; see docs/gpu.md")


def _extra(extra: str) -> Finding:
    """Check that the packages of one of pyproject.toml's extras are installed and can be imported."""
    wanted = _requirements(extra)
    missing = [name for name in wanted if not _installed(name)]
    install = f"pip install 'dropgan[{extra}]'"
    if missing:
        named = "" if len(missing) == len(wanted) else f" (without {', '.join(missing)})"
        return Finding("absent", f"[{extra}]", f"{_EXTRAS[extra]}{named}", install)
    for name in wanted:
        try:
            importlib.import_module(_MODULES.get(name, name.replace("-", "_")))
        except Exception as error:  # noqa: BLE001 - a package may fail to load in any way
            again = f"pip install --force-reinstall {name}"
            return Finding("broken", f"[{extra}]", f"{name} does not load: {_line(error)}", again)
    return Finding("ok", f"[{extra}]", _EXTRAS[extra])


def _requirements(extra: str) -> list[str]:
    """Return the packages that an extra installs, from dropgan's own metadata."""
    lines = importlib.metadata.requires("dropgan") or []
    marked = [line for line in lines if re.search(rf"""extra == ["']{extra}["']""", line)]
    return [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in marked]


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _line(error: Exception) -> str:
    """Return another library's error as one line of bounded length."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
