"""Start from the weights of an earlier model, to continue with other data."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dropgan.serve.card import METADATA_KEY, Card
from dropgan.serve.errors import DropganError, ModelError
from dropgan.serve.loading import read_file, read_onnx

from ..data.names import require_text
from ..networks.spectral import settle_spectral_norm
from ..steps.ema import Ema
from ..steps.state import TrainingState
from .checkpoint import load_checkpoint
from .directory import RunDirectory
from .facts import FeatureFacts

_FLOAT32 = 1  # ONNX's number for it
_NORMED = ".parametrizations.weight.original"


class PretrainedError(DropganError):
    """Training cannot start from this model."""


@dataclass(frozen=True)
class Pretrained:
    """The weights and facts of an earlier model."""

    source: Path
    """The file that it was read from."""
    fingerprint: str
    """SHA-256 of that file."""
    generator: dict[str, Tensor]
    """Weights of the averaged generator by name: what was scored and shipped, and what every kind of
    source has."""
    discriminator: dict[str, Tensor]
    """Weights of the discriminator by name; empty if the source has only a generator."""
    features: FeatureFacts = field(default_factory=FeatureFacts)
    """Feature network of that discriminator."""


def pretrained_file(source: str | PathLike[str]) -> Path:
    """Return the file to read: the last checkpoint of a run directory, or the source itself."""
    path = Path(source)
    return (RunDirectory(path).last_checkpoint if path.is_dir() else path).resolve()


def load_pretrained(source: str | PathLike[str]) -> Pretrained:
    """Read the weights of a run directory, a checkpoint, or an exported model.onnx.

    Raises:
        RunError: The directory holds no run.
        CheckpointError: There is no checkpoint, or it is damaged.
        ModelError: The .onnx file cannot be read.
        DataError: A run could not record the path.
        PretrainedError: The .onnx file's weights are not float32, or the file is of another kind.
    """
    if Path(source).is_dir():
        RunDirectory(source).read_recipe()  # says what is wrong with a directory that is no run
    path = pretrained_file(source)
    require_text(str(path))
    if path.suffix == ".onnx":
        data = read_file(path)
        try:
            file = read_onnx(data)
            card = Card.from_json(file.metadata[METADATA_KEY]) if METADATA_KEY in file.metadata else None
        except ModelError as error:
            raise type(error)(f"{path} cannot be read: {error}") from error
        if card is not None and card.export.precision != "fp32":  # some of its tensors may be float32
            raise PretrainedError(
                f"{path} has {card.export.precision} weights, from which training cannot start: use the run"
                " that it was exported from, or its fp32 file"
            )
        weights = {
            tensor.name: torch.from_numpy(np.array(tensor.array(), np.float32))
            for tensor in file.graph.tensors
            if tensor.kind == _FLOAT32 and tensor.name.count(".")
        }
        if not weights:
            raise PretrainedError(
                f"{path} has no float32 weights under their names: use the run that it was exported from"
            )
        return Pretrained(path, hashlib.sha256(data).hexdigest(), weights, {})
    if path.suffix != ".safetensors":
        raise PretrainedError(f"{path} is not a run directory, a checkpoint .safetensors or a model .onnx")
    checkpoint = load_checkpoint(path)
    fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()
    features = FeatureFacts(**checkpoint.about.get("features", {}))
    return Pretrained(path, fingerprint, checkpoint.part("ema"), checkpoint.part("discriminator"), features)


def begin_from(state: TrainingState, pretrained: Pretrained) -> list[str]:
    """Copy the layers of an earlier model that fit into untrained networks.

    A layer is copied if all of its tensors exist under the same names and in the same shapes; a weight
    without its bias would be useless. No random numbers are drawn.

    Args:
        state: An untrained state.
        pretrained: The earlier model.

    Returns:
        The layers that were not copied, ``generator NAME`` or ``discriminator NAME``.

    Raises:
        PretrainedError: No layer of the generator fits.
    """
    taken, left = _take(state.generator, pretrained.generator)
    if not taken:
        raise PretrainedError(
            f"no layer of the generator in {pretrained.source} fits this one: start from a model of"
            " the same architecture and widths, or name its recipe with --recipe"
        )
    fresh = [f"generator {name}" for name in left]
    fresh += [f"discriminator {name}" for name in _take(state.discriminator, pretrained.discriminator)[1]]
    state.ema = Ema(state.generator, state.ema.decay)
    return fresh


def _take(network: nn.Module, weights: dict[str, Tensor]) -> tuple[list[str], list[str]]:
    """Copy layers; return the names of those found and of those not found."""
    layers: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in network.state_dict().items():
        layer, normed, _ = name.partition(".parametrizations.")
        if not normed:
            layer = name.rpartition(".")[0]
        if not normed or name.endswith(_NORMED):  # the vectors of a spectral norm follow from the weight
            layers[layer][name] = tensor
    taken, left = [], []
    for layer, tensors in layers.items():
        found = [(tensor, _find(name, weights)) for name, tensor in tensors.items()]
        if all(given is not None and given.shape == tensor.shape for tensor, given in found):
            for tensor, given in found:
                tensor.copy_(given)  # type: ignore[arg-type]
            taken.append(layer)
        else:
            left.append(layer)
    settle_spectral_norm(network)
    return taken, left


def _find(name: str, weights: dict[str, Tensor]) -> Tensor | None:
    """Return a tensor by name. A weight under spectral norm can also start from a plain one."""
    return weights.get(name, weights.get(name.replace(_NORMED, ".weight")))
