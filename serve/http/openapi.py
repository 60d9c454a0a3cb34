"""The OpenAPI description of routes that FastAPI does not know: the addresses of samples."""

from typing import Any

from .addresses import MAX_SCALE, RANGE, SINGLE
from .encoders import FORMS
from .models import Models


def describe(app: Any, models: Models) -> None:
    """Add the samples' addresses to an application's OpenAPI document."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        document: dict[str, Any] = original()
        example = next(iter(models))
        document["paths"].setdefault("/{model}/{seed}/{sample}", {"get": _operation(example.digest)})
        return document

    app.openapi = openapi


_NUMBER = "(0|[1-9][0-9]{0,17})"
_LAST = rf"^{_NUMBER}\.({'|'.join(SINGLE)})$|^{_NUMBER}-{_NUMBER}\.({'|'.join(RANGE)})$"
_PARAMETERS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("model", "path", "Name, digest, or 12 or more digits of it.", {"type": "string"}),
    ("seed", "path", "A number below 2**64, or any other text.", {"type": "string"}),
    ("sample", "path", "INDEX.SUFFIX, or START-END.SUFFIX.", {"type": "string", "pattern": _LAST}),
    ("label", "query", "A class's number or name.", {"type": "string"}),
    ("scale", "query", "Pixels become squares.", {"type": "integer", "minimum": 1, "maximum": MAX_SCALE}),
    (
        "truncation",
        "query",
        "Below 1, samples are more alike.",
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    ),
)
_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/json": {"schema": _ERROR}}}
    for status, text in {
        401: "The key is missing or wrong",
        404: "Nothing is there",
        408: "The body did not arrive in time",
        413: "More than one request may ask for",
        422: "Something in the request is out of its range",
        500: "A bug",
        501: "A library for this form is not installed",
        503: "Too much is waiting",
        504: "No answer in time",
    }.items()
}
"""Errors of requests, as OpenAPI describes them."""


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of these error statuses."""
    return {status: FAILURES[status] for status in statuses}


def _operation(digest: str) -> dict[str, Any]:
    examples = {"model": digest, "seed": "ada", "sample": "7.png", "scale": 4, "truncation": 0.7}
    image = {"schema": {"type": "string", "format": "binary"}}
    kinds = [form.media_type for form in FORMS.values()]
    kinds += ["application/x-tar", "application/vnd.apache.parquet"]
    return {
        "tags": ["samples"],
        "summary": "A sample, or a range of samples, at an address that never changes",
        "operationId": "sample",
        "parameters": [
            {"name": name, "in": place, "required": place == "path", "description": text, "schema": schema}
            | ({"example": examples[name]} if name in examples else {})
            for name, place, text, schema in _PARAMETERS
        ],
        "responses": {
            "200": {"description": "The sample", "content": dict.fromkeys(kinds, image)},
            "304": {"description": "You have it already"},
            "307": {"description": "The address by the whole digest"},
        }
        | {str(status): answer for status, answer in FAILURES.items() if status != 408},
    }
