"""Detect the layout of a text file of columns: separator, decimal mark, and names in the first row.

Detection uses parsed rows, not counts of characters. Each separator is tried with Python's csv reader, which
understands quotes, and fits if it cuts all rows into equally many fields. Of those that fit, the one that
makes the most fields numbers is used. If two make equally many, or a text could mean two numbers, the user is
asked.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .dataset import DataError
from .options import SEPARATOR_WORDS

NO_SEPARATOR = SEPARATOR_WORDS["none"]
SEPARATORS = (",", ";", "\t", "|", " ")
_COMMON = SEPARATORS[:4]  # a space may stand in a name
MISSING = frozenset(
    (
        *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "N/A", "n/a", "NA", "na"),
        *("-NaN", "-nan", "NaN", "nan", "NULL", "Null", "null", "None", "none", "?", "-", "--", "."),
    )
)
"""Texts that mark a missing value in files."""

_WORDS = {mark: word for word, mark in SEPARATOR_WORDS.items()}
_POINT = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_COMMA = re.compile(r"\s*[+-]?(\d+|\d*,\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(,\d{3})+\s*", re.ASCII)
_WORD = re.compile(r"\s*([+-]?(nan|inf|infinity)|true|false)?\s*", re.ASCII | re.IGNORECASE)
_SHOWN = 60

Rows = list[list[str]]


@dataclass(frozen=True)
class Layout:
    """The layout of a text file of numbers.

    Attributes:
        separator: One character, `NO_SEPARATOR` for a single column.
        decimal: ``.`` or ``,``.
        width: Number of columns.
        names: Names of the columns, some perhaps empty; None if the first row holds numbers.
        start: Number of characters before the first row of numbers.
        comments: Lines at the start that begin with #.
        commented: True if the names are in the last of these lines.
    """

    separator: str
    decimal: str
    width: int
    names: tuple[str, ...] | None
    start: int
    comments: int = 0
    commented: bool = False

    @property
    def words(self) -> str:
        """Return separator and decimal mark as text."""
        return f"separator {shown(self.separator)}, decimal {shown(self.decimal)}"


@dataclass(frozen=True)
class _Fit:
    """A separator and decimal mark that cut all rows into equally many fields."""

    separator: str
    decimal: str
    rows: Rows
    numbers: float
    """Share of the fields below the first row that are numbers."""


def shown(mark: str) -> str:
    """Return a separator or decimal mark as text."""
    return _WORDS.get(mark, mark)


def find_layout(head: str, *, whole: bool, tabs: bool, separator: str, decimal: str, header: str) -> Layout:
    """Detect how a file is laid out.

    Args:
        head: The beginning of the file's text, with lines that end in ``\\n`` or ``\\r\\n``.
        whole: True if ``head`` is all of the text; otherwise its last row may be cut off.
        tabs: True if the file's name says that tabs separate the columns.
        separator: The user's choice, or empty to detect it.
        decimal: The user's choice, or empty to detect it.
        header: ``yes`` or ``no`` for names in the first row, or empty to detect them.

    Raises:
        DataError: No layout fits, or several do. The message continues a text that names the file.
    """
    comments, body = _leading_comments(head)
    if not body.strip():
        raise DataError("it has no rows")
    tried: Sequence[str] = (separator,) if separator else (NO_SEPARATOR, *SEPARATORS)
    if tabs and not separator and "\t" in body:
        tried = ("\t",)
    cut = {mark: _rows(body, mark, whole) for mark in tried if mark != decimal}
    fits = [
        _fit(mark, rows, decimal) for mark, rows in cut.items() if rows and _even(rows, mark, separator, body)
    ]
    if not fits:
        raise DataError(_uneven(cut))
    fit = _the_fit(fits, comments[-1:], separator, header)
    _require_one_meaning(fit, separator, decimal)
    first = fit.rows[0]
    width, start = len(first), len(head) - len(body)
    found = Layout(fit.separator, fit.decimal, width, None, start, len(comments))
    if _has_names(fit, header):
        return replace(found, names=_stripped(first), start=start + _first_row(body, fit))
    names = () if header == "no" else _commented_names(comments[-1:], fit)
    return replace(found, names=names, commented=True) if names else found


def _leading_comments(text: str) -> tuple[list[str], str]:
    """Split off the lines at the start that begin with #."""
    comments = []
    while text.startswith("#"):
        line, _, text = text.partition("\n")
        comments.append(line)
    return comments, text


def _rows(text: str, separator: str, whole: bool) -> Rows:
    """Return the text cut by a separator, without empty lines; nothing if it cannot be cut."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    except csv.Error:
        return []
    return rows if whole or len(rows) == 1 else rows[:-1]


def _even(rows: Rows, separator: str, said: str, text: str) -> bool:
    """Return True if all rows have equally many fields, at least two unless there is no separator."""
    if any(len(row) != len(rows[0]) for row in rows):
        return False
    if said or separator != NO_SEPARATOR:
        return len(rows[0]) > 1 or bool(said)
    return _single_column([row[0] for row in rows], text)


def _single_column(rows: list[str], text: str) -> bool:
    """Return True if rows can be a single column: they have no separators except decimal commas."""
    if not any(mark in text for mark in _COMMON):
        return True
    firsts = [next(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=m))) for m in _COMMON]
    alone = all(len(fields) == 1 for fields in firsts)
    doubtful = any(field.startswith(" ") for field in firsts[0][1:])  # "price, EUR" above 9,92
    numbers = [bool(_COMMA.fullmatch(row)) or row.strip() in MISSING for row in rows]
    return all(numbers[1:]) and (numbers[0] or alone or doubtful)


def _fit(separator: str, rows: Rows, decimal: str) -> _Fit:
    fields = [field for row in rows[1:] or rows for field in row]
    marks = [decimal] if decimal else [".", ","] if separator != "," else ["."]
    share = {mark: sum(_is_number(field, mark) for field in fields) / len(fields) for mark in marks}
    best = max(share, key=lambda mark: share[mark])  # the point, where both are as good
    return _Fit(separator, best, rows, share[best])


def _the_fit(fits: list[_Fit], comment: list[str], separator: str, header: str) -> _Fit:
    """Return the fit that makes the most fields numbers.

    Raises:
        DataError: Two make equally many.
    """
    most = max(fit.numbers for fit in fits)
    best = [fit for fit in fits if fit.numbers == most]
    if len(best) > 1:
        named = [fit for fit in best if header != "no" and _commented_names(comment, fit)]
        best = named or best
    if len(best) > 1:
        choices = " or ".join(f"--separator {shown(fit.separator)}" for fit in best)
        raise DataError(_ambiguous(best[0].rows[-1][0], f"say {choices}"))
    return best[0]


def _require_one_meaning(fit: _Fit, separator: str, decimal: str) -> None:
    """Refuse numbers with commas in the places of thousands separators."""
    lines = [",".join(row) for row in fit.rows]
    if fit.separator == "," and not separator and all(map(_THOUSANDS.fullmatch, lines)):
        raise DataError(_ambiguous(lines[0], "say --separator , for several columns, or take out the commas"))
    commas = [field for row in fit.rows for field in row if "," in field and _COMMA.fullmatch(field)]
    if fit.decimal == "," and not decimal and commas and all(map(_THOUSANDS.fullmatch, commas)):
        raise DataError(_ambiguous(commas[0].strip(), "say --decimal , or take out the commas"))


def _commented_names(comment: list[str], fit: _Fit) -> tuple[str, ...]:
    """Return the names in a comment above the rows, as numpy.savetxt writes them; empty if there are none."""
    fields = next(csv.reader([line.lstrip("#").strip() for line in comment], delimiter=fit.separator), [])
    if fit.separator == NO_SEPARATOR and any(mark in field for field in fields for mark in _COMMON):
        return ()
    fitting = len(fields) == len(fit.rows[0]) and not any(_is_number(field, fit.decimal) for field in fields)
    return _stripped(fields) if fitting else ()


def _uneven(cut: dict[str, Rows]) -> str:
    """Return why no separator fits, for the one that cuts the most rows evenly."""
    mark = max(cut, key=lambda mark: sum(len(row) > 1 for row in cut[mark]))
    widths = [len(row) for row in cut[mark]]
    other = next((place for place, width in enumerate(widths) if width != widths[0]), None)
    if other is None:
        return f"separator {shown(mark)} does not cut it into columns of numbers"
    return (
        f"its rows are not of as many fields: with separator {shown(mark)} row 1 has {widths[0]} and row"
        f" {other + 1} has {widths[other]}. Take out lines that are no rows, or say --separator"
    )


def _ambiguous(text: str, remedy: str) -> str:
    return f"{text[:_SHOWN]!r} can be read in several ways: {remedy}"


def _has_names(fit: _Fit, header: str) -> bool:
    """Return True if the first row has names: because the user says so, or because it has no numbers.

    Raises:
        DataError: It could hold names or values.
    """
    if header:
        return header == "yes"
    fields = fit.rows[0]
    filled = [field.strip() for field in fields if field.strip()]
    numbers = [_is_number(field, fit.decimal) for field in filled]
    if len(filled) == len(fields) and all(numbers):
        return False
    if filled and not any(numbers) and not MISSING & set(filled):
        return True
    row = ",".join(fields)
    raise DataError(
        f"its first row ({row[:_SHOWN]}{'...' if len(row) > _SHOWN else ''}) could have the names of the"
        " columns, or numbers and missing values: say --header or --no-header"
    )


def _is_number(field: str, decimal: str) -> bool:
    pattern = _COMMA if decimal == "," else _POINT
    return bool(pattern.fullmatch(field) or _WORD.fullmatch(field))


def _stripped(fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(field.strip() for field in fields)


def _first_row(text: str, fit: _Fit) -> int:
    """Return the number of characters up to the end of the first row, including empty lines before it."""
    lines = iter(io.StringIO(text, newline=""))
    taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += len(line)
            yield line

    for row in csv.reader(counted(), delimiter=fit.separator):
        if row:
            break
    return taken
