"""Escape texts of cards, which are untrusted, for use in other formats."""

import re

from dropgan.serve.printable import printable

_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&]|(?<!\w)_|_(?!\w)")


def is_line(text: str) -> bool:
    """Return True if a text is one line of visible characters."""
    return bool(text.strip()) and printable(text) == text


def line(text: str) -> str:
    """Return the text as such a line: white space is merged, and other control characters are escaped."""
    return printable(" ".join(text.split()))


def markdown(text: str) -> str:
    """Return the text as a line of Markdown, in or outside a table, where it is nothing but text."""
    return _MARKDOWN.sub(r"\\\g<0>", line(text))
