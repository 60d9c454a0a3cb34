"""The domain features: a small classifier of the kind of images that a generator makes.

The network for Fashion-MNIST comes with dropgan. `dropgan.train.features.fit` trains one on other data. A
Fréchet distance in these features is not FID, which is defined by Inception's features, so it is named after
its own.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import interpolate

from dropgan.serve.atomic import write_bytes
from dropgan.serve.ordinary import open_ordinary
from dropgan.serve.parsing import parse_json

from .errors import FeatureError

NUM_FEATURES = 64
BUILT_IN = Path(__file__).parent / "domain.safetensors"
"""The network that comes with dropgan, made for Fashion-MNIST."""
_MAX_SIDE = 64  # larger images are reduced: the features are of what is seen at a glance
_METADATA_KEY = "dropgan-features"
_DIGEST_KEY = "sha256"
_SCHEMA = 1


@dataclass(frozen=True)
class DomainFacts:
    """The facts that a file of domain features records."""

    shape: tuple[int, int, int]
    """(height, width, channels) of the images that it looks at."""
    classes: int
    """Number of classes."""
    class_names: tuple[str, ...]
    """Their names, or empty."""
    task: str
    """``labels``: the data's own classes; ``rotation``: which way up an image is."""
    data: str
    """Name of the data set it was trained on."""
    accuracy: float
    """Share of held-out images (or of training images, where none were held out) told right."""


class DomainNetwork(nn.Module):
    """Five convolutions and a linear head. The pooled activations of the last convolution are the features.

    Attributes:
        facts: Facts about its training.
    """

    def __init__(self, facts: DomainFacts) -> None:
        super().__init__()
        self.facts = facts
        self.body = nn.Sequential(
            *_block(facts.shape[2], 32, kernel=5, stride=2),  # 28 -> 14
            *_block(32, 64),
            nn.MaxPool2d(2, ceil_mode=True),  # 14 -> 7
            *_block(64, 96),
            *_block(96, 96),
            *_block(96, NUM_FEATURES),
        )
        self.head = nn.Linear(NUM_FEATURES, facts.classes)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse images that do not have the shape (height, width, channels).

        Raises:
            FeatureError: The images have another shape.
        """
        if shape != self.facts.shape:
            raise FeatureError(
                f"these features are for images of shape {list(self.facts.shape)}, not {list(shape)}: train"
                " features on your own data with dropgan evaluate --fit-features FILE --data D"
            )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return features float32 [n, 64] and class logits float32 [n, classes].

        Args:
            images: uint8 [n, height, width, channels].

        Raises:
            FeatureError: The images have the wrong shape or type.
        """
        if images.dtype != torch.uint8:
            raise FeatureError(f"features are of uint8 images, not {images.dtype}")
        self.require_shape(tuple(images.shape[1:]))
        height, width, _ = self.facts.shape
        pixels = images.permute(0, 3, 1, 2).float().div(255)
        if max(height, width) > _MAX_SIDE:
            scale = _MAX_SIDE / max(height, width)
            size = (max(1, round(height * scale)), max(1, round(width * scale)))
            pixels = interpolate(pixels, size=size, mode="bilinear", antialias=True)
        features: Tensor = self.body(pixels).mean(dim=(2, 3))
        return features, self.head(features)


def _block(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def save_domain(path: Path, network: DomainNetwork) -> None:
    """Write a network and its facts as one safetensors file.

    Raises:
        OutputError: The file cannot be written.
    """
    write_bytes(path, domain_bytes(network))


def domain_bytes(network: DomainNetwork) -> bytes:
    """Return the content of a file of domain features."""
    about = json.dumps({"schema": _SCHEMA, **asdict(network.facts)})
    weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    return save(weights, metadata={_METADATA_KEY: about, _DIGEST_KEY: _digest(about, network)})


def load_domain(path: Path) -> DomainNetwork:
    """Load a network in eval mode. Nothing in the file is ever executed.

    Raises:
        FeatureError: The file is missing, damaged, or holds something else.
    """
    try:
        open_ordinary(path).close()
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            about = parse_json(told[_METADATA_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about.pop("schema") != _SCHEMA:
            raise FeatureError(f"{path} was written by another version of dropgan")
        about["shape"], about["class_names"] = tuple(about["shape"]), tuple(about["class_names"])
        network = DomainNetwork(DomainFacts(**about))
        network.load_state_dict(weights)
        if told.get(_DIGEST_KEY, "") not in ("", _digest(told[_METADATA_KEY], network)):
            raise ValueError("it was changed after it was written")
    except FileNotFoundError as error:
        raise FeatureError(
            f"there is no file of features {path}: --features takes domain, inception, or a file that"
            " dropgan evaluate --fit-features wrote"
        ) from error
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FeatureError(f"{path} is damaged or not a file of features: {reason}") from error
    return network.requires_grad_(False).eval()


def about_domain(path: Path, network: DomainNetwork) -> str:
    """Return text that names the features in a file."""
    if path == BUILT_IN:
        return "the network that comes with dropgan, made for Fashion-MNIST"
    return f"the network in {path.name}, fitted to {network.facts.data}"


def _digest(about: str, network: nn.Module) -> str:
    return hashlib.sha256(f"{about}\n{weights_fingerprint(network)}".encode()).hexdigest()


def weights_fingerprint(network: nn.Module) -> str:
    """Return ``sha256:`` and the digest of all weights. Scores are comparable only if it is equal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"
