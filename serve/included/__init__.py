"""Models that come with dropgan, by name. The light runtime comes without them."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def included_names() -> list[str]:
    """Names of the models that are here, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.onnx"))


def included_model(path: Path) -> Path | None:
    """The file of the model whose name is given in place of a path; None if there is no such model.

    Whoever calls it has looked for the path first: a file of that name is meant where there is one.
    """
    name = path.name
    return _FOLDER / f"{name}.onnx" if path == Path(name) and name in included_names() else None
