"""The models that a service offers, by digest and by name."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..classes import Classes
from ..errors import InputError, MissingExtraError
from ..generator import Generator
from ..kind import PICTURES
from ..kinds import kind_of
from ..printable import printable
from .addresses import NotFound

SHORTEST_DIGEST = 12
RESERVED = frozenset(
    {"healthz", "readyz", "metrics", "models", "openapi.json", "docs", "redoc", "studio", "v2", "favicon.ico"}
)
_DIGEST = re.compile(r"[0-9a-f]{12,64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Model:
    """A served model."""

    name: str
    digest: str
    """SHA-256 of the file, 64 hex digits."""
    generator: Generator

    @cached_property
    def stamp(self) -> str:
        """The facts besides the address that decide a response's bytes. Other pixels or encoders give other
        ETags.
        """
        from ..batch.describe import made_with, probe
        from ..batch.formats import FORMATS, format_named

        found: dict[str, str] = {}
        probed = probe(self.generator)
        for name in FORMATS.names:
            format_ = format_named(name)
            if format_.view(self.generator.card) is not None:
                with suppress(MissingExtraError):
                    found |= made_with(self.generator, format_, probed)
        return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]

    @cached_property
    def classes(self) -> Classes:
        """The model's classes, which are empty if it is not conditional."""
        return Classes.of(self.generator.card)

    def summary(self) -> dict[str, Any]:
        """Return the model's entry in the list of models."""
        card = self.generator.card
        kind, shape = kind_of(card), self.generator.sample_shape
        return {
            "name": self.name,
            "digest": self.digest,
            "kind": card.data.kind,
            "data": card.data.name,
            "sample_shape": list(shape),
            "picture_size": [] if kind.lacks(card, PICTURES) else list(kind.picture_size(shape)),
            "sample_dtype": self.generator.sample_dtype.name,
            "classes": self.generator.classes,
            "class_numbers": list(self.generator.class_numbers),
            "class_names": list(self.generator.class_names),
            "columns": list(getattr(card.data, "columns", ()) or ()),
            "latent_dim": card.latents.dim,
        }

    def described(self) -> dict[str, Any]:
        """Return the summary, the complete card, and the provider and version that compute the samples."""
        card = json.loads(self.generator.card.to_json())
        runtime = {"onnxruntime": self.generator.runtime_version, "provider": self.generator.provider}
        return self.summary() | {"card": card, "runtime": runtime}


class Models:
    """All models of a service."""

    def __init__(self, models: Sequence[Model]) -> None:
        """Index the models by digest and name.

        Raises:
            InputError: There are none, or two have the same name.
        """
        if not models:
            raise InputError("there is no model to serve: name one or more files, or a folder of .onnx files")
        names = [model.name for model in models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"two models are called {', '.join(twice)}: rename one of the files")
        self._by_name = {model.name: model for model in models}
        self._by_digest = {model.digest: model for model in models}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def exact(self, segment: str) -> Model | None:
        """Return the model with this complete digest."""
        return self._by_digest.get(segment)

    def named(self, name: str) -> Model | None:
        """Return the model with this name."""
        return self._by_name.get(name)

    def find(self, segment: str) -> Model:
        """Return the model with this name or with a digest that begins so.

        Raises:
            NotFound: There is none, or several digests begin so.
        """
        if segment in self._by_name:
            return self._by_name[segment]
        if _DIGEST.fullmatch(segment):
            found = [model for digest, model in self._by_digest.items() if digest.startswith(segment)]
            if len(found) == 1:
                return found[0]
            if found:
                raise NotFound(f"{len(found)} models begin with {segment}: give more digits")
        raise NotFound(
            f"there is no model {segment[:70]!r} here: give its name, or at least {SHORTEST_DIGEST}"
            " digits of its digest"
        )


def load_models(paths: Sequence[Path], *, device: str = "auto", threads: int | None = None) -> Models:
    """Open model files. A folder stands for every ``.onnx`` file in it.

    Raises:
        InputError: There are none, or a name cannot be part of an address.
        ModelError: A file cannot be loaded.
        DeviceError: The device does not work.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() == ".onnx")
            if not inside:
                raise InputError(f"{path} holds no .onnx file")
            files += inside
        else:
            files.append(path)
    return Models([_load(file, device, threads) for file in files])


def _load(path: Path, device: str, threads: int | None) -> Model:
    name = path.stem
    if name == "model" and path.resolve().parent.name:  # RUN/model.onnx is the run's
        name = path.resolve().parent.name
    if not _NAME.fullmatch(name) or name in RESERVED or _DIGEST.fullmatch(name):
        raise InputError(
            f"{printable(name)} cannot be part of an address: name the file with letters, digits, '.', '_'"
            " and '-' only, and not like a digest or one of the service's own pages"
        )
    generator = Generator(path, device=device, threads=threads)
    return Model(name, generator.digest, generator)
