"""Encode one sample as the body of a response, by a table of forms."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..batch.png_encoder import PngEncoder
from ..card import Card
from ..errors import InputError, MissingExtraError
from ..kind import COLUMNS, PICTURES
from ..kinds import kind_of
from .answers import FOREVER, lines
from .batching import Wanted

Encoded = Callable[[NDArray[Any], Sequence[Wanted], Card, int], list[bytes]]
"""Samples [n, ...], their requests, the card, and the scale of pictures, to bodies of answers."""


@dataclass(frozen=True)
class Form:
    """A form in which one sample can be returned."""

    media_type: str
    picture: bool
    """True if it needs pixels of 1, 3 or 4 channels."""
    encode: Encoded
    light: bool = True
    """Whether encoding takes little time compared with the network, at scale 1."""

    @cached_property
    def content_type(self) -> bytes:
        """The media type as the bytes of a header."""
        return self.media_type.encode()

    @cached_property
    def lines(self) -> bytes:
        """Return the header lines of all responses in this form."""
        return lines([(b"content-type", self.content_type), FOREVER])


_encoders: dict[tuple[int, ...], PngEncoder] = {}


def pngs(images: NDArray[np.uint8]) -> list[bytes]:
    """Encode pictures, uint8 [n, height, width, channels], to the same bytes as in a shard of pictures."""
    shape = images.shape[1:]
    if shape not in _encoders:
        if len(_encoders) > 64:  # scales are bounded, but several models may be served
            _encoders.clear()
        _encoders[shape] = PngEncoder(shape)
    return _encoders[shape].encode(images)


def png(image: NDArray[np.uint8]) -> bytes:
    """Encode one picture, uint8 [height, width, channels], to the same bytes as in a shard of pictures."""
    return pngs(np.ascontiguousarray(image)[None])[0]


def scaled(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Enlarge each pixel to a square of ``scale`` by ``scale`` pixels."""
    return image if scale == 1 else image.repeat(scale, axis=0).repeat(scale, axis=1)


def _png(samples: NDArray[Any], wanted: Sequence[Wanted], card: Card, scale: int) -> list[bytes]:
    pictures = kind_of(card).pictures(samples)
    if scale > 1:  # large: one at a time
        return [png(scaled(picture, scale)) for picture in pictures]
    return pngs(np.ascontiguousarray(pictures))


def _webp(samples: NDArray[Any], wanted: Sequence[Wanted], card: Card, scale: int) -> list[bytes]:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("WebP needs Pillow: pip install 'dropgan[server]'") from error
    made = []
    for picture in kind_of(card).pictures(samples):
        image, buffer = scaled(picture, scale), io.BytesIO()
        plain = image[:, :, 0] if image.shape[2] == 1 else image
        Image.fromarray(plain).save(buffer, "WEBP", lossless=True)
        made.append(buffer.getvalue())
    return made


def _npy(samples: NDArray[Any], wanted: Sequence[Wanted], card: Card, scale: int) -> list[bytes]:
    made = []
    for sample in samples:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(sample), version=(1, 0), allow_pickle=False)
        made.append(buffer.getvalue())
    return made


def _json(samples: NDArray[Any], wanted: Sequence[Wanted], card: Card, scale: int) -> list[bytes]:
    return [_json_of(sample, about, card) for sample, about in zip(samples, wanted, strict=True)]


def _json_of(sample: NDArray[Any], about: Wanted, card: Card) -> bytes:
    known: dict[str, Any] = {
        "seed": str(about.seed),
        "index": str(about.index),
    }  # beyond 2**53 JavaScript rounds
    if about.label is not None:
        known["label"] = about.label
    kind, value = kind_of(card), sample.tolist()
    if not kind.lacks(card, COLUMNS):
        value = dict(zip(card.data.columns, value, strict=True))
    return json.dumps(known | {kind.one: value}, separators=(",", ":"), ensure_ascii=False).encode()


FORMS = {
    "png": Form("image/png", True, _png),
    "webp": Form("image/webp", True, _webp, light=False),
    "npy": Form("application/octet-stream", False, _npy),
    "json": Form("application/json", False, _json),
}


def require_form(suffix: str, card: Card) -> Form:
    """Return the form with this suffix.

    Raises:
        InputError: This model's samples do not have this form.
    """
    form = FORMS[suffix]
    lacks = kind_of(card).lacks(card, PICTURES) if form.picture else ""
    if lacks:
        raise InputError(f"this model {lacks}: use npy or json, not {suffix}")
    return form
