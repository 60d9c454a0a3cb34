"""The facts known about a graph's values before it runs, and how the shape rules read them."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from .onnx_file import Node, Tensor

Shape = tuple[int, ...]

MAX_RANK = 8
MAX_NUMBERS = 64


@dataclass(frozen=True, slots=True)
class Known:
    """The known facts about one value."""

    shape: Shape
    varies: bool = False
    """True if it depends on an input. Other values are computed once, when the file is opened."""
    numbers: NDArray[Any] | None = None
    """The value itself if it is a small constant, such as a shape or axes."""


Inputs = list[Known | None]
"""Inputs of a node; None for an omitted input."""


def constant(tensor: Tensor) -> Known:
    """Return a tensor of the file as a known value.

    Raises:
        ModelError: Its numbers cannot be read.
    """
    return Known(tensor.dims, numbers=tensor.array() if tensor.size <= MAX_NUMBERS else None)


def need(condition: object) -> None:
    """Raise unless ``condition`` is true, even if the interpreter ignores assert statements.

    Raises:
        ValueError: The condition does not hold.
    """
    if not condition:
        raise ValueError


def value_of(inputs: Inputs, place: int) -> Known:
    """Return the input at ``place``; raise if it is omitted."""
    value = inputs[place]
    if value is None:
        raise ValueError
    return value


def shape_of(inputs: Inputs, place: int) -> Shape:
    """Return the shape of the input at ``place``; raise if it is omitted."""
    return value_of(inputs, place).shape


def optional_numbers(inputs: Inputs, place: int) -> list[int] | None:
    """Return the numbers of an input, or None if it is omitted; raise if they are not known."""
    value = inputs[place] if place < len(inputs) else None
    if value is None:
        return None
    if value.numbers is None:
        raise ValueError
    return [int(number) for number in value.numbers.reshape(-1)]


def numbers_of(inputs: Inputs, place: int) -> list[int]:
    """Return the numbers of an input; raise if it is omitted or they are not known."""
    numbers = optional_numbers(inputs, place)
    if numbers is None:
        raise ValueError
    return numbers


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the front; raise if there is no such axis."""
    if not -rank <= axis < rank:
        raise ValueError
    return axis % rank


def integer(node: Node, name: str, default: int) -> int:
    """Return an integer attribute."""
    return int(node.attributes.get(name, default))


def integers(node: Node, name: str) -> list[int]:
    """Return a list attribute; raise if it is absent."""
    return [int(number) for number in node.attributes[name]]
