"""Decoded pictures in the cache: what is kept beside them, and whether they are still the same.

Beside ``images/KEY.npy`` lies ``KEY.json`` with the fingerprint of the pixels, which pictures were
left out, and what they were like. Both are checked each time: what a disk, another program
or a power cut changed is made anew.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cache import cache_file
from .dataset import image_fingerprint
from .numpy_files import map_array
from .origins import Origins


class DamagedCacheError(Exception):
    """What is kept is not what was written."""


@dataclass(frozen=True)
class Broken:
    """A picture that was left out."""

    index: int
    name: str
    reason: str


@dataclass(frozen=True)
class Notes:
    """What is known of decoded pictures beside their pixels."""

    fingerprint: str
    """That of the pixels, see `ImageData.fingerprint`."""
    broken: tuple[Broken, ...]
    peak: int
    """The largest value in pictures of 16 bits, 0 without such pictures."""
    more: int
    """How many pictures have more frames or pages than the first."""
    origins: Origins | None
    """What the pictures were like; None of pixels that were an array."""


Kept = tuple[NDArray[np.uint8], Notes]
"""Pixels, mapped into memory, and what is known of them."""


def read_kept(path: Path) -> Kept | None:
    """What is kept, or None if nothing is.

    Raises:
        DamagedCacheError: They are not what was written.
    """
    beside = path.with_suffix(".json")
    if not beside.exists():  # it is written last
        return None
    try:
        record = json.loads(beside.read_text("utf-8"))
        about = record["about"]
        if record["sha256"] != _digest(about):
            raise DamagedCacheError
        broken = tuple(Broken(**entry) for entry in about["broken"])
        origins = None if about["origins"] is None else Origins.from_record(about["origins"])
        notes = Notes(about["fingerprint"], broken, about["peak"], about["more"], origins)
        images = map_array(path)
    except (OSError, MemoryError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedCacheError from error
    if not (images.dtype == np.uint8 and images.ndim == 4 and image_fingerprint(images) == notes.fingerprint):
        raise DamagedCacheError
    return images, notes


def write_notes(path: Path, notes: Notes) -> None:
    """Write what is known of the pixels in ``path`` beside them.

    Raises:
        OutputError: It cannot be written.
    """
    about = asdict(notes)
    with cache_file(path.with_suffix(".json")) as file:
        file.write(json.dumps({"about": about, "sha256": _digest(about)}).encode())


def _digest(about: object) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
