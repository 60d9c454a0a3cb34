"""Registries of named objects, one per module of a package, imported on demand."""

from importlib import import_module
from types import ModuleType
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """The objects that the modules of one package define, and those that a program adds.

    The name of a module is the name of its object. No list of modules exists: a new file is enough.
    """

    def __init__(self, package: ModuleType | str, attribute: str) -> None:
        """Create the registry without importing anything.

        Args:
            package: The package whose modules hold the objects, or its name.
            attribute: Name of the object in each module.
        """
        self._package = package if isinstance(package, str) else package.__name__
        self._attribute = attribute
        self._known: dict[str, T] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all objects, in alphabetical order."""
        import pkgutil  # slow to import, and only help texts and errors ask

        modules = pkgutil.iter_modules(import_module(self._package).__path__)
        return tuple(sorted({module.name for module in modules} | self._known.keys()))

    def get(self, name: str) -> T | None:
        """Return the object with this name, or None. Untrusted names are safe: they reach nothing else."""
        if name not in self._known:
            if not name.isidentifier() or name.startswith("_"):
                return None
            path = f"{self._package}.{name}"
            try:
                self._known[name] = getattr(import_module(path), self._attribute)
            except ModuleNotFoundError as error:
                if error.name != path:
                    raise
                return None
        return self._known[name]

    def register(self, thing: T) -> T:
        """Add an object from outside the package, and return it.

        Raises:
            ValueError: Another object has the same name.
        """
        if self.get(thing.name) is not None:
            raise ValueError(f"there is already a {thing.name}")
        self._known[thing.name] = thing
        return thing
