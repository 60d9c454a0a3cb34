"""Registries of objects by name, from which a recipe chooses."""

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from pydantic_core import PydanticCustomError

from .settings import RecipeError


class Named(Protocol):
    """Any object with a name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Objects by name, in the order in which they were registered.

    A recipe can choose anything that is registered before it is read. Nothing else needs to know about it.
    """

    def __init__(self, kind: str, *things: T) -> None:
        """Start with the objects that come with dropgan.

        Args:
            kind: The word for one object in messages.
            things: The first objects.
        """
        self._kind = kind
        self._things: dict[str, T] = {}
        for thing in things:
            self.register(thing)

    def register(self, thing: T) -> T:
        """Add an object, and return it.

        Raises:
            ValueError: Another object has the same name.
        """
        if self._things.setdefault(thing.name, thing) is not thing:
            raise ValueError(f"{self._kind} {thing.name} exists already")
        return thing

    def __getitem__(self, name: str) -> T:
        """Return the object of that name.

        Raises:
            RecipeError: There is none. The message lists the existing names.
        """
        try:
            return self._things[name]
        except KeyError:
            known = ", ".join(self._things)
            raise RecipeError(f"there is no {self._kind} {name}: use one of {known}") from None

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())

    def require_known(self, name: str) -> str:
        """Return the name if it exists. For pydantic, as ``AfterValidator``."""
        return require_among(self._things, name)


def require_among(names: Iterable[str], name: str) -> str:
    """Return the name if it is in ``names``; the error lists them like that of a Literal. For pydantic."""
    *first, last = map(repr, names)
    if repr(name) not in (*first, last):
        known = f"{', '.join(first)} or {last}" if first else last
        raise PydanticCustomError("unknown_name", "Input should be {known}", {"known": known})
    return name
