"""One sample as the body of an answer: a table of the forms that there are."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..batch.png_encoder import PngEncoder
from ..card import Card
from ..errors import InputError, MissingExtraError
from ..kind import COLUMNS, PICTURES
from ..kinds import kind_of


@dataclass(frozen=True)
class Form:
    """A form of one sample."""

    media_type: str
    picture: bool
    """Whether it needs pixels of 1, 3 or 4 channels."""
    encode: Callable[[NDArray[Any], Card, dict[str, Any]], bytes]
    """The sample, the model's card, and what is known of the sample: seed, index, label."""


_encoders: dict[tuple[int, ...], PngEncoder] = {}


def png(image: NDArray[np.uint8]) -> bytes:
    """One picture, uint8 [height, width, channels], the same bytes as in a shard of pictures."""
    shape = image.shape
    if shape not in _encoders:
        if len(_encoders) > 64:  # scales are bounded, but several models may be served
            _encoders.clear()
        _encoders[shape] = PngEncoder(shape)
    return _encoders[shape].encode(np.ascontiguousarray(image)[None])[0]


def scaled(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Each pixel as a square of ``scale`` times ``scale``."""
    return image if scale == 1 else image.repeat(scale, axis=0).repeat(scale, axis=1)


def _png(sample: NDArray[Any], card: Card, about: dict[str, Any]) -> bytes:
    return png(scaled(sample, about["scale"]))


def _webp(sample: NDArray[Any], card: Card, about: dict[str, Any]) -> bytes:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("WebP needs Pillow: pip install 'dropgan[server]'") from error
    image = scaled(sample, about["scale"])
    buffer = io.BytesIO()
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def _npy(sample: NDArray[Any], card: Card, about: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(sample), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _json(sample: NDArray[Any], card: Card, about: dict[str, Any]) -> bytes:
    known: dict[str, Any] = {
        key: str(about[key]) for key in ("seed", "index") if key in about
    }  # beyond 2**53 JavaScript rounds
    if about.get("label") is not None:
        known["label"] = about["label"]
    kind, value = kind_of(card), sample.tolist()
    if not kind.lacks(card, COLUMNS):
        value = dict(zip(card.data.columns, value, strict=True))
    return json.dumps(known | {kind.one: value}, separators=(",", ":"), ensure_ascii=False).encode()


FORMS = {
    "png": Form("image/png", True, _png),
    "webp": Form("image/webp", True, _webp),
    "npy": Form("application/octet-stream", False, _npy),
    "json": Form("application/json", False, _json),
}


def require_form(suffix: str, card: Card) -> Form:
    """The form of a suffix, if this model's samples have it.

    Raises:
        InputError: They are no pictures.
    """
    form = FORMS[suffix]
    lacks = kind_of(card).lacks(card, PICTURES) if form.picture else ""
    if lacks:
        raise InputError(f"this model {lacks}: take npy or json, not {suffix}")
    return form
