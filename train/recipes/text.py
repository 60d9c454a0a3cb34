"""Find the lines of settings in a recipe's TOML file, and the comments about them."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dropgan.serve.parsing import parse_toml


@dataclass(frozen=True)
class Statement:
    """A setting or a table header in a TOML file."""

    line: int
    """Its first line, counted from 1."""
    above: tuple[str, ...]
    """Comment lines right above it, without ``#``."""
    behind: str
    """The comment behind it on its last line, without ``#``."""


@dataclass(frozen=True)
class TomlText:
    """A parsed TOML file with positions and comments."""

    document: dict[str, Any]
    statements: dict[str, Statement]
    """Statements by dotted key. Keys written inline share the statement that contains them."""
    head: tuple[str, ...]
    """The comment at the start of the file, without ``#``."""


def read_toml(text: str) -> TomlText:
    """Parse a TOML file and find the position of each key.

    tomllib does not report positions. A statement is therefore found as the fewest lines from its first line
    that are valid TOML by themselves, so tomllib itself decides where a list or a long string ends.

    Raises:
        tomllib.TOMLDecodeError: The text is not valid TOML.
    """
    document = parse_toml(text)
    statements: dict[str, Statement] = {}
    lines = text.splitlines()
    table, comments, number = "", list[str](), 0
    head, head_ends = list[str](), False
    while number < len(lines):
        stripped = lines[number].strip()
        if stripped.startswith("#"):
            (comments if head_ends else head).append(stripped[1:].strip())
            number += 1
            continue
        head_ends = True
        if not stripped:
            comments = []
            number += 1
            continue
        block, content = _statement(lines, number)
        statement = Statement(number + 1, tuple(comments), _comment_behind(block, content))
        paths = list(_paths(content))
        if stripped.startswith("["):
            table = paths[-1]
            statements[table] = statement
        else:
            prefix = f"{table}." if table else ""
            statements |= {prefix + path: statement for path in paths}
        comments = []
        number += len(block)
    return TomlText(document, statements, tuple(head))


def _statement(lines: list[str], first: int) -> tuple[list[str], dict[str, Any]]:
    for end in range(first + 1, len(lines) + 1):
        try:
            return lines[first:end], parse_toml("\n".join(lines[first:end]))
        except tomllib.TOMLDecodeError:
            if end == len(lines):
                raise
    raise AssertionError("a statement has at least one line")


def _comment_behind(block: list[str], content: dict[str, Any]) -> str:
    """Return the text after the first # without which the statement means the same; others are in strings."""
    *before, last = block
    for place in (index for index, letter in enumerate(last) if letter == "#"):
        try:
            if parse_toml("\n".join([*before, last[:place]])) == content:
                return last[place + 1 :].strip()
        except tomllib.TOMLDecodeError:
            continue
    return ""


def _paths(content: Any, prefix: str = "") -> Iterator[str]:
    """Yield dotted keys, tables before their contents."""
    if isinstance(content, list) and content and isinstance(content[0], dict):  # [[table]]
        content = content[0]
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        yield prefix + key
        yield from _paths(value, f"{prefix}{key}.")
