"""The ASGI application: the addresses of samples, and the other routes of the service."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from ..errors import DropganError, MissingExtraError
from .answers import send_error, status_of
from .batching import BusyError
from .gate import BEGINS, Gate
from .limits import Limits
from .metrics import Metrics
from .models import RESERVED, Model, Models
from .samples import SampleRoutes

_RESERVED = frozenset(name.encode() for name in RESERVED)


def create_app(
    models: Models,
    *,
    limits: Limits | None = None,
    key: str | None = None,
    cors: Sequence[str] = (),
) -> Any:
    """Return the service as an ASGI application, for uvicorn or to mount into another application.

    Args:
        models: The models to serve, see `load_models`.
        limits: Limits of requests; None uses the defaults.
        key: Bearer key that every route except health requires; None requires none.
        cors: Origins whose pages may call the service; none by default.

    Returns:
        An ASGI application.

    Raises:
        MissingExtraError: FastAPI or prometheus_client is not installed.
    """
    try:
        from fastapi import FastAPI, Request, Response
        from fastapi.exceptions import RequestValidationError
        from fastapi.responses import JSONResponse
        from starlette.exceptions import HTTPException as StarletteError
    except ImportError as error:
        raise MissingExtraError("the service needs pip install 'dropgan[server]'") from error
    from .inference import add_inference
    from .openapi import describe, failures
    from .posting import add_posting
    from .studio import add_studio

    limits = limits or Limits()
    metrics, samples = Metrics(), SampleRoutes(models, limits)
    for model in models:
        metrics.waiting(model.name, samples.batcher(model).__len__)

    @contextlib.asynccontextmanager
    async def life(_: Any) -> AsyncIterator[dict[str, Any]]:
        yield {BEGINS: gate.begin}
        samples.close()

    sick = failures(500, 503, 504)
    app = FastAPI(title="dropgan", lifespan=life, openapi_url="/openapi.json", redoc_url=None, docs_url=None)

    @app.exception_handler(DropganError)
    async def said(_: Request, error: DropganError) -> Response:
        return JSONResponse({"error": str(error)}, status_of(error), _after(error))

    @app.exception_handler(StarletteError)
    async def refused(_: Request, error: StarletteError) -> Response:
        # of a body that is too large or too slow the rest may still be under way
        headers = {"connection": "close"} if error.status_code in (408, 413) else dict(error.headers or {})
        status = 422 if error.status_code == 400 else error.status_code  # a body that is no text is no JSON
        return JSONResponse({"error": str(error.detail)}, status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return JSONResponse({"error": _first(error.errors())}, 422)

    @app.get("/healthz", tags=["health"], summary="Whether this process makes samples", responses=sick)
    async def healthz() -> dict[str, str]:
        for model in models:
            with contextlib.suppress(BusyError):  # busy is alive
                await _probe(samples, model)
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"], summary="Whether every model has just made a sample", responses=sick)
    async def readyz() -> dict[str, Any]:
        for model in models:
            await _probe(samples, model)
        return {"status": "ready", "models": [model.name for model in models]}

    text: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

    @app.get(
        "/metrics",
        tags=["health"],
        summary="Counters for Prometheus",
        response_class=Response,
        responses=failures(401) | text,
    )
    async def prometheus() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/models", tags=["models"], summary="The models that are served", responses=failures(401))
    async def listed() -> list[dict[str, Any]]:
        return [model.summary() for model in models]

    add_studio(app)
    add_inference(app, models, limits)
    add_posting(app, models, limits)
    describe(app, models)

    gate = Gate(_Routed(app, samples), limits=limits, metrics=metrics, begin=samples.begin, key=key)
    if not cors:
        return gate
    from starlette.middleware.cors import CORSMiddleware

    methods = ("GET", "HEAD", "POST")
    application: Any = gate
    return CORSMiddleware(application, allow_origins=list(cors), allow_methods=methods, allow_headers=["*"])


class _Routed:
    """Routes the addresses of samples directly, and every other path to FastAPI."""

    def __init__(self, app: Any, samples: SampleRoutes) -> None:
        self._app, self._samples = app, samples

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            segments = scope["raw_path"].split(b"/")
            if len(segments) == 4 and segments[1] not in _RESERVED:
                scope["dropgan.route"] = "sample"
                try:
                    await self._samples.answer(segments, scope, receive, send)
                except DropganError as error:
                    await send_error(send, error, head=scope["method"] == "HEAD")
                return
        await self._app(scope, receive, send)


def _first(errors: Sequence[Any]) -> str:
    """Return pydantic's first error as one line: the field, and what is wrong with it."""
    where = ".".join(str(part) for part in errors[0]["loc"])
    return f"{where}: {errors[0]['msg']}".replace("\n", " ")[:400]


def _after(error: DropganError) -> dict[str, str]:
    return {"retry-after": "1"} if status_of(error) == 503 else {}


async def _probe(samples: SampleRoutes, model: Model) -> None:
    label = model.generator.class_numbers[0] if model.generator.classes else None
    await samples.batcher(model).sample(0, 0, label, 1.0, _nothing)


def _nothing(wanted: Any, _: Any) -> list[bytes]:
    return [b""] * len(wanted)
