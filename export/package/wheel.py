"""A wheel that contains a model: ``pip install clothes-gan``, ``import clothes_gan``."""

import base64
import importlib.metadata
import re
from pathlib import Path

from dropgan.serve import Card, Generator
from dropgan.serve.atomic import write_bytes

from ..gate import check_inference_only
from .archive import wheel_bytes, wheel_tags
from .content import readme, samples_png, summary
from .details import Details, PackageError
from .light import light_wheel

RUNTIMES = ("cpu", "gpu", "none")
# The first dropgan that reads a card of each schema; the one that made the wheel where there is no entry.
_FIRST_READER = {"1.0": "0.1", "1.1": "0.1", "1.2": "0.1", "1.3": "0.1", "1.4": "0.1", "1.5": "0.1"}
_FIRST_WITHOUT_SCHEMA_1 = "2"
_TEMPLATE = Path(__file__).parent / "module.py.txt"


def package_wheel(
    model: Path | str, directory: Path | str, details: Details, *, runtime: str = "cpu"
) -> tuple[Path, Path]:
    """Make a wheel that embeds a generator, and the wheel of the light runtime that it needs.

    The same model, details and version of dropgan give the same bytes.

    Args:
        model: The ``.onnx`` file.
        directory: Folder for both wheels.
        details: Name, version, licence.
        runtime: The onnxruntime that the wheel requires: ``cpu``, ``gpu``, or ``none`` if the app
            provides one.

    Returns:
        The model's wheel and the runtime's.

    Raises:
        ModelError: The file is not a dropgan model.
        GateError: It is not inference-only.
        PackageError: ``runtime`` is unknown, or the details are those of another target.
        MissingExtraError: Pillow, which draws the README's picture, is not installed.
        OutputError: A wheel cannot be written.
    """
    details.require_target("wheel")
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
    needed = _requirement(card, runtime)
    files[f"{info}/METADATA"] = _metadata(details, needed, summary(card, details), text).encode()
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
    """Return a model's bytes and its generator on the CPU, after it has passed the gate.

    Raises:
        ModelError: The file is none of dropgan's.
        GateError: It is not inference-only.
    """
    generator = Generator(model, device="cpu")
    check_inference_only(generator.model_bytes).require(str(model))
    return generator.model_bytes, generator


def _module_files(details: Details, model: bytes, line: str, generator: Generator) -> dict[str, bytes]:
    values = {
        "SUMMARY": line.replace("\\", "\\\\").replace('"', "'"),
        "VERSION": details.version,
        "MODULE": details.module,
        "DTYPE": generator.sample_dtype.name,
        "SHAPE": ", ".join(map(str, generator.sample_shape)),
    }
    # in one pass, so that no value is taken for another's place
    code = re.sub("@([A-Z]+)@", lambda place: values[place[1]], _TEMPLATE.read_text("utf-8"))
    return {
        f"{details.module}/__init__.py": code.encode(),
        f"{details.module}/py.typed": b"",
        f"{details.module}/model.onnx": model,
    }


def _metadata(details: Details, requirement: str, line: str, text: str) -> str:
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
            f"Requires-Dist: {requirement}",
            "Description-Content-Type: text/markdown",
            "",
            text,
        ]
    )


def _requirement(card: Card, runtime: str) -> str:
    """Return a requirement of every dropgan that reads the card, so that wheels of different versions
    coexist.
    """
    release = importlib.metadata.version("dropgan").partition("+")[0]
    extra = "" if runtime == "none" else f"[{runtime}]"
    return f"dropgan{extra}>={_FIRST_READER.get(card.schema, release)},<{_FIRST_WITHOUT_SCHEMA_1}"


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
