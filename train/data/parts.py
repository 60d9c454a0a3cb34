"""Meanings of names: the order of classes, and the part of a data set that a file or folder holds."""

import re
from enum import Enum

_WORDS = {"train": "train", "training": "train"} | dict.fromkeys(
    ("test", "testing", "t10k", "val", "valid", "validation", "dev", "eval"), "held out"
)


class Part(Enum):
    """A part of a data set."""

    TRAIN = "train"
    HELD_OUT = "held out"


def natural_key(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """Return a sort key that orders numbers in names by value, however long: 2 before 10."""
    pieces = re.split(r"0*([0-9]+)", name)  # texts and numbers by turns, so that like meets like
    return [(len(piece), piece) if place % 2 else piece for place, piece in enumerate(pieces)], name


def part_of_folder(name: str) -> Part | None:
    """Return the part of a data set that a folder of this name holds, or None."""
    word = _WORDS.get(name.lower())
    return None if word is None else Part(word)


def part_of_file(name: str) -> Part | None:
    """Return the part of a data set that a file holds, by a word in its name: ``train-images-idx3-ubyte``."""
    words = [_WORDS[word] for word in re.split(r"[^a-z0-9]+", name.lower()) if word in _WORDS]
    return Part(words[0]) if len(set(words)) == 1 else None
