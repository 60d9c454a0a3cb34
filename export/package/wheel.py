"""A wheel with the model inside: ``pip install clothes-gan``, ``import clothes_gan``."""

import base64
import importlib.metadata
from pathlib import Path

from dropgan.serve import Generator
from dropgan.serve.atomic import write_bytes

from ..gate import check_inference_only
from .archive import wheel_bytes, wheel_tags
from .content import readme, samples_png, summary
from .details import Details, PackageError
from .light import light_wheel

RUNTIMES = ("cpu", "gpu", "none")
_TEMPLATE = Path(__file__).parent / "module.py.txt"


def package_wheel(
    model: Path | str, directory: Path | str, details: Details, *, runtime: str = "cpu"
) -> tuple[Path, Path]:
    """Make a wheel that embeds a generator, and beside it the light runtime that it needs.

    The same model, details and version of dropgan give the same bytes.

    Args:
        model: The ``.onnx`` file.
        directory: Where the two wheels go.
        details: Name, version, licence.
        runtime: Which onnxruntime the wheel asks pip for: ``cpu``, ``gpu``, or ``none`` where the
            app brings one.

    Returns:
        The model's wheel and the runtime's.

    Raises:
        ModelError: The file is none of dropgan's.
        GateError: It is not inference-only.
        PackageError: ``runtime`` is unknown.
        MissingExtraError: Pillow, which draws the README's picture, is not installed.
        OutputError: A wheel cannot be written.
    """
    if runtime not in RUNTIMES:
        raise PackageError(f"the runtime must be {', '.join(RUNTIMES)}, not {runtime!r}")
    content, generator = read_model(model)
    card = generator.card
    files = _module_files(details, content, summary(card, details), generator)
    picture = samples_png(generator)
    if picture is not None:
        files[f"{details.module}/samples.png"] = picture
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else None
    info = f"{details.module}-{details.version}.dist-info"
    text = readme(card, details, _usage(details, runtime), address)
    files[f"{info}/METADATA"] = _metadata(details, runtime, summary(card, details), text).encode()
    files[f"{info}/WHEEL"] = wheel_tags(importlib.metadata.version("dropgan"))
    if details.license_text is not None:
        files[f"{info}/licenses/LICENSE"] = details.license_text.encode()

    directory = Path(directory)
    light_name, light = light_wheel()
    wheel = directory / f"{details.module}-{details.version}-py3-none-any.whl"
    write_bytes(directory / light_name, light)
    write_bytes(wheel, wheel_bytes(files, info))
    return wheel, directory / light_name


def read_model(model: Path | str) -> tuple[bytes, Generator]:
    """A model's bytes and its generator on the CPU, once it has passed the gate.

    Raises:
        ModelError: The file is none of dropgan's.
        GateError: It is not inference-only.
    """
    generator = Generator(model, device="cpu")
    check_inference_only(generator.model_bytes).require(str(model))
    return generator.model_bytes, generator


def _module_files(details: Details, model: bytes, line: str, generator: Generator) -> dict[str, bytes]:
    pixels = generator.card.export.output == "pixels"
    code = _TEMPLATE.read_text("utf-8")
    for name, value in {
        "SUMMARY": line.replace("\\", "\\\\").replace('"', "'"),
        "VERSION": details.version,
        "MODULE": details.module,
        "DTYPE": "uint8" if pixels else "float32",
        "SHAPE": ", ".join(map(str, generator.sample_shape)),
    }.items():
        code = code.replace(f"@{name}@", value)
    return {
        f"{details.module}/__init__.py": code.encode(),
        f"{details.module}/py.typed": b"",
        f"{details.module}/model.onnx": model,
    }


def _metadata(details: Details, runtime: str, line: str, text: str) -> str:
    release = importlib.metadata.version("dropgan").partition("+")[0]
    extra = "" if runtime == "none" else f"[{runtime}]"
    return "\n".join(
        [
            "Metadata-Version: 2.4",
            f"Name: {details.name}",
            f"Version: {details.version}",
            f"Summary: {line}",
            *([f"Author: {details.author}"] if details.author else []),
            f"License-Expression: {details.license}",
            *(["License-File: LICENSE"] if details.license_text is not None else []),
            "Classifier: Typing :: Typed",
            "Requires-Python: >=3.11",
            f"Requires-Dist: dropgan{extra}~={release}",
            "Description-Content-Type: text/markdown",
            "",
            text,
        ]
    )


def _usage(details: Details, runtime: str) -> str:
    note = {
        "cpu": "It runs on the CPU (onnxruntime).",
        "gpu": "It runs on an NVIDIA GPU where there is one, else on the CPU (onnxruntime-gpu).",
        "none": "It needs onnxruntime or onnxruntime-gpu, which it leaves to your app to install.",
    }[runtime]
    return f"""
```
pip install {details.name}
```

```python
import {details.module}

samples = {details.module}.sample(16, seed=0)  # a numpy array
generator = {details.module}.generator()  # dropgan.serve.Generator: latents, streams, the card
```

{note}
"""
