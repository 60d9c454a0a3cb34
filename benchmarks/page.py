"""What benchmarks share whose tables stand in a page of the documentation."""

from pathlib import Path


def write_between(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands in a page between two marks, each a line of its own."""
    before, rest = page.read_text("utf-8").split(begin)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}", "utf-8")


def read_between(page: Path, begin: str, end: str) -> str:
    """What stands there."""
    return page.read_text("utf-8").split(begin)[1].split(end)[0].strip()


def span(text: str) -> range:
    """``FIRST:LAST`` of a command line; LAST is not in it."""
    first, _, last = text.partition(":")
    return range(int(first), int(last))
