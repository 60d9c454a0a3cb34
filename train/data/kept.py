"""Decoded pictures in the cache: the notes beside them, and the check that they have not changed.

Beside ``images/KEY.npy``, ``KEY.json`` holds the fingerprint of the pixels, the pictures that were left out,
and facts about the originals. Both files are checked each time. If a disk, another program or a power cut has
changed them, they are made again.
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
    """The cached files differ from what was written."""


@dataclass(frozen=True)
class Broken:
    """A picture that was left out."""

    index: int
    name: str
    reason: str


@dataclass(frozen=True)
class Notes:
    """Facts about decoded pictures that are stored beside their pixels."""

    fingerprint: str
    """Fingerprint of the pixels, see `ImageData.fingerprint`."""
    broken: tuple[Broken, ...]
    peak: int
    """The largest value in pictures of 16 bits, 0 without such pictures."""
    more: int
    """Number of pictures with more than one frame or page."""
    origins: Origins | None
    """Facts about the original pictures; None for arrays."""


Kept = tuple[NDArray[np.uint8], Notes]
"""Pixels, mapped into memory, and what is known of them."""


def read_kept(path: Path) -> Kept | None:
    """Read cached pictures; None if there are none.

    Raises:
        DamagedCacheError: They differ from what was written.
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
    """Write the notes about the pixels in ``path`` beside them.

    Raises:
        OutputError: It cannot be written.
    """
    about = asdict(notes)
    with cache_file(path.with_suffix(".json")) as file:
        file.write(json.dumps({"about": about, "sha256": _digest(about)}).encode())


def _digest(about: object) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
