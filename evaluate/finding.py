"""A finding of an evaluation, and the verdict that findings add up to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PROBLEM, UNSURE, NOTE, GOOD = _LEVELS = "problem", "unsure", "note", "good"
_NAMED = 3  # columns or classes in a verdict


@dataclass(frozen=True)
class Finding:
    """One finding of an evaluation."""

    kind: str
    """``copies``, ``distance``, ``quality``, ``variety``, ``classes``, ``blur``, ``noise``, ``checkerboard``,
    ``contrast``, ``colour``, ``overfitting``, ``power``, ``columns``, ``correlations`` or ``rows``."""
    level: str
    """``problem``, ``unsure`` (what so few images or rows cannot tell), ``note`` or ``good``."""
    text: str
    """The finding as a sentence."""
    names: tuple[str, ...] = ()
    """The columns or classes it is about, worst first; empty if it is about all samples."""


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, problems first and what is good last."""
    return tuple(sorted(findings, key=lambda finding: _LEVELS.index(finding.level)))


def verdict(findings: Sequence[Finding], what: str = "image") -> str:
    """Return one line: what is wrong, or that nothing was found, and whether everything could have been."""
    problems: dict[str, tuple[str, ...]] = {}
    for finding in findings:
        if finding.level == PROBLEM:
            named = (*problems.get(finding.kind, ()), *finding.names)
            problems[finding.kind] = tuple(dict.fromkeys(named))  # a class can be missing and mistaken
    if "copies" in problems:
        return f"copies its training {what}s: the other scores say nothing of what it would invent"
    all_listed = [kind + listed(names) for kind, names in problems.items()]
    if all_listed:
        return f"problems: {', '.join(all_listed)}"
    unsure = any(finding.level == UNSURE for finding in findings)
    return f"no problem found, as far as so few {what}s can tell" if unsure else "no problem found"


def listed(names: Sequence[str]) -> str:
    """Return the first names in brackets, and how many more there are; empty without names."""
    more = len(names) - _NAMED
    return f" ({', '.join(names[:_NAMED])}{f' and {more} more' if more > 0 else ''})" if names else ""
