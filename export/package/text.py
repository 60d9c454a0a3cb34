"""Texts of cards, which hold whatever somebody called a file or a class, as parts of other formats."""

import re

from dropgan.serve.printable import printable

_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&]|(?<!\w)_|_(?!\w)")


def is_line(text: str) -> bool:
    """Whether a text is one line that is seen and does nothing else."""
    return bool(text.strip()) and printable(text) == text


def line(text: str) -> str:
    """The text as such a line: blanks and line ends run together, what would act written as an escape."""
    return printable(" ".join(text.split()))


def markdown(text: str) -> str:
    """The text as a line of Markdown, in a table or out of it, and nothing but text there."""
    return _MARKDOWN.sub(r"\\\g<0>", line(text))
