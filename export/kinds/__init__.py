"""How each kind of data leaves in a file: a module's name is the kind's, its `DEPLOYMENT` the object."""

from dropgan.serve.registry import Registry

from ..deployment import Deployment
from ..errors import ExportError

DEPLOYMENTS: Registry[Deployment] = Registry(__name__, "DEPLOYMENT")  # pyright: ignore[reportInvalidTypeArguments]


def deployment(kind: str) -> Deployment:
    """How a kind leaves in a file, by ``data.kind`` of a checkpoint or of a card.

    Raises:
        ExportError: There is no such kind.
    """
    found = DEPLOYMENTS.get(kind)
    if found is None:
        raise ExportError(f"no file can hold data of kind {kind[:80]!r}: upgrade dropgan")
    return found
