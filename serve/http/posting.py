"""Routes for samples from the caller's own latents or labels, and for the cards of models."""

import asyncio
import io
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from ..errors import InputError
from .answers import TooLargeError
from .batching import TooSlowError
from .limits import Limits
from .models import Model, Models
from .openapi import FAILURES, failures

if TYPE_CHECKING:
    from fastapi import FastAPI


def add_posting(app: "FastAPI", models: Models, limits: Limits) -> None:
    """Add ``GET /{model}`` and ``POST /{model}/samples`` to a FastAPI application."""
    from fastapi import Path, Query, Response
    from fastapi.concurrency import run_in_threadpool
    from pydantic import BaseModel, ConfigDict, Field

    class Samples(BaseModel):
        """The latents, labels, or both, to make samples from."""

        model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
        latents: Annotated[list[list[float]] | None, Field(description="One row of numbers a sample.")] = None
        labels: Annotated[
            list[int | str] | None, Field(description="One label a sample, a class's number or name.")
        ] = None
        seed: Annotated[int | str, Field(description="Where latents are not given: a number or a word.")] = 0
        start: Annotated[int, Field(ge=0, lt=2**60, description="Index of the first sample.")] = 0
        truncation: Annotated[
            float, Field(gt=0, le=1, description="Where latents are not given: below 1, samples are alike.")
        ] = 1.0

    @app.get("/{model}", tags=["models"], summary="The card of a model", responses=failures(401, 404, 422))
    async def card(model: Annotated[str, Path(description=_MODEL)]) -> dict[str, Any]:
        return models.find(model).described()

    @app.post(
        "/{model}/samples",
        tags=["samples"],
        summary="Samples from latents or labels of your own",
        responses=FAILURES | {200: {"content": {"application/json": {}, "application/x-npy": {}}}},
    )
    async def samples(
        model: Annotated[str, Path(description=_MODEL)],
        wanted: Samples,
        form: Annotated[Literal["json", "npy"], Query(alias="format")] = "json",
    ) -> Response:
        found = models.find(model)
        try:
            async with asyncio.timeout(limits.seconds):
                array = await run_in_threadpool(_make, found, wanted, limits)
        except TimeoutError as error:
            raise TooSlowError(f"no answer within {limits.seconds:g} seconds") from error
        if form == "npy":
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
            return Response(buffer.getvalue(), media_type="application/x-npy")
        import json

        return Response(json.dumps({"samples": array.tolist()}), media_type="application/json")


_MODEL = "A model's name, its digest, or 12 or more digits of it."


def _make(model: Model, wanted: Any, limits: Limits) -> Any:
    generator = model.generator
    count = len(wanted.latents if wanted.latents is not None else wanted.labels or ())
    if count == 0:
        raise InputError("send latents, labels, or both, with one row or label for each sample")
    if count > limits.post_samples:
        raise TooLargeError(f"at most {limits.post_samples:,} samples a request, not {count:,}")
    labels = None if wanted.labels is None else [_plain(label) for label in wanted.labels]
    if wanted.latents is None:
        return generator.sample(
            count,
            seed=wanted.seed,
            start=wanted.start,
            labels=_array(labels),
            truncation=wanted.truncation,
        )
    if wanted.truncation != 1:
        raise InputError("truncation is for latents that the service draws: multiply your own latents")
    if labels is not None and len(labels) != count:
        raise InputError(f"{count} latents and {len(labels)} labels: send as many of both")
    if any(len(row) != generator.card.latents.dim for row in wanted.latents):
        raise InputError(f"a latent of this model has {generator.card.latents.dim} numbers")
    latents = np.array(wanted.latents, dtype=np.float32)
    if not np.isfinite(latents).all():
        raise InputError("latents must be numbers that float32 can hold")
    return generator(latents, _array(labels))


def _plain(label: int | str) -> int | str:
    if isinstance(label, int) and not 0 <= label < 2**31:
        raise InputError(f"there is no class {label}")
    return label


def _array(labels: list[int | str] | None) -> Any:
    if labels is None:
        return None
    if len({type(label) for label in labels}) > 1:
        raise InputError("labels must be all numbers or all names")
    return np.array(labels)
