"""Limits of one request and of the queue."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a service. A request beyond them is refused at once, with the status in brackets."""

    queue: int = 48
    """Single samples of one model that may wait (503); more would only wait longer than they are worth."""
    ranges: int = 4
    """Ranges that are made at the same time (503)."""
    range_samples: int = 100_000
    """Samples of one range (413)."""
    grid_samples: int = 4096
    """Samples of one grid (413)."""
    picture_pixels: int = 2**25
    """Pixels of one picture, grids and scales included (413)."""
    body_bytes: int = 16 * 2**20
    """Bytes of a request's body (413)."""
    post_samples: int = 4096
    """Samples of one POST or inference (413)."""
    seconds: float = 30.0
    """Time of one answer until its first byte (504), and for a request's body to arrive (408)."""
