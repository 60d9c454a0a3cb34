"""The card: the description that a dropgan model file carries as JSON in its metadata.

The card uses plain dataclasses rather than a schema library, so that the runtime stays light. A reader
ignores keys that it does not know and refuses a card whose major version it does not know. NaN is written as
null; earlier cards may have Python's ``NaN`` instead.
"""

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from .errors import ModelError
from .parsing import json_text, parse_json

METADATA_KEY = "dropgan"
MAX_CLASSES = 2**20
MAX_CLASS_NUMBER = 2**31 - 1
MAX_COUNTED = 2**32 - 1
SCHEMA_VERSION = "1.5"


@dataclass(frozen=True)
class DataCard:
    kind: str
    """Kind of the samples: ``images``, ``vectors`` or ``graphs``."""
    shape: tuple[int, ...]
    """Shape of one sample: (height, width, channels) for images, (columns,) for vectors, (nodes, nodes) for
    graphs."""
    name: str
    """Name of the data set, as the user gave it without directories."""
    fingerprint: str
    """``sha256:`` and the digest of the training data's shape and bytes."""
    samples: int
    """Number of training samples."""
    class_names: tuple[str, ...] = ()
    """Names of the classes; empty if the data has none."""
    columns: tuple[str, ...] = ()
    """Names of the columns of vectors."""
    mean: tuple[float, ...] = ()
    """Mean of each column of vectors in the training data, point masses spread out."""
    scale: tuple[float, ...] = ()
    """Standard deviation of each column of vectors in the training data, point masses spread out."""
    mass: tuple[float, ...] = ()
    """Value of each column's point mass, 0 without one; empty if not examined."""
    width: tuple[float, ...] = ()
    """Width of the interval over which it was spread in training, 0 in columns without one."""
    low: tuple[float, ...] = ()
    """Smallest value of each column in the training data."""
    high: tuple[float, ...] = ()
    """Largest value of each column in the training data."""
    whole: tuple[bool, ...] = ()
    """For each column, True if all values in the training data are whole numbers."""
    node_types: tuple[str, ...] = ()
    """Names of the node types of graphs; type 1 is the first, 0 is no node."""
    edge_types: tuple[str, ...] = ()
    """Names of the edge types of graphs; type 1 is the first, 0 is no edge."""


@dataclass(frozen=True)
class LatentCard:
    dim: int
    """Components of a latent."""
    stream: str
    """Name of the stream that maps (seed, index) to a latent."""


@dataclass(frozen=True)
class LabelCard:
    """The labels that a class-conditional model takes besides latents; empty for any other model."""

    classes: int = 0
    """Number of classes, 0 where samples are made of latents alone. The graph takes the place of a
    class, 0 to classes - 1; the data's class_names are in the order of the places."""
    stream: str = ""
    """Name of the stream that maps (seed, index) to a class where none is chosen."""
    numbers: tuple[int, ...] = ()
    """The data's own number of the class at each place, by which it is asked for; in files from before
    schema 1.3 empty, see `dropgan.serve.classes`."""
    counts: tuple[int, ...] = ()
    """Samples of the class at each place in the training data; empty if not counted."""
    column: str = ""
    """The table column that had the classes; empty if there was none."""

    def require_possible(self) -> None:
        """Refuse numbers and counts that no classes can have.

        Raises:
            ModelError: Their number differs from that of the classes, one is too large, or one is invalid.
        """
        classes, numbers, counts = self.classes, self.numbers, self.counts
        if not 0 <= classes <= MAX_CLASSES:
            raise ModelError("the model's card has an impossible number of classes")
        if numbers and not (
            len(set(numbers)) == len(numbers) == classes
            and min(numbers) >= 0
            and max(numbers) <= MAX_CLASS_NUMBER
        ):
            raise ModelError(
                "the model's card has class numbers that are too large, repeated, or not one for each class"
            )
        if counts and not (len(counts) == classes and min(counts) >= 0 and 1 <= sum(counts) <= MAX_COUNTED):
            raise ModelError("the model's card has class counts that are too large or not one for each class")


@dataclass(frozen=True)
class ArchitectureCard:
    name: str
    """The generator's architecture: ``mlp``, ``conv``, ``resnet``, or one that was registered."""
    parameters: int
    """Number of the generator's weights."""


@dataclass(frozen=True)
class DropoutCard:
    generator: float
    """Probability of dropping a unit of the generator in training."""
    discriminator: float
    """Probability of dropping a unit of the discriminator in training."""
    disabled: bool
    """True if the file is free of dropout; always true in a file that passed the gate."""


@dataclass(frozen=True)
class FeatureCard:
    """The pretrained feature network inside the discriminator; empty if it saw plain samples. Scores in the
    same network would flatter the model.
    """

    name: str = ""
    """Name as in the recipe."""
    fingerprint: str = ""
    """``sha256:`` and the digest of its weights."""
    about: str = ""
    """Description of the features."""


@dataclass(frozen=True)
class TrainingCard:
    recipe: str
    """Name of the recipe."""
    steps: int
    """Training steps of these weights."""
    seed: int
    """The run's seed."""
    ema: bool
    """True if the weights are the exponential moving average."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of dropgan and the libraries that trained it."""
    features: FeatureCard = FeatureCard()
    """Feature network of the discriminator."""


@dataclass(frozen=True)
class WitnessCard:
    """A few output values of the PyTorch generator, so that anyone can compare without PyTorch."""

    samples: int = 0
    """Number of samples, which are the stream's first ones with the comparison's seed."""
    stride: int = 1
    """Every ``stride``-th value of a sample is kept, in the order of the runtime's output."""
    values: str = ""
    """The values: base64 of uint8 for pixels, of little-endian float32 otherwise."""


@dataclass(frozen=True)
class ParityCard:
    """The certificate: the comparison with the PyTorch generator that the file has passed."""

    provider: str
    """The onnxruntime provider that was compared with PyTorch on the CPU in eval mode."""
    samples: int
    """Samples compared."""
    batches: tuple[int, ...]
    """Batch sizes at which they were compared."""
    max_difference: float
    """Largest difference seen, in units of the output: levels of 0 to 255 for pixels; for vectors a
    column's standard deviation plus 1/32 of its mean's size."""
    tolerance: float
    """Largest difference allowed."""
    mean_difference: float = 0.0
    """Mean absolute difference over all values of all samples, in the same units."""
    mean_tolerance: float = 0.0
    """Largest mean difference allowed; 0 in files from before it was kept."""
    seed: int = 0
    """Seed of the latents compared."""
    reference: str = ""
    """Reference of the comparison."""
    runtime: str = ""
    """The onnxruntime that ran the file."""
    digest: str = ""
    """``sha256:`` and the digest of the file without this card."""
    witness: WitnessCard = WitnessCard()
    """Values for comparison without PyTorch."""
    plain_samples: int = 0
    """Samples on which the graph as onnxruntime optimises it was compared with the graph as it stands
    in the file; 0 in files from before that was done."""
    plain_difference: float = 0.0
    """The largest difference between the two, in the same units."""


@dataclass(frozen=True)
class PriceCard:
    """The quality cost of a precision below float32; empty if nothing was scored."""

    score_name: str = ""
    """Name of the score, including its feature network."""
    score: float = 0.0
    """The score of this file."""
    score_fp32: float = 0.0
    """The score of the float32 file with the same weights and latents."""
    samples: int = 0
    """Number of generated samples for each."""
    reference: str = ""
    """The data both were compared with."""


@dataclass(frozen=True)
class SpeedCard:
    """The speed of an int8 file, measured where it was exported; empty for any other file."""

    times_fp32: float = 0.0
    """Speed relative to the float32 file with the same weights, on one thread."""
    processor: str = ""
    """The processor's instructions, such as ``AVX2 without VNNI``."""


@dataclass(frozen=True)
class ExportCard:
    opset: int
    """Version of the ONNX operator set."""
    precision: str
    """Arithmetic of the file: ``fp32``, ``fp16`` or ``int8``."""
    output: str
    """``pixels`` (uint8), ``float`` (float32, -1 to 1), ``vectors`` (float32 in their own units), or
    ``graphs`` (uint8)."""
    parity: ParityCard
    """The comparison with PyTorch."""
    clipped: bool = False
    """True if vectors are kept within the range of the training data."""
    rounded: bool = False
    """True if columns of whole numbers are rounded to whole numbers."""
    layout: str = ""
    """``nhwc``, ``nchw``, or ``rgb-nchw`` (grey repeated); empty: nhwc for pixels, nchw for float."""
    float_layers: tuple[str, ...] = ()
    """Layers left in float32 in an int8 file."""
    price: PriceCard = PriceCard()
    """Quality cost of the precision."""
    speed: SpeedCard = SpeedCard()
    """Speed of the file."""


@dataclass(frozen=True)
class ScoreCard:
    name: str
    """Name of the score, including its feature network: ``frechet_distance_domain``."""
    value: float
    """The score."""
    samples: int
    """Number of generated samples."""
    reference: str
    """The data it was compared with, and how many samples of it."""
    reference_samples: int = 0
    """Number of real samples; 0 if the score has none."""
    features: str = ""
    """The feature network: ``domain``, ``inception``, ``random``, ``fitted_`` and the name of the data that
    it was fitted to, or the name of a file."""
    fingerprint: str = ""
    """``sha256:`` and the digest of its weights: scores compare only where it is equal."""
    split: str = ""
    """Role of the real samples for the model: ``training``, ``held-out`` or ``other``."""
    mode: str = ""
    """Mode of the samples: ``deployed`` (this file), ``train`` (dropout acting) or ``real`` (held-out
    images in the samples' place)."""
    seed: int = 0
    """Seed of the latent stream, and of everything else that the score draws."""
    spread: float = 0.0
    """Standard deviation or error of the value."""
    spread_of: str = ""
    """Source of the spread, such as ``20 bootstrap draws``."""


@dataclass(frozen=True)
class Card:
    """Everything that a dropgan model file says about itself."""

    data: DataCard
    latents: LatentCard
    architecture: ArchitectureCard
    dropout: DropoutCard
    training: TrainingCard
    export: ExportCard
    scores: tuple[ScoreCard, ...] = ()
    """Scores of this file; empty if it was not evaluated."""
    labels: LabelCard = LabelCard()
    """Classes to choose from, in a class-conditional model."""
    schema: str = SCHEMA_VERSION
    """Version of this layout, ``major.minor``."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of a conditional model's classes; empty if there are none."""
        names = self.data.class_names
        return names if len(names) == self.labels.classes else ()

    def to_json(self) -> str:
        """Return the card as indented JSON, with null for numbers that are not finite."""
        return json_text(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Parse a card.

        Raises:
            ModelError: The text is not a card, a key is missing, a value has the wrong type, or the
                card's major version is not known.
        """
        try:
            raw = parse_json(text)
        except ValueError as error:
            raise ModelError(f"the model's card is not valid JSON ({error})") from error
        if not isinstance(raw, dict) or not isinstance(raw.get("schema"), str):
            raise ModelError("the model's card is not an object with a schema version")
        if raw["schema"].partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise ModelError(
                f"the model's card has schema version {raw['schema'][:80]}, this dropgan reads"
                f" {SCHEMA_VERSION}: upgrade dropgan, or export the model again with this version"
            )
        card: Card = _read(cls, raw, "card")
        if card.latents.dim < 1 or not card.data.shape or min(card.data.shape) < 1:
            raise ModelError("the model's card has an empty latent or sample shape")
        card.labels.require_possible()
        return card


def _read(kind: Any, value: Any, where: str) -> Any:
    """Convert ``value`` strictly to the type of the annotation ``kind``."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ModelError(f"{where} is not an object")
        hints = typing.get_type_hints(kind)
        known: dict[str, Any] = {}
        for entry in dataclasses.fields(kind):
            if entry.name in value:
                known[entry.name] = _read(hints[entry.name], value[entry.name], f"{where}.{entry.name}")
            elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
                raise ModelError(f"{where} has no {entry.name}")
        return typing.cast(Any, kind)(**known)
    if origin is tuple:
        if not isinstance(value, list):
            raise ModelError(f"{where} is not a list")
        item = typing.get_args(kind)[0]
        return tuple(_read(item, entry, f"{where}[{place}]") for place, entry in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ModelError(f"{where} is not an object")
        item = typing.get_args(kind)[1]
        return {str(key): _read(item, entry, f"{where}.{key}") for key, entry in value.items()}
    if origin is types.UnionType:
        raise TypeError(f"cards have no unions ({where})")
    if kind is float:
        value = _as_float(value)
    fits = isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))
    if not fits:
        raise ModelError(f"{where} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _as_float(value: Any) -> Any:
    """Return a JSON number as a float, and anything else unchanged."""
    if value is None:
        return math.nan
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
