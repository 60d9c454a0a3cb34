"""What is known of a value in a graph before anything runs, and how the shape rules ask for it."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from .onnx_file import Node, Tensor

Shape = tuple[int, ...]

MAX_RANK = 8
MAX_NUMBERS = 64


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one value."""

    shape: Shape
    varies: bool = False
    """Whether it depends on an input; what does not is computed once, when the file is opened."""
    numbers: NDArray[Any] | None = None
    """The value itself where it is a small constant, as shapes and axes are."""


Inputs = list[Known | None]
"""What a node takes in; None where an input is left out."""


def constant(tensor: Tensor) -> Known:
    """A tensor of the file as a value.

    Raises:
        ModelError: Its numbers cannot be read.
    """
    return Known(tensor.dims, numbers=tensor.array() if tensor.size <= MAX_NUMBERS else None)


def need(condition: object) -> None:
    """Insist, whatever the interpreter's options do to assert statements.

    Raises:
        ValueError: The condition does not hold.
    """
    if not condition:
        raise ValueError


def value_of(inputs: Inputs, place: int) -> Known:
    """The input at ``place``; raises where it is left out."""
    value = inputs[place]
    if value is None:
        raise ValueError
    return value


def shape_of(inputs: Inputs, place: int) -> Shape:
    """The shape of the input at ``place``; raises where it is left out."""
    return value_of(inputs, place).shape


def optional_numbers(inputs: Inputs, place: int) -> list[int] | None:
    """The numbers of an input, None where it is left out; raises where they are not known."""
    value = inputs[place] if place < len(inputs) else None
    if value is None:
        return None
    if value.numbers is None:
        raise ValueError
    return [int(number) for number in value.numbers.reshape(-1)]


def numbers_of(inputs: Inputs, place: int) -> list[int]:
    """The numbers of an input; raises where it is left out or they are not known."""
    numbers = optional_numbers(inputs, place)
    if numbers is None:
        raise ValueError
    return numbers


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front; raises where there is none such."""
    if not -rank <= axis < rank:
        raise ValueError
    return axis % rank


def integer(node: Node, name: str, default: int) -> int:
    """An integer attribute."""
    return int(node.attributes.get(name, default))


def integers(node: Node, name: str) -> list[int]:
    """A list attribute; raises where it is absent."""
    return [int(number) for number in node.attributes[name]]
