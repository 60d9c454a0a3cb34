"""The kinds of data, one per module: the module's name is the kind's name, and its `KIND` the kind."""

from ..card import Card
from ..errors import ModelError
from ..kind import Kind, Output
from ..registry import Registry

KINDS: Registry[Kind] = Registry(__name__, "KIND")  # pyright: ignore[reportInvalidTypeArguments]


def kind_of(card: Card) -> Kind:
    """Return the kind of a model's samples.

    Raises:
        ModelError: The runtime does not know the kind.
    """
    kind = KINDS.get(card.data.kind)
    if kind is None:
        raise ModelError(f"the model's card has samples of kind {card.data.kind[:80]!r}: upgrade dropgan")
    return kind


def output_of(card: Card) -> Output:
    """Return the output of a model's file.

    Raises:
        ModelError: The runtime does not know the kind or the output.
    """
    output = kind_of(card).outputs.get(card.export.output)
    if output is None:
        raise ModelError(
            f"the model's card has {card.data.kind} and an unknown output {card.export.output[:80]!r}:"
            " upgrade dropgan"
        )
    return output
