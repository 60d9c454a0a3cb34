"""Interpret the numbers: the findings at the top of the report.

Every rule compares samples with real images scored the same way. It has two conditions: the difference is
beyond chance, at an error rate of 0.5 % per rule, and it is large enough to matter. docs/evaluation.md lists
the rules and how often they are wrong.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .appearance import ClassShare
from .chance import fewer_p_value
from .conditional import ClassAgreement
from .copies import ERROR_RATE as COPIES_ERROR_RATE
from .copies import CopyTest
from .discriminator import DiscriminatorGap
from .finding import GOOD, NOTE, PROBLEM, UNSURE, Finding, listed, worst_first
from .looks import Look
from .manifold import Manifold
from .memorisation import NeighbourTest
from .mixture import ClassMixture
from .recovery import Recovery
from .surplus import SurplusTest

ERROR_RATE = 0.005
"""Error rate of each rule: the probability that real images in the samples' place are accused."""
_LOW, _LOW_COVERAGE = 0.5, 0.7  # of what real images score
_FAR, _FAR_SEEN = 0.02, 0.1  # surplus of the distance, as a share of the data's spread
_SURE = 3.0  # standard errors of a difference of shares
_APART = 0.75  # of the pairs of a sample and a real image
_LEANING, _LEANING_RATIO, _AMONG_DATA, _LEANING_P = 0.6, 0.95, 1.5, 0.01
_MISSING, _DOMINANT = 0.2, 0.5
_UNEVEN, _RARE = 0.25, 0.5  # of the samples, of a class's share
_OVERFITTING = 0.6
_AGREEMENT = 0.6  # of what real images of the class have
_RECOVERY_GAP, _RECOVERY_P = 0.1, 0.01


@dataclass(frozen=True)
class Evidence:
    """The numbers from which findings are derived. Values that were not measured are empty or None."""

    samples: int = 0
    """Generated samples, and below the real images that classes were counted in."""
    reals: int = 0
    classes: Sequence[ClassShare] = ()
    mixture: ClassMixture | None = None
    """The classes that the samples are a mixture of; None without labels."""
    unknown_classes: bool = False
    """True if the real images have classes that the feature network does not know."""
    copies: Sequence[CopyTest] = ()
    neighbours: Sequence[NeighbourTest] = ()
    floor: str = ""
    """The real images in the samples' place, in words."""
    manifolds: tuple[Manifold, Manifold] | None = None
    """Manifolds of the samples, and of as many of those images."""
    surplus: SurplusTest | None = None
    looks: Sequence[Look] = ()
    recovery: Recovery | None = None
    discriminator: DiscriminatorGap | None = None
    agreements: Sequence[ClassAgreement] = ()
    """Number of samples of a conditional model that look like the requested class, class by class."""


def find(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings, problems first."""
    found = [
        *copying(evidence.copies, evidence.neighbours),
        *_distance(evidence),
        *_quality_and_variety(evidence),
        *_classes(evidence),
        *_agreement(evidence.agreements),
        *_looks(evidence.looks),
        *_overfitting(evidence),
        *_power(evidence),
    ]
    return worst_first(found)


def copying(
    copies: Sequence[CopyTest], neighbours: Sequence[NeighbourTest], what: str = "image"
) -> Iterator[Finding]:
    """Yield the findings about memorised training data.

    Args:
        copies: The copy test in each space; empty if it was not made.
        neighbours: The test for a bias towards the training data in each space; empty without held-out
            data.
        what: The word for a sample.
    """
    surest = min(copies, key=lambda test: test.p_value, default=None)
    if surest is None:
        return
    if surest.p_value < COPIES_ERROR_RATE:
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
            UNSURE,
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


def _distance(evidence: Evidence) -> Iterator[Finding]:
    """Yield the finding about the distance of samples from the data, compared with real images."""
    test = evidence.surplus
    if test is None:
        few = "Whether samples are as near to the data as real images are cannot be told: there are too few."
        yield Finding("distance", UNSURE, few)
        return
    beyond = (
        f"Fréchet distance {test.ratio:.3g} times that of real images in the samples' place"
        f" ({test.samples:,} of each; {evidence.floor}), a surplus of {_percent(max(test.surplus, 0))} of the"
        " data's own spread"
    )
    if test.p_value < ERROR_RATE:
        yield Finding("distance", PROBLEM if test.surplus > _FAR else NOTE, f"{beyond}.")
    elif test.detectable <= _FAR_SEEN:
        yield Finding("distance", GOOD, f"{beyond}, which is within chance.")


_MANIFOLD = (
    ("quality", "Many samples do not look like the data", (("precision", _LOW), ("density", _LOW))),
    ("variety", "Much of the data is never drawn", (("coverage", _LOW_COVERAGE), ("recall", _LOW))),
)
"""Kinds of findings, in words, with their scores and the share of the usual that is too low."""


def _quality_and_variety(evidence: Evidence) -> Iterator[Finding]:
    if evidence.manifolds is None:
        return
    mine, real = evidence.manifolds

    def low(metric: str, share: float) -> bool:
        (value, _), (usual, _) = getattr(mine, metric), getattr(real, metric)
        return bool(value < share * usual and usual - value > _SURE * _error(evidence.manifolds, metric))

    def beside(metric: str) -> str:
        return (
            f"{metric} {getattr(mine, metric)[0]:.2f}, where real images have {getattr(real, metric)[0]:.2f}"
        )

    for kind, what, metrics in _MANIFOLD:
        found = [metric for metric, share in metrics if low(metric, share)]
        if found:
            yield Finding(kind, PROBLEM, f"{what}: {'; '.join(beside(metric) for metric in found)}.")


def _error(manifolds: tuple[Manifold, Manifold] | None, metric: str) -> float:
    """Return the standard error of the difference of both."""
    return math.hypot(*(getattr(side, metric)[1] for side in manifolds or ()))


def _fewer(evidence: Evidence, few: float, of: int, many: float, others: int) -> bool:
    """Return True if a class's share is lower beyond chance."""
    rate = ERROR_RATE / (2 * len(evidence.classes))
    return fewer_p_value(round(few * of), of, round(many * others), others) < rate


def _classes(evidence: Evidence) -> Iterator[Finding]:
    shares = evidence.classes
    if not shares:
        return
    count, reals = evidence.samples, evidence.reals

    missing = [
        share.name
        for share in shares
        if share.real >= 0.01
        and share.generated < share.absent + _MISSING * (share.real - share.absent)
        and _fewer(evidence, share.generated, count, share.real, reals)
    ]
    if missing:
        yield Finding(
            "classes",
            PROBLEM,
            f"Hardly any samples of {', '.join(missing)} (under a fifth of their share).",
            tuple(missing),
        )
    elif (mixture := evidence.mixture) and mixture.p_value < ERROR_RATE and mixture.apart > _UNEVEN:
        few = mixture.below(_RARE)
        rare = f"; under half of their share: {', '.join(few)}" if few else ""
        yield Finding(
            "classes",
            PROBLEM,
            f"Classes are drawn unevenly: about {mixture.apart:.0%} of the samples would have to be of"
            f" another class{rare}.",
            few,
        )
    most = max(shares, key=lambda share: share.generated)
    if (
        most.generated > _DOMINANT
        and most.generated > 2 * most.real
        and _fewer(evidence, most.real, reals, most.generated, count)
    ):
        yield Finding(
            "classes",
            PROBLEM,
            f"{most.generated:.0%} of the samples are {most.name}, of the real images {most.real:.0%}.",
        )


def _agreement(classes: Sequence[ClassAgreement]) -> Iterator[Finding]:
    count = sum(line.samples for line in classes)
    if not count:
        return
    reals = sum(line.reals for line in classes)
    share = sum(line.agreed for line in classes) / count
    beside = f", of real images {sum(line.real_agreed for line in classes) / reals:.0%}" if reals else ""
    wrong = tuple(
        line.name for line in classes if line.reals and line.samples and not _agrees(line, len(classes))
    )
    text = f"{share:.0%} of the samples look like the class that was asked for{beside}"
    if wrong:
        yield Finding(
            "classes",
            PROBLEM,
            f"Samples of {', '.join(wrong)} do not look like their class to the feature network: {text}.",
            wrong,
        )
    else:
        cannot = "" if reals else "; real images with labels would be needed to say whether that is good"
        level = GOOD if reals else NOTE
        yield Finding("classes", level, f"{text}, to the feature network's classifier{cannot}.")


def _agrees(line: ClassAgreement, classes: int) -> bool:
    """Return True if samples look like their class about as often as real images do, up to chance."""
    return (
        line.agreed / line.samples >= _AGREEMENT * line.real_agreed / line.reals
        or fewer_p_value(line.agreed, line.samples, line.real_agreed, line.reals) >= ERROR_RATE / classes
    )


_LOOKS = {
    "sharpness": ("blur", "are less sharp", "noise", "are sharper"),
    "grain": ("blur", "are smoother", "noise", "are grainier"),
    "specks": ("blur", "have fewer specks", "noise", "have more specks"),
    "checkerboard": ("blur", "have less of a checkerboard", "checkerboard", "have more of a checkerboard"),
    "contrast": ("contrast", "are of lower contrast", "contrast", "are of higher contrast"),
    "brightness": ("contrast", "are darker", "contrast", "are lighter"),
    "lightest level": ("contrast", "are darker where lightest", "contrast", "are lighter where lightest"),
    "darkest level": ("contrast", "are darker where darkest", "contrast", "are lighter where darkest"),
    "red against green": ("colour", "are less red", "colour", "are redder"),
    "blue against green": ("colour", "are less blue", "colour", "are bluer"),
}
"""By a property: the kind of a finding and the words where samples have less of it, and where more."""


def _looks(looks: Sequence[Look]) -> Iterator[Finding]:
    worst: dict[str, tuple[float, str]] = {}
    for look in looks:
        less, more = _LOOKS[look.name][:2], _LOOKS[look.name][2:]
        kind, words = more if look.more > 0.5 else less
        share = max(look.more, 1 - look.more)
        if look.p_value < ERROR_RATE and share > _APART:
            worst[kind] = max(worst.get(kind, (0.0, "")), (share, words))
    for kind, (share, words) in worst.items():
        text = f"Samples {words} than real images in {share:.0%} of pairs (50 % would be fair)."
        yield Finding(kind, PROBLEM, text)


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


def _power(evidence: Evidence) -> Iterator[Finding]:
    """Yield one sentence about the faults that the rules above have no power to detect."""
    blind = [
        *_blind_to_distance(evidence),
        *_blind_to_lost_variety(evidence),
        *_blind_to_classes(evidence),
        *_blind_to_looks(evidence),
    ]
    if blind:
        few = f"{evidence.samples:,} samples and {evidence.floor}"
        said = f"With {few}, some faults cannot be told from chance: {'; '.join(blind)}."
        yield Finding("power", UNSURE, said)


def _blind_to_distance(evidence: Evidence) -> Iterator[str]:
    test = evidence.surplus
    if test is not None and test.detectable > _FAR_SEEN and test.p_value >= ERROR_RATE:
        yield (
            f"samples whose distance is larger by under {_percent(test.detectable)} of the data's own spread"
        )


def _blind_to_lost_variety(evidence: Evidence) -> Iterator[str]:
    if evidence.manifolds is None:
        return
    for _, _, metrics in _MANIFOLD:
        for metric, share in metrics:
            usual, error = getattr(evidence.manifolds[1], metric)[0], _error(evidence.manifolds, metric)
            if (1 - share) * usual <= _SURE * error:
                least = max(usual - _SURE * error, 0.0)
                yield f"a {metric} of {least:.2f} or more, where real images have {usual:.2f}"


def _blind_to_classes(evidence: Evidence) -> Iterator[str]:
    if evidence.unknown_classes:
        yield "classes that are missing or exchanged, since these features know none"
    unseen = [
        share.name
        for share in evidence.classes
        if share.real >= 0.01
        and not _fewer(evidence, share.absent, evidence.samples, share.real, evidence.reals)
    ]
    lines = [line for line in evidence.agreements if line.samples and line.reals]
    mixed = [
        line.name
        for line in lines
        if _agrees(replace(line, agreed=line.samples // len(lines)), len(evidence.agreements))
    ]
    said = {"that are missing": unseen, "whose samples show another": mixed}
    yield from (f"classes {words}{listed(names)}" for words, names in said.items() if names)


def _blind_to_looks(evidence: Evidence) -> Iterator[str]:
    least = max((look.detectable for look in evidence.looks), default=0.0)
    if least > _APART:
        yield f"properties of pixels that differ in under {min(least, 1.0):.0%} of pairs"
