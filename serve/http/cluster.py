"""Run the service on a Ray cluster: replicas of the same application behind Ray's proxies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, MissingExtraError
from ..generator import Generator
from .limits import Limits
from .models import Model, Models, load_models

__all__ = ["deployment"]


def deployment(
    paths: Sequence[Path | str],
    *,
    replicas: int = 2,
    cpus: float = 1.0,
    key: str | None = None,
    cors: Sequence[str] = (),
    limits: Limits | None = None,
) -> Any:
    """Return a Ray Serve application, for ``serve.run`` or ``serve run``.

    Every replica is the application of `create_app`, with the same addresses, bytes, limits and errors. The
    models are sent to the nodes, so only the node that deploys needs the files.

    Args:
        paths: Model files, or folders of them.
        replicas: Number of processes. Ray places them on nodes and replaces those that die.
        cpus: Cores per replica, which is also its number of onnxruntime threads (at least 1).
        key: Bearer key, see `create_app`.
        cors: Origins whose pages may call the service.
        limits: Limits of requests to one replica.

    Returns:
        A ``ray.serve.Application``.

    Raises:
        MissingExtraError: Ray Serve is not installed.
        InputError: ``replicas`` is below 1, or a model's name cannot be part of an address.
        ModelError: A file cannot be loaded.
    """
    try:
        from ray import serve  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("a cluster needs Ray Serve: pip install 'ray[serve]'") from error
    if replicas < 1:
        raise InputError(f"replicas must be at least 1, not {replicas}")
    bounds, threads = limits or Limits(), max(1, int(cpus))
    loaded = load_models([Path(path) for path in paths], device="cpu", threads=threads)
    files = [(model.name, model.digest, model.generator.model_bytes) for model in loaded]

    def application() -> Any:
        from .app import create_app

        models = [
            Model(name, digest, Generator(content, device="cpu", threads=threads))
            for name, digest, content in files
        ]
        return create_app(Models(models), limits=bounds, key=key, cors=cors)

    @serve.deployment(
        name="dropgan",
        num_replicas=replicas,
        ray_actor_options={"num_cpus": cpus},
        # the queue of a replica is its own, which refuses with Retry-After: Ray need not have another
        max_ongoing_requests=2 * bounds.queue,
        health_check_period_s=2,
        health_check_timeout_s=10,
    )
    @serve.ingress(application)
    class Samples:
        """One replica."""

    application_of: Any = Samples
    return application_of.bind()
