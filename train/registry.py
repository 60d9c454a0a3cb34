"""Things of one kind by name, from which a recipe chooses."""

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from pydantic_core import PydanticCustomError

from .settings import RecipeError


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Things by their names, in the order in which they came.

    What is registered before a recipe is read can be chosen in it; nothing else has to know.
    """

    def __init__(self, kind: str, *things: T) -> None:
        """Begin with what comes with dropgan.

        Args:
            kind: What one of them is called in messages.
            things: The first ones.
        """
        self._kind = kind
        self._things: dict[str, T] = {}
        for thing in things:
            self.register(thing)

    def register(self, thing: T) -> T:
        """Add one, and return it.

        Raises:
            ValueError: There is another one of its name.
        """
        if self._things.setdefault(thing.name, thing) is not thing:
            raise ValueError(f"{self._kind} {thing.name} exists already")
        return thing

    def __getitem__(self, name: str) -> T:
        """The one of that name.

        Raises:
            RecipeError: There is none; the names that there are are listed.
        """
        try:
            return self._things[name]
        except KeyError:
            known = ", ".join(self._things)
            raise RecipeError(f"there is no {self._kind} {name}: use one of {known}") from None

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())

    def require_known(self, name: str) -> str:
        """For pydantic, as ``AfterValidator``: the name itself if there is one of that name."""
        return require_among(self._things, name)


def require_among(names: Iterable[str], name: str) -> str:
    """For pydantic: the name itself if it is among those; the error lists them as that of a Literal does."""
    *first, last = map(repr, names)
    if repr(name) not in (*first, last):
        known = f"{', '.join(first)} or {last}" if first else last
        raise PydanticCustomError("unknown_name", "Input should be {known}", {"known": known})
    return name
