"""How each kind of data is exported: a module's name is the kind's name, and its `DEPLOYMENT` the object."""

from dropgan.serve.registry import Registry

from ..deployment import Deployment
from ..errors import ExportError

DEPLOYMENTS: Registry[Deployment] = Registry(__name__, "DEPLOYMENT")  # pyright: ignore[reportInvalidTypeArguments]


def deployment(kind: str) -> Deployment:
    """Return the export's side of a kind, by ``data.kind`` of a checkpoint or a card.

    Raises:
        ExportError: There is no such kind.
    """
    found = DEPLOYMENTS.get(kind)
    if found is None:
        raise ExportError(f"no file can hold data of kind {kind[:80]!r}: upgrade dropgan")
    return found
