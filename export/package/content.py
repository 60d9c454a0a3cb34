"""The common content of both kinds of package: a picture of samples, and a text made from the card."""

import importlib.metadata

from dropgan.serve import Card, Generator
from dropgan.serve.kind import PICTURES
from dropgan.serve.kinds import kind_of
from dropgan.serve.pictures import encode_png, grid

from .details import Details
from .text import line, markdown

_MOST_NAMES = 50
_GRID = 32
_COLUMNS = 8
_SEED = 0


def samples_png(generator: Generator) -> bytes | None:
    """Return a grid of the first samples of seed 0, or None if the model's samples are not pictures."""
    card = generator.card
    kind = kind_of(card)
    if kind.lacks(card, PICTURES):
        return None
    pictures = kind.pictures(generator.sample(_GRID, seed=_SEED))
    return encode_png(grid(pictures, _COLUMNS, scale=max(1, 56 // max(pictures.shape[1:3]))))


def summary(card: Card, details: Details) -> str:
    """Return one line about the package."""
    shape = " x ".join(map(str, card.data.shape))
    return line(details.summary or f"A generator of {shape} {card.data.kind}, trained on {card.data.name}.")


def readme(card: Card, details: Details, usage: str, picture: str | None) -> str:
    """Return the package's README in Markdown.

    Args:
        card: Card of the model.
        details: Details of the package.
        usage: Markdown with the commands to install and the first lines of code.
        picture: Address of the picture of samples; None omits it.
    """
    parity, training = card.export.parity, card.training
    facts = [
        ("samples", f"{' x '.join(map(str, card.data.shape))} {card.data.kind} ({card.export.output})"),
        ("trained on", f"{card.data.name}, {card.data.samples:,} samples"),
        ("classes to choose from", _classes(card)),
        ("network", f"{card.architecture.name}, {card.architecture.parameters:,} weights"),
        ("latents", f"{card.latents.dim}, stream {card.latents.stream}"),
        (
            "dropout",
            f"{card.dropout.generator:g} in the generator and {card.dropout.discriminator:g} in the"
            " discriminator while training; none in this package",
        ),
        ("training", f"recipe {training.recipe}, {training.steps:,} steps, seed {training.seed}"),
        ("precision", f"{card.export.precision}, ONNX opset {card.export.opset}"),
        (
            "proof",
            f"largest difference from the PyTorch generator {parity.max_difference:g} over"
            f" {parity.samples:,} samples",
        ),
        *(
            (score.name, f"{score.value:.4g} ({score.samples:,} samples against {score.reference})")
            for score in card.scores
        ),
    ]
    table = "\n".join(f"| {markdown(name)} | {markdown(text)} |" for name, text in facts if text)
    author = f" by {markdown(details.author)}" if details.author else ""
    parts = [
        f"# {details.name}",
        markdown(summary(card, details)),
        f"![Samples 0 to {_GRID - 1} of seed {_SEED}]({picture})" if picture else "",
        usage.strip(),
        "Sample *i* of seed *s* is always the same, whatever else is asked for; it depends on the model,"
        " *s* and *i* alone.",
        f"## The model\n\n| | |\n|---|---|\n{table}",
        f"## Licence\n\n{details.license}{author}. Runs on dropgan"
        f" {importlib.metadata.version('dropgan')} (Apache-2.0).",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _classes(card: Card) -> str:
    """Return a text about the classes of a conditional model; empty without classes."""
    more = ", ..." if len(card.class_names) > _MOST_NAMES else ""
    names = ", ".join(card.class_names[:_MOST_NAMES]) + more
    return f"{card.labels.classes}{f': {names}' if names else ''}" if card.labels.classes else ""
