"""Facts about pictures before they became images of one size and kind."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple


class Origin(NamedTuple):
    """One picture, after its EXIF orientation was applied."""

    width: int
    height: int
    grey: bool
    """True if its file has a grey mode."""
    transparent: bool
    """True if it has transparency."""
    deep: bool
    """True if it has 16 bits a channel."""


@dataclass(frozen=True)
class Origins:
    """Counted facts about many pictures."""

    smallest: tuple[int, int]
    """Width and height of the picture with the least area."""
    largest: tuple[int, int]
    commonest: tuple[int, int]
    alike: int
    """Number of pictures with the most frequent size."""
    sizes: int
    """Number of different sizes."""
    side: int
    """The median of their shorter sides."""
    grey: int
    colour: int
    transparent: int
    deep: int
    cut: int = 0
    """Number of pictures that were not square and were cropped, if a size was given."""
    reduced: int = 0
    """Number of pictures that were reduced."""
    enlarged: int = 0
    """Number of pictures that were enlarged."""

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Origins":
        """Rebuild from the JSON of `dataclasses.asdict`.

        Raises:
            TypeError, ValueError: The record has another form.
        """
        read: dict[str, Any] = {
            name: _pair(value) if isinstance(value, list) else int(value) for name, value in record.items()
        }
        return cls(**read)


class Counting:
    """Counts pictures as they come."""

    def __init__(self, size: int) -> None:
        """Start counting.

        Args:
            size: Side in pixels that pictures are resized to; 0 if they keep their size.
        """
        self._size = size
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._kinds: Counter[str] = Counter()

    def add(self, origin: Origin) -> None:
        """Count a picture."""
        self._sizes[origin.width, origin.height] += 1
        self._kinds["grey" if origin.grey else "colour"] += 1
        self._kinds["transparent"] += origin.transparent
        self._kinds["deep"] += origin.deep

    def result(self) -> Origins:
        """Return the counts. At least one picture must have been counted."""
        by_area = sorted(self._sizes, key=lambda size: (size[0] * size[1], size))
        commonest, alike = max(self._sizes.items(), key=lambda item: (item[1], item[0]))
        changed: Counter[str] = Counter()
        for (width, height), count in self._sizes.items() if self._size else ():
            side = min(width, height)
            changed["cut"] += count * (width != height)
            changed["reduced"] += count * (side > self._size)
            changed["enlarged"] += count * (side < self._size)
        sides = sorted((min(size), count) for size, count in self._sizes.items())
        return Origins(
            by_area[0],
            by_area[-1],
            commonest,
            alike,
            len(self._sizes),
            _median(sides),
            **{kind: self._kinds[kind] for kind in ("grey", "colour", "transparent", "deep")},
            **{kind: changed[kind] for kind in ("cut", "reduced", "enlarged")},
        )


def _median(counted: list[tuple[int, int]]) -> int:
    half = sum(count for _, count in counted) / 2
    for value, count in counted:
        half -= count
        if half <= 0:
            return value
    return counted[-1][0]


def _pair(value: list[Any]) -> tuple[int, int]:
    first, second = value
    return int(first), int(second)
