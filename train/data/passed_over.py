"""Describe the files in a data folder that are not read."""

import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_SYSTEM = ("thumbs.db", "desktop.ini", "icon\r")  # that file managers leave everywhere
_NAMED = 6  # kinds that a line lists


def is_hidden(name: str) -> bool:
    """Return True for names of files that nobody expects to be read, so that they are not reported."""
    return name.startswith(".") or name == "__MACOSX" or name.lower() in _SYSTEM


def kind_of(path: Path) -> str:
    """Return the suffix of an ordinary file, or what else the path is, in the plural."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return "broken links" if path.is_symlink() else "files out of reach"
    if stat.S_ISDIR(mode):
        return "folders"
    if not stat.S_ISREG(mode):
        return "pipes and devices"
    return path.suffix.lower() or "files without a suffix"


def counted(kinds: Iterable[str]) -> str:
    """Return ``.heic (12), broken links (1)``, most frequent first; empty for nothing."""
    counts = Counter(kinds)
    common = counts.most_common(_NAMED)
    more = counts.total() - sum(count for _, count in common)
    return ", ".join(f"{kind} ({count:,})" for kind, count in common) + (
        f", others ({more:,})" if more else ""
    )


def others_in(folder: Path, used: Iterable[Path]) -> str:
    """Return what else is in a folder, with counts."""
    known = set(used)
    return counted(
        kind_of(path) for path in sorted(folder.iterdir()) if path not in known and not is_hidden(path.name)
    )
