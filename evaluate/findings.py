"""What the numbers mean: the findings at the head of the report.

Every rule compares with what held-out real images score in the samples' place, where there are any,
so that it does not depend on the scale of the features. docs/evaluation.md lists the rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dropgan.serve.card import ScoreCard

from .appearance import ClassShare
from .copies import ERROR_RATE, CopyTest
from .discriminator import DiscriminatorGap
from .memorisation import NeighbourTest
from .recovery import Recovery

PROBLEM, NOTE, GOOD = "problem", "note", "good"

_LOW = 0.5  # of what held-out images score
_BLURRED, _NOISY = 0.8, 1.25  # shares of the real images' sharpness
_LEANING, _LEANING_RATIO, _AMONG_DATA, _LEANING_P = 0.6, 0.95, 1.5, 0.01
_MISSING, _DOMINANT = 0.2, 0.5
_OVERFITTING = 0.6
_AGREEMENT = 0.6
_RECOVERY_GAP, _RECOVERY_P = 0.1, 0.01
_NAMED = 3  # columns or classes in a verdict


@dataclass(frozen=True)
class Finding:
    """One finding of an evaluation."""

    kind: str
    """``copies``, ``quality``, ``variety``, ``classes``, ``blur``, ``noise``, ``overfitting``,
    ``distance``, or ``columns``."""
    level: str
    """``problem``, ``note`` or ``good``."""
    text: str
    """The finding as a sentence."""
    names: tuple[str, ...] = ()
    """The columns or classes it is about, worst first; empty if it is about all samples."""


@dataclass(frozen=True)
class Evidence:
    """The numbers that findings are made of; what was not measured is empty or None."""

    scores: Sequence[ScoreCard]
    held_out_scores: Sequence[ScoreCard]
    classes: Sequence[ClassShare]
    sharpness: float
    copies: Sequence[CopyTest]
    neighbours: Sequence[NeighbourTest]
    recovery: Recovery | None = None
    discriminator: DiscriminatorGap | None = None
    agreement: float | None = None
    """Share of a conditional model's samples that look like the class asked for."""


def find(evidence: Evidence) -> tuple[Finding, ...]:
    """The findings, problems first."""
    found = [
        *copying(evidence.copies, evidence.neighbours),
        *_quality_and_variety(evidence),
        *_classes(evidence.classes),
        *_agreement(evidence.agreement),
        *_sharpness(evidence.sharpness),
        *_overfitting(evidence),
    ]
    order = {PROBLEM: 0, NOTE: 1, GOOD: 2}
    return tuple(sorted(found, key=lambda finding: order[finding.level]))


def verdict(findings: Sequence[Finding], what: str = "image") -> str:
    """One line: what is wrong, or that nothing was found."""
    problems: dict[str, tuple[str, ...]] = {}
    for finding in findings:
        if finding.level == PROBLEM:
            problems[finding.kind] = problems.get(finding.kind, ()) + finding.names
    if "copies" in problems:
        return f"copies its training {what}s: the other scores say nothing of what it would invent"
    named = [kind + _listed(names) for kind, names in problems.items()]
    return f"problems: {', '.join(named)}" if named else "no problem found"


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return f" ({', '.join(names[:_NAMED])}{f' and {more} more' if more > 0 else ''})" if names else ""


def copying(
    copies: Sequence[CopyTest], neighbours: Sequence[NeighbourTest], what: str = "image"
) -> Iterator[Finding]:
    """What is to be said of memorised training data.

    Args:
        copies: The test for copies, in each space; empty where it was not made.
        neighbours: Whether samples lean towards the training data, in each space; empty without held-out
            data.
        what: What a sample is.
    """
    surest = min(copies, key=lambda test: test.p_value, default=None)
    if surest is None:
        return
    if surest.p_value < ERROR_RATE:
        yield Finding(
            "copies",
            PROBLEM,
            f"About {surest.copied:.0%} of the samples (at least {_percent(surest.at_least)}) are copies of"
            f" training {what}s, in {surest.space}: far nearer to one of them than to the next ones. A good"
            " distance means nothing here.",
        )
        return
    if neighbours and all(_leans(test) for test in neighbours):
        share = min(test.nearer_to_training for test in neighbours)
        yield Finding(
            "copies",
            PROBLEM,
            f"{share:.0%} of the samples are nearer to a training {what} than to any held-out {what} (50 %"
            f" would be fair): the samples lean on the training {what}s.",
        )
        return
    keenest = min(copies, key=lambda test: test.detectable)
    if keenest.can_tell:
        yield Finding(
            "copies",
            GOOD,
            f"No sign of copying: at most {_percent(keenest.at_most)} of the samples repeat a training {what}"
            f" closely (95 % confidence, {keenest.samples:,} samples, {keenest.training:,} training {what}s);"
            f" {_percent(keenest.detectable)} of copies would have been found.",
        )
    else:
        yield Finding(
            "copies",
            NOTE,
            f"Whether training {what}s are copied cannot be told: there are too few of them"
            f" ({keenest.training:,}), or equal ones are too common among them.",
        )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def _leans(test: NeighbourTest) -> bool:
    return (
        test.p_value < _LEANING_P
        and test.nearer_to_training > _LEANING
        and test.median_ratio < _LEANING_RATIO
        and test.relative_distance < _AMONG_DATA
    )


def _quality_and_variety(evidence: Evidence) -> Iterator[Finding]:
    mine, real = _by_metric(evidence.scores), _by_metric(evidence.held_out_scores)

    def low(metric: str) -> bool:
        return mine[metric].value < _LOW * (real[metric].value if metric in real else 1.0)

    if "precision" not in mine:
        return
    ideal = "where held-out images have" if real else "where real images have about"

    def beside(metric: str) -> str:
        return f"{metric} {mine[metric].value:.2f}, {ideal} {real[metric].value if real else 1.0:.2f}"

    if low("precision") or low("density"):
        yield Finding("quality", PROBLEM, f"Many samples do not look like the data: {beside('density')}.")
    if low("recall") or low("coverage"):
        yield Finding("variety", PROBLEM, f"Much of the data is never drawn: {beside('coverage')}.")
    distance = mine["frechet_distance"]
    if real:
        floor = real["frechet_distance"].value
        yield Finding(
            "distance",
            NOTE,
            f"Fréchet distance {distance.value:.3g} in {distance.features} features; held-out real images"
            f" have {floor:.2g} to the same reference, which is as low as an honest model can come.",
        )


def _classes(shares: Sequence[ClassShare]) -> Iterator[Finding]:
    if not shares:
        return
    missing = [
        share.name for share in shares if share.real >= 0.01 and share.generated < _MISSING * share.real
    ]
    if missing:
        yield Finding(
            "classes",
            PROBLEM,
            f"Hardly any samples of {', '.join(missing)} (under a fifth of their share).",
            tuple(missing),
        )
    most = max(shares, key=lambda share: share.generated)
    if most.generated > _DOMINANT and most.generated > 2 * most.real:
        yield Finding("classes", PROBLEM, f"{most.generated:.0%} of the samples are {most.name}.")


def _agreement(value: float | None) -> Iterator[Finding]:
    if value is not None:
        yield Finding(
            "classes",
            PROBLEM if value < _AGREEMENT else GOOD,
            f"{value:.0%} of the samples look like the class that was asked for, to the feature network's"
            " classifier.",
        )


def _sharpness(value: float) -> Iterator[Finding]:
    if value < _BLURRED:
        yield Finding(
            "blur", PROBLEM, f"Samples are blurred: {value:.2f} of the real images' differences of pixels."
        )
    elif value > _NOISY:
        yield Finding(
            "noise", PROBLEM, f"Samples are noisy: {value:.2f} of the real images' differences of pixels."
        )


def _overfitting(evidence: Evidence) -> Iterator[Finding]:
    recovery, gap = evidence.recovery, evidence.discriminator
    if recovery is not None:
        overfits = recovery.gap > _RECOVERY_GAP and recovery.p_value < _RECOVERY_P
        yield Finding(
            "overfitting",
            PROBLEM if overfits else GOOD,
            f"The generator draws training images {'better than' if overfits else 'as well as'} images that"
            f" it never saw: gap of the recovery errors {recovery.gap:+.2f}, p = {recovery.p_value:.2g}.",
        )
    if gap is not None:
        overfits = gap.knows_training > _OVERFITTING
        yield Finding(
            "overfitting",
            NOTE if overfits else GOOD,
            f"The discriminator tells a training image from a held-out one in {gap.knows_training:.0%} of"
            f" pairs (50 % is chance){': it overfits' if overfits else ''}.",
        )


def _by_metric(scores: Sequence[ScoreCard]) -> dict[str, ScoreCard]:
    named = {score.name.removesuffix(f"_{score.features}"): score for score in scores}
    if "fid" in named:
        named["frechet_distance"] = named["fid"]
    return named
