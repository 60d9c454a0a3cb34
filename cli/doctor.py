"""dropgan doctor"""

import base64
import importlib.metadata
import importlib.util
import platform
from dataclasses import asdict, dataclass
from typing import Any

import typer

from . import options
from .output import result, result_json

# A model of one Identity operator, so that providers can be tried without the onnx package.
_IDENTITY = base64.b64decode(
    "CAg6MwoQCgF4EgF5IghJZGVudGl0eRIBaVoNCgF4EggKBggBEgIKAGINCgF5EggKBggBEgIKAEIECgAQDQ=="
)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is, how it is, and what to do where it is not well."""

    name: str
    value: str
    advice: str = ""
    problem: bool = False


def doctor(json: options.Json = False) -> None:
    """Say what is installed, what really works, and what to do about the rest."""
    findings = [
        Finding("dropgan", importlib.metadata.version("dropgan")),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *_runtime(),
        *_training(),
    ]
    if json:
        result_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            result(f"{'!!' if finding.problem else 'ok'}  {finding.name:<14}{finding.value}")
            if finding.advice:
                result(f"    {'':<14}{finding.advice}")
    if any(finding.problem for finding in findings):
        raise typer.Exit(1)


def _runtime() -> list[Finding]:
    from dropgan.serve.errors import RuntimeMissingError
    from dropgan.serve.providers import installed_runtimes, load_onnxruntime

    installed = installed_runtimes()
    named = ", ".join(f"{name} {version}" for name, version in installed.items())
    if len(installed) > 1:
        return [
            Finding(
                "runtime",
                f"{named} are both installed and overwrite each other",
                "pip uninstall -y onnxruntime onnxruntime-gpu, then pip install 'dropgan[gpu]' (or [cpu])",
                problem=True,
            )
        ]
    try:
        onnxruntime = load_onnxruntime()
    except RuntimeMissingError as error:
        return [Finding("runtime", "not working", str(error), problem=True)]
    return [Finding("runtime", named or f"onnxruntime {onnxruntime.__version__}"), *_providers(onnxruntime)]


def _providers(onnxruntime: Any) -> list[Finding]:
    import numpy as np

    from dropgan.serve.errors import DeviceError
    from dropgan.serve.providers import CUDA, open_session

    findings = []
    available = onnxruntime.get_available_providers()
    for device in ("cpu", "cuda"):
        options_ = onnxruntime.SessionOptions()
        options_.log_severity_level = 4
        try:
            session = open_session(_IDENTITY, device, options_)
            session.run(None, {"x": np.ones(1, dtype=np.float32)})
            findings.append(Finding(device, f"works ({session.get_providers()[0]})"))
        except DeviceError as error:
            advice = (
                ""
                if CUDA in available
                else "for a GPU: pip uninstall onnxruntime, pip install 'dropgan[gpu]'"
            )
            findings.append(Finding(device, str(error).split("; see")[0], advice))
    return findings


def _training() -> list[Finding]:
    wanted = (
        "torch",
        "onnx",
        "onnxscript",
        "pydantic",
        "safetensors",
        "torchmetrics",
        "jinja2",
        "matplotlib",
        "pillow",
        "tomli-w",
    )
    missing = []
    for name in wanted:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if "torch" in missing:
        return [
            Finding("training", "not installed", "to train, export or evaluate: pip install 'dropgan[train]'")
        ]
    import torch

    if torch.cuda.is_available():
        cuda = f"CUDA {torch.version.cuda}, {torch.cuda.get_device_name(0)}"
    else:
        cuda = (
            "built without CUDA" if torch.version.cuda is None else f"CUDA {torch.version.cuda}, sees no GPU"
        )
    findings = [Finding("torch", f"{torch.__version__} ({cuda})")]
    if missing:
        advice = "pip install 'dropgan[train]'"
        findings.append(Finding("training", f"missing: {', '.join(missing)}", advice, problem=True))
    return findings
