"""The certificate in a card, and the checks that can be repeated without PyTorch."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import METADATA_KEY, WitnessCard
from dropgan.serve.classes import UNIFORM
from dropgan.serve.kinds import kind_of, output_of
from dropgan.serve.loading import digest_without

from .inputs import Inputs
from .kinds import deployment
from .sessions import optimised_difference
from .tolerances import optimised_tolerance

WITNESS_SAMPLES = 16
_WITNESS_BYTES = 4096
_MOST_SAMPLES = 256  # that a card of somebody else's may ask for
_PLAIN_SAMPLES = 64
_SCATTER = 2  # a mean over a few samples is within this many times what is allowed over all


@dataclass(frozen=True)
class Recheck:
    """Result of repeating the certificate's checks.

    Attributes:
        digest: True if the file is the one that was compared, byte for byte; None if the card has no digest.
        witness_values: Number of PyTorch's stored values that were compared; 0 if the card has none.
        witness_difference: Largest difference from them on this machine, in units of the output.
        witness_mean: Mean difference.
        plain_difference: Largest difference between the graph that onnxruntime optimises for this
            processor and the graph in the file.
        values_agree: True if values on this machine are as close to PyTorch's as the card says.
        plain_agrees: True if the optimised graph gives the results of the graph in the file.
        batches_agree: True if the first samples are equal bit for bit at batches of 1, 3 and all.
        passed: True if nothing contradicts the card.
        not_checked: Checks that need PyTorch, the data, or another machine, one line each.
    """

    digest: bool | None
    witness_values: int
    witness_difference: float
    witness_mean: float
    plain_difference: float
    values_agree: bool
    plain_agrees: bool
    batches_agree: bool
    passed: bool
    not_checked: tuple[str, ...]


def make_witness(values: NDArray[Any]) -> WitnessCard:
    """Store a few values of the PyTorch generator's first samples.

    Args:
        values: uint8 or float32 [n, ...], in the layout of `Generator.sample`.
    """
    rows = values[:WITNESS_SAMPLES].reshape(min(len(values), WITNESS_SAMPLES), -1)
    stride = max(1, -(-rows.nbytes // _WITNESS_BYTES)) | 1  # odd, so that it meets every column
    kept = np.ascontiguousarray(rows[:, ::stride])
    text = base64.b64encode(kept.astype(kept.dtype.newbyteorder("<")).tobytes()).decode()
    return WitnessCard(len(rows), stride, text)


def recheck(model: bytes, generator: Generator) -> Recheck:
    """Repeat the certificate's checks that need only numpy and onnxruntime.

    Args:
        model: The file's bytes.
        generator: The generator opened from them on the CPU.
    """
    card = generator.card
    kind = kind_of(card)
    parity = card.export.parity
    digest = None
    if parity.digest:
        digest = parity.digest == digest_without(model, METADATA_KEY)
    kept = _witness_values(parity.witness, np.dtype(output_of(card).dtype).newbyteorder("<"))
    count = min(max(parity.witness.samples, 1), _MOST_SAMPLES)
    drawn = UNIFORM if generator.classes else None  # as `Inputs` draws labels for the comparison
    made = [
        generator.sample(count, seed=parity.seed, labels=drawn, batch_size=batch) for batch in (1, 3, count)
    ]
    difference, mean, compared = 0.0, 0.0, 0
    if kept is not None:
        here = made[-1].reshape(count, -1)[:, :: parity.witness.stride].astype(np.float64)
        compared = here.size if here.size == kept.size else 0
        difference = np.inf
        if compared:
            every = parity.witness.stride
            apart = kind.apart(card, here, kept.reshape(here.shape), every) / kind.step(card)[::every]
            difference, mean = float(apart.max(initial=0)), float(apart.mean())
    feed = Inputs(card.latents.dim, card.labels.classes)(_PLAIN_SAMPLES, seed=parity.seed)
    plain = optimised_difference(model, feed, kind.step(card), kind.rounded(card))
    plain_agrees = plain <= optimised_tolerance(
        deployment(card.data.kind).tolerances, card.export.precision, card.export.output
    )
    most = _SCATTER * parity.mean_tolerance or np.inf
    values_agree = difference <= parity.tolerance and mean <= most
    agree = all(np.array_equal(one, made[-1]) for one in made)
    not_checked = [
        f"the comparison with PyTorch on all {parity.samples:,} samples: export the run again",
        "what the card says of data, recipe and training: only the run directory can tell",
    ]
    if card.scores or card.export.price.score_name:
        not_checked.append("the scores: dropgan evaluate measures them again")
    if kept is None:
        not_checked.append("the pixels against PyTorch's: the card keeps none of PyTorch's values")
    return Recheck(
        digest=digest,
        witness_values=compared,
        witness_difference=difference,
        witness_mean=mean,
        plain_difference=plain,
        batches_agree=agree,
        values_agree=values_agree,
        plain_agrees=plain_agrees,
        passed=digest is not False and values_agree and plain_agrees and agree,
        not_checked=tuple(not_checked),
    )


def _witness_values(witness: WitnessCard, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    if not witness.values or witness.stride < 1 or not 1 <= witness.samples <= _MOST_SAMPLES:
        return None
    try:
        values = np.frombuffer(base64.b64decode(witness.values, validate=True), dtype=dtype)
    except (binascii.Error, ValueError):
        return np.full(1, np.inf)  # matches nothing
    return values.astype(np.float64)
