"""What the OpenAPI page says of the routes that FastAPI does not know: the samples' addresses."""

from typing import Any

from .addresses import RANGE, SINGLE
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


def _operation(digest: str) -> dict[str, Any]:
    last = (
        rf"^(0|[1-9][0-9]{{0,17}})\.({'|'.join(SINGLE)})$"
        rf"|^(0|[1-9][0-9]{{0,17}})-(0|[1-9][0-9]{{0,17}})\.({'|'.join(RANGE)})$"
    )
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {form.media_type: binary for form in FORMS.values()} | {
        "application/x-tar": binary,
        "application/vnd.apache.parquet": binary,
    }
    failure = {
        "application/json": {
            "schema": {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
        }
    }
    return {
        "tags": ["samples"],
        "summary": "A sample, or a range of samples, at an address that never changes",
        "operationId": "sample",
        "parameters": [
            _parameter("model", "path", "Name, digest, or 12 or more digits of it.", {"type": "string"}, digest),
            _parameter("seed", "path", "A number below 2**64, or any other text.", {"type": "string"}, "ada"),
            _parameter("sample", "path", "INDEX.SUFFIX, or START-END.SUFFIX.", {"type": "string", "pattern": last}, "7.png"),
            _parameter("label", "query", "A class's number or name.", {"type": "string"}, None),
            _parameter("scale", "query", "Pixels become squares.", {"type": "integer", "minimum": 1, "maximum": 32}, 4),
            _parameter("truncation", "query", "Below 1, samples are more alike.", {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.7),
        ],
        "responses": {
            "200": {"description": "The sample", "content": content},
            "304": {"description": "You have it already"},
            "307": {"description": "The address by the whole digest"},
            **{
                str(status): {"description": text, "content": failure}
                for status, text in {
                    401: "The key is missing or wrong", 404: "Nothing is there", 413: "Too much for one request",
                    422: "Out of range", 503: "Too much is waiting", 504: "No answer in time",
                }.items()
            },
        },
    }  # fmt: skip


def _parameter(name: str, place: str, text: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    found = {"name": name, "in": place, "required": place == "path", "description": text, "schema": schema}
    return found if example is None else found | {"example": example}
