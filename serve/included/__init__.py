"""Models that come with dropgan, by name. The light runtime does not include them."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def included_names() -> list[str]:
    """Return the names of the included models, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob("*.onnx"))


def included_model(path: Path) -> Path | None:
    """Return the file of the included model with this name, or None if there is no such model.

    Callers look for a file at ``path`` first, because an existing file takes precedence.
    """
    name = path.name
    return _FOLDER / f"{name}.onnx" if path == Path(name) and name in included_names() else None
