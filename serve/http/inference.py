"""The Open Inference Protocol v2: models by name, samples by seed and index or from latents."""

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import dropgan

from ..errors import InputError
from ..kinds import kind_of
from ..latents import MAX_INDEX
from ..seeds import seed_number
from .addresses import NotFound
from .answers import TooLargeError
from .batching import TooSlowError
from .limits import Limits
from .models import Model, Models
from .openapi import FAILURES, failures
from .tensors import NAMES, read_request, write_response

if TYPE_CHECKING:
    from fastapi import FastAPI

_VERSION = "1"
_OPEN, _NAMED = failures(401), failures(401, 404, 422)


def add_inference(app: "FastAPI", models: Models, limits: Limits) -> None:
    """Add ``/v2`` to a FastAPI application."""
    from fastapi import Request, Response
    from fastapi.concurrency import run_in_threadpool

    @app.get("/v2", tags=["inference"], summary="What this server is", responses=_OPEN)
    async def server() -> dict[str, Any]:
        return {"name": "dropgan", "version": dropgan.__version__, "extensions": ["binary_tensor_data"]}

    @app.get(
        "/v2/health/live", tags=["inference"], summary="Whether the server answers", responses=failures(401)
    )
    async def live() -> dict[str, bool]:
        return {"live": True}

    @app.get(
        "/v2/health/ready",
        tags=["inference"],
        summary="Whether all can be used",
        responses=failures(401),
    )
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.get(
        "/v2/models/{name}/ready", tags=["inference"], summary="Whether it can be used", responses=_NAMED
    )
    @app.get("/v2/models/{name}/versions/{version}/ready", include_in_schema=False)
    async def model_ready(name: str, version: str = _VERSION) -> dict[str, Any]:
        return {"name": _named(models, name, version).name, "ready": True}

    @app.get("/v2/models/{name}", tags=["inference"], summary="Its inputs and outputs", responses=_NAMED)
    @app.get("/v2/models/{name}/versions/{version}", include_in_schema=False)
    async def metadata(name: str, version: str = _VERSION) -> dict[str, Any]:
        return _metadata(_named(models, name, version))

    @app.post(
        "/v2/models/{name}/infer",
        tags=["inference"],
        summary="Samples by seed and index, or from latents",
        responses=FAILURES | {200: {"content": {"application/json": {}, "application/octet-stream": {}}}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"type": "object", "required": ["inputs"]}},
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                },
            }
        },
    )
    @app.post("/v2/models/{name}/versions/{version}/infer", include_in_schema=False)
    async def infer(request: Request, name: str, version: str = _VERSION) -> Response:
        model = _named(models, name, version)
        body = await request.body()
        header = request.headers.get("inference-header-content-length")
        try:
            async with asyncio.timeout(limits.seconds):
                made, headers = await run_in_threadpool(_infer, model, body, header, limits)
        except TimeoutError as error:
            raise TooSlowError(f"no answer within {limits.seconds:g} seconds") from error
        return Response(made, headers=headers)


def _named(models: Models, name: str, version: str) -> Model:
    model = models.named(name) or models.exact(name)
    if model is None or version != _VERSION:
        raise NotFound(f"there is no model {name[:80]!r} of version {version[:20]!r}")
    return model


def output_name(model: Model) -> str:
    """Return the name of the output, which is the kind of samples."""
    return kind_of(model.generator.card).name


def _metadata(model: Model) -> dict[str, Any]:
    generator = model.generator
    inputs = [("seed", "UINT64", [-1]), ("index", "UINT64", [-1])]
    inputs.append(("latents", "FP32", [-1, generator.card.latents.dim]))
    if generator.classes:
        inputs.append(("labels", "INT64", [-1]))
    shape = [-1, *generator.sample_shape]
    outputs = [(output_name(model), NAMES[generator.sample_dtype.newbyteorder("<")], shape)]
    return {
        "name": model.name,
        "versions": [_VERSION],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in inputs],
        "outputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in outputs],
        "parameters": {"digest": model.digest},
    }


def _infer(model: Model, body: bytes, header: str | None, limits: Limits) -> tuple[bytes, dict[str, str]]:
    request, inputs = read_request(body, header)
    name = output_name(model)
    binary = _wants_binary(request, name)
    samples = _samples(model, inputs, limits)
    response: dict[str, Any] = {"model_name": model.name, "model_version": _VERSION}
    if isinstance(request.get("id"), str):
        response["id"] = request["id"][:200]
    return write_response(response, name, samples, binary=binary)


def _wants_binary(request: dict[str, Any], name: str) -> bool:
    parameters = request.get("parameters")
    binary = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    outputs = request.get("outputs")
    if outputs is None:
        return binary
    if (
        not isinstance(outputs, list)
        or len(outputs) != 1
        or not isinstance(outputs[0], dict)
        or outputs[0].get("name") != name
    ):
        raise InputError(f"this model has one output, {name}")
    parameters = outputs[0].get("parameters")
    asked = parameters.get("binary_data") if isinstance(parameters, dict) else None
    return binary if asked is None else asked is True


def _samples(model: Model, inputs: dict[str, NDArray[Any]], limits: Limits) -> NDArray[Any]:
    generator = model.generator
    known = {"seed", "index", "latents"} | ({"labels"} if generator.classes else set())
    unknown = sorted(inputs.keys() - known)
    if unknown:
        raise InputError(
            f"this model has no input {', '.join(map(repr, unknown))}: {', '.join(sorted(known))}"
        )
    labels = inputs.get("labels")
    if labels is not None and (labels.ndim != 1 or labels.dtype.kind not in "iu"):
        raise InputError("labels must be whole numbers of shape [n]")
    if "latents" in inputs:
        if "index" in inputs or "seed" in inputs:
            raise InputError("send latents, or seed and index, not both")
        latents = inputs["latents"]
        _bound(len(latents) if latents.ndim else 0, limits)
        if latents.dtype.kind != "f" or not np.isfinite(latents).all():
            raise InputError("latents must be finite FP32 numbers")
        return generator(latents.astype(np.float32), labels)
    if "index" not in inputs:
        raise InputError("send index (and seed), or latents")
    index = inputs["index"]
    if index.ndim != 1 or index.dtype.kind not in "iu" or not len(index):
        raise InputError("index must be whole numbers of shape [n], n at least 1")
    count = len(index)
    _bound(count, limits)
    places = [int(value) for value in index]
    if min(places) < 0 or max(places) > MAX_INDEX:
        raise InputError(f"an index must be 0 to {MAX_INDEX}")
    seeds = _seeds(inputs.get("seed"), count)
    if labels is not None and len(labels) != count:
        raise InputError(f"{count} indices and {len(labels)} labels: send as many of both")
    made = [
        generator.sample(1, seed=seed, start=place, labels=None if labels is None else int(labels[i]))
        for i, (seed, place) in enumerate(zip(seeds, places, strict=True))
    ]
    return np.concatenate(made)


def _seeds(seed: NDArray[Any] | None, count: int) -> list[int]:
    if seed is None:
        return [0] * count
    if seed.ndim != 1 or len(seed) not in (1, count):
        raise InputError("send one seed for all samples, or one for each")
    if seed.dtype == object:
        try:
            found = [seed_number(text.decode("utf-8")) for text in seed]
        except UnicodeDecodeError as error:
            raise InputError("a seed must be UTF-8") from error
    elif seed.dtype.kind in "iu":
        found = [int(value) for value in seed]
        if min(found) < 0:
            raise InputError("a seed must be 0 to 2**64 - 1, or text")
    else:
        raise InputError("seed must be UINT64 or BYTES")
    return found * count if len(found) == 1 else found


def _bound(count: int, limits: Limits) -> None:
    if count > limits.post_samples:
        raise TooLargeError(f"at most {limits.post_samples:,} samples a request, not {count:,}")
