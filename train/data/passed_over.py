"""What lies in a folder of data and is no part of it, as one line says it."""

import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_SYSTEM = ("thumbs.db", "desktop.ini", "icon\r")  # that file managers leave everywhere
_NAMED = 6  # kinds that a line lists


def is_hidden(name: str) -> bool:
    """Whether nobody expects a file or folder of this name to be read, so that nothing is said of it."""
    return name.startswith(".") or name == "__MACOSX" or name.lower() in _SYSTEM


def kind_of(path: Path) -> str:
    """What kind of thing a path is: the suffix of an ordinary file, or what else it is, in the plural."""
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
    """``.heic (12), broken links (1)``, the commonest first; empty for nothing."""
    counts = Counter(kinds)
    common = counts.most_common(_NAMED)
    more = counts.total() - sum(count for _, count in common)
    return ", ".join(f"{kind} ({count:,})" for kind, count in common) + (
        f", others ({more:,})" if more else ""
    )


def others_in(folder: Path, used: Iterable[Path]) -> str:
    """What else is in a folder, counted."""
    known = set(used)
    return counted(
        kind_of(path) for path in sorted(folder.iterdir()) if path not in known and not is_hidden(path.name)
    )
