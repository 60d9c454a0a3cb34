"""Options of how to read data."""

from dataclasses import dataclass, replace

from dropgan.serve.errors import InputError

MIN_SIDE, MAX_SIDE = 4, 512
MIN_SAMPLES = 2
COLOURS = ("auto", "grey", "colour")
SEPARATOR_WORDS = {"tab": "\t", "space": " ", "none": "\x1f"}
"""Separators that have a name; ``none`` is a character that no text holds."""
_NO_SEPARATORS = tuple('"\r\n\0.0123456789+-')


@dataclass(frozen=True)
class DataOptions:
    """How to read data: the options that accompany ``--data``.

    Raises:
        InputError: A value is not one of those below.
    """

    size: int = 0
    """Size of images in pixels, high and wide; 0 keeps their common size. Of graphs, the most nodes: larger
    ones are left out."""
    colour: str = "auto"
    """``grey`` or ``colour`` (RGB); ``auto`` is grey only if all images are grey."""
    strict: bool = False
    """True if an image or a graph that cannot be read is an error; otherwise it is reported and left out."""
    label_column: str = ""
    """The column of labels in a table; empty looks for one with a common name."""
    header: str = ""
    """Whether the first row of a text file has the column names: ``yes``, ``no``, or empty to detect
    it."""
    separator: str = ""
    """Column separator of a text file: one character, ``tab``, ``space``, or ``none`` for a single
    column; empty to detect it."""
    decimal: str = ""
    """Decimal mark of a text file, ``.`` or ``,``; empty to detect it."""
    limit: int = 0
    """Number of samples to train on, drawn at random, see `TrainingData.drawn`; 0 takes all."""

    def __post_init__(self) -> None:
        if self.size and not MIN_SIDE <= self.size <= MAX_SIDE:
            raise InputError(f"size must be {MIN_SIDE} to {MAX_SIDE} pixels, not {self.size}")
        if self.colour not in COLOURS:
            raise InputError(f"colour must be auto, grey or colour, not {self.colour!r}")
        if self.header not in ("", "yes", "no"):
            raise InputError(f"header must be yes or no, not {self.header!r}")
        known = self.separator in SEPARATOR_WORDS or len(self.separator) <= 1
        if not known or self.separator in _NO_SEPARATORS:
            raise InputError(
                f"separator must be one character that no number has, or tab, space or none, not"
                f" {self.separator!r}"
            )
        if self.decimal not in ("", ".", ",") or (self.decimal and self.decimal == self.separator):
            raise InputError(f"decimal must be . or , and not the separator, not {self.decimal!r}")
        if self.limit and self.limit < MIN_SAMPLES:
            raise InputError(f"limit must be {MIN_SAMPLES} samples or more, not {self.limit}")

    @property
    def of_text(self) -> bool:
        """Return True if any option describes the layout of a text file."""
        return bool(self.header or self.separator or self.decimal)

    def fitted_to(self, height: int, width: int, channels: int) -> "DataOptions":
        """Return options that turn pictures into images of this shape."""
        size = self.size or (height if height == width else 0)
        colour = self.colour if self.colour != "auto" else ("grey" if channels == 1 else "colour")
        return replace(self, size=size, colour=colour)


def options_differences(before: DataOptions, after: DataOptions) -> list[str]:
    """Return each option that differs and changes the data, as ``data key was A, now B``."""
    names = ("size", "colour", "label_column", "header", "separator", "decimal", "limit")
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in names]
    return [f"data {name} was {old or 'none'}, now {new or 'none'}" for name, old, new in pairs if old != new]
