"""The addresses of samples: the allowed values of each part and their meaning.

    /{digest}/{seed}/{index}.png            one sample: png, webp, npy, json
    /{digest}/{seed}/{start}-{end}.png      several, both ends included: png (a grid), tar, npy, parquet, csv
    ?label=  ?scale=  ?truncation=

A sample is a pure function of the model's bytes, the seed and the index, so an address can be cached for
ever. Each sample therefore has exactly one address: a query without effect is refused rather than ignored.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from ..errors import InputError
from ..latents import MAX_INDEX
from ..seeds import seed_number

SINGLE = ("png", "webp", "npy", "json")
RANGE = ("png", "tar", "npy", "parquet", "csv")
MAX_SCALE = 32

_LAST = re.compile(r"(0|[1-9][0-9]{0,18})(?:-(0|[1-9][0-9]{0,18}))?\.([a-z]+)")
_NUMBER = re.compile(r"[0-9]{1,2}")
_FACTOR = re.compile(r"[0-9](\.[0-9]{1,9})?")
_QUERY = ("label", "scale", "truncation")


class NotFound(InputError):
    """No address has this form."""


@dataclass(slots=True)  # a frozen one takes three times as long to make
class Address:
    """One sample or a range of samples, in one form."""

    seed: int
    start: int
    count: int
    single: bool
    """True if it is one sample by its index; a range of one is a range."""
    suffix: str
    label: str | None
    scale: int
    truncation: float


def parse(seed: bytes, last: bytes, query: bytes) -> Address:
    """Parse the parts of a path after the digest.

    Args:
        seed: Path segment of the seed, percent-encoded.
        last: Path segment after the seed, percent-encoded.
        query: The query string, without the question mark.

    Raises:
        NotFound: The last segment has another form.
        InputError: A value is out of range, or the query has a parameter without effect.
    """
    found = _LAST.fullmatch(_text(last, "the path"))
    if found is None:
        raise NotFound("a sample's address ends like 7.png, several like 0-63.png")
    first, end, suffix = int(found[1]), found[2], found[3]
    allowed = SINGLE if end is None else RANGE
    if suffix not in allowed:
        raise NotFound(f"{'one sample' if end is None else 'a range'} is available as {', '.join(allowed)}")
    count = 1 if end is None else int(end) - first + 1
    if count < 1:
        raise InputError(f"a range goes from the smaller index to the larger, not {first}-{end}")
    if first + count - 1 > MAX_INDEX:
        raise InputError(f"an index must be 0 to {MAX_INDEX}")
    label, scale, truncation = None, 1, 1.0
    if query:
        given = _query(query)
        label = given.get("label")
        scale = _scale(given.get("scale", "1"), suffix)
        truncation = _truncation(given.get("truncation", "1"))
    number = seed_number(_text(seed, "the seed"))
    return Address(number, first, count, end is None, suffix, label, scale, truncation)


def _query(query: bytes) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in query.split(b"&"):
        name, equals, value = pair.partition(b"=")
        key = _text(name, "the query")
        if key not in _QUERY or not equals:
            raise InputError(f"the query takes label=, scale= or truncation=, not {key[:40]!r}")
        if key in given:
            raise InputError(f"the query has {key} twice")
        given[key] = _text(value.replace(b"+", b" "), key)
    return given


def _scale(text: str, suffix: str) -> int:
    scale = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= scale <= MAX_SCALE:
        raise InputError(f"scale is a whole number from 1 to {MAX_SCALE}")
    if scale > 1 and suffix not in ("png", "webp"):
        raise InputError(f"scale is for pictures, not for {suffix}")
    return scale


def _truncation(text: str) -> float:
    value = float(text) if _FACTOR.fullmatch(text) else 0.0
    if not 0 < value <= 1:
        raise InputError("truncation must be above 0 and at most 1")
    return value


def _text(raw: bytes, what: str) -> str:
    if b"%" not in raw and raw.isascii():
        return raw.decode("ascii")
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} is not UTF-8") from error
