"""The rules of the verdict: how often real data are accused, and what is found."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from dropgan.evaluate.appearance import class_shares
from dropgan.evaluate.certificate import certificate
from dropgan.evaluate.chance import fewer_p_value, rank_test, unequal_p_value
from dropgan.evaluate.conditional import ClassAgreement
from dropgan.evaluate.copies import CopyTest
from dropgan.evaluate.features import FeatureNetwork, Features
from dropgan.evaluate.finding import GOOD, NOTE, PROBLEM, UNSURE, Finding, verdict
from dropgan.evaluate.findings import ERROR_RATE, Evidence, find
from dropgan.evaluate.joint import told_apart, worst_pair
from dropgan.evaluate.looks import Look, looks
from dropgan.evaluate.manifold import Manifold
from dropgan.evaluate.mixture import class_mixture
from dropgan.evaluate.surplus import surplus_test
from dropgan.evaluate.vectors import ks_p_value

_MIXED = np.random.default_rng(5).normal(size=(6, 6))


def _rows(count: int, seed: int, shift: float = 0.0) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(count, 6)) @ _MIXED + shift
    return made.astype(np.float32)


def test_ranks_and_shares_are_scipys() -> None:
    """Whoever is accused must be able to rely on the probabilities that are named."""
    random = np.random.default_rng(0)
    for top in (3, 1000):  # with ties, and with hardly any
        mine, other = random.integers(0, top, 40) + 1.0, random.integers(0, top, 30) * 1.0
        share, p_value = rank_test(mine, other)
        expected = stats.mannwhitneyu(mine, other, use_continuity=False, method="asymptotic")
        assert share == pytest.approx(expected.statistic / 1200)
        assert p_value == pytest.approx(expected.pvalue)
    assert rank_test(np.ones(5), np.ones(9)) == (0.5, 1.0)
    table = [[3, 47], [12, 38]]
    assert fewer_p_value(3, 50, 12, 50) == pytest.approx(stats.fisher_exact(table, "less").pvalue)
    assert fewer_p_value(12, 50, 3, 50) > 0.99


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.5, 2.0])
@pytest.mark.parametrize("kinds", [2, 3, 40])
def test_unequal_shares_as_scipy_has_them(kinds: int, spread: float) -> None:
    """A wrong tail would accuse honest samples of missing classes, or let half of them be missed."""
    random = np.random.default_rng(kinds)
    shares = random.dirichlet(np.ones(kinds))
    other = shares * np.exp(spread * random.normal(size=kinds))
    counts, others = random.multinomial(1000, shares), random.multinomial(700, other / other.sum())
    both = np.stack((counts, others))
    expected = stats.chi2_contingency(both[:, both.any(0)]).pvalue
    assert unequal_p_value(counts, others) == pytest.approx(expected, rel=1e-9)


def test_one_kind_alone_cannot_be_unequal() -> None:
    """Data of a single class, which a contingency table has no freedom for."""
    assert unequal_p_value(np.array([50, 0]), np.array([70, 0])) == 1.0


@pytest.mark.parametrize("unseen", [20, 200])
def test_real_rows_in_the_samples_place_are_no_further(unseen: int) -> None:
    """An honest model would be called far from its data because few images are held out, or many."""
    accused = 0
    for seed in range(20):
        reals, few = _rows(500, 3 * seed), _rows(unseen, 3 * seed + 1)
        test = surplus_test(_rows(300, 3 * seed + 2), few, reals, error_rate=ERROR_RATE, seed=seed)
        assert test.samples == unseen
        accused += test.p_value < ERROR_RATE
    assert accused <= 1


def test_a_surplus_is_found_and_does_not_depend_on_how_many() -> None:
    """The number must say how bad samples are, not how many were looked at."""
    found = []
    for count in (200, 1000):
        reals, unseen, off = _rows(4000, 0), _rows(count, 1), _rows(count, 2, shift=1.0)
        test = surplus_test(off, unseen, reals, error_rate=ERROR_RATE)
        assert test.p_value < ERROR_RATE
        assert test.surplus > test.detectable
        found.append(test.surplus)
    assert found[0] == pytest.approx(found[1], rel=0.2)
    assert found[1] == pytest.approx(6 / np.square(_MIXED).sum(), rel=0.2)  # |shift|² over the spread


def _pictures(count: int, seed: int) -> NDArray[np.uint8]:
    """Soft blobs in colour."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:16, 0:16][:, None]
    down, right = random.uniform(4, 12, (2, count, 1, 1))
    blobs = np.exp(-((rows - down) ** 2 + (columns - right) ** 2) / random.uniform(6, 20, (count, 1, 1)))
    colours = random.uniform(120, 255, (count, 1, 1, 3))
    return (blobs[..., None] * colours).astype(np.uint8)


def _problems(mine: NDArray[np.uint8], real: NDArray[np.uint8]) -> set[str]:
    evidence = Evidence(looks=looks(mine, real))
    return {finding.kind for finding in find(evidence) if finding.level == PROBLEM}


def test_pixels_of_real_pictures_pass_and_faults_have_names() -> None:
    """A checkerboard of six levels is seen by everybody and by no score."""
    for seed in range(20):
        assert _problems(_pictures(150, seed), _pictures(50, 100 + seed)) == set()
    mine, real = _pictures(150, 1), _pictures(50, 2)
    signs = (-1) ** np.add.outer(np.arange(16), np.arange(16))[:, :, None]
    random = np.random.default_rng(0)
    faults = {
        "checkerboard": np.clip(mine + 6.0 * signs, 0, 255),
        "noise": np.where(random.random(mine.shape) < 0.01, 255, mine),
        "contrast": 80 + mine * 0.4,
        "colour": mine * np.array([1.0, 0.6, 1.0]),
    }
    for kind, images in faults.items():
        assert kind in _problems(images.astype(np.uint8), real), kind
    rough, other = (images // 2 + random.integers(0, 90, images.shape) for images in (mine, real))
    soft = (rough + np.roll(rough, 1, 1) + np.roll(rough, 1, 2)) // 3
    assert "blur" in _problems(soft.astype(np.uint8), other.astype(np.uint8))


def test_few_real_images_cannot_tell() -> None:
    """Silence of a test that could find nothing would be read as praise."""
    test = surplus_test(_rows(300, 0), _rows(12, 1), _rows(24, 2), error_rate=ERROR_RATE)
    found = find(Evidence(samples=300, floor="12 held-out images", surplus=test))
    assert [finding.level for finding in found] == [UNSURE]
    assert found[0].text.startswith(
        "With 300 samples and 12 held-out images, some faults cannot be told from chance: "
    )
    assert f"larger by under {test.detectable:.0%} of the data's own spread" in found[0].text
    assert "cannot be told: there are too few" in find(Evidence())[0].text


def _shares(samples: int, kinds: int, held: int) -> Evidence:
    """What is counted by a classifier that knows 10 classes and is right in 46 % of cases."""
    random = np.random.default_rng(samples + kinds)

    def seen(labels: NDArray[np.int64]) -> Features:
        right = random.random(len(labels)) < 0.4
        guessed = np.where(right, labels, random.integers(0, 10, len(labels)))
        return Features(np.zeros((len(labels), 1), np.float32), np.eye(10, dtype=np.float32)[guessed])

    labels = np.arange(4000) % 10
    known = np.where(np.arange(4000) < held, labels, -1)
    network = FeatureNetwork("weak", "", nn.Identity(), class_names=tuple("abcdefghij"))
    made = seen(random.integers(0, kinds, samples))
    shares = class_shares(network, made, seen(labels), known)
    mixture = class_mixture(network, made, seen(labels), known)
    return Evidence(samples=samples, reals=4000, classes=shares, mixture=mixture, floor="50 held-out images")


def test_classes_that_a_weak_classifier_confuses_are_missed_when_they_are_missing() -> None:
    """A classifier that is right in four cases of ten sees cats where there are none: half of the classes
    of colour pictures were missing, and no problem was found."""
    (found,) = (each for each in find(_shares(1000, 5, 400)) if each.kind == "classes")
    assert found.level == PROBLEM
    assert set(found.names) <= set("fghij")
    for seed in range(20):
        assert all(each.level != PROBLEM for each in find(_shares(1000 + seed, 10, 400)))
    few = find(_shares(30, 10, 400))
    assert [
        each.kind for each in few if each.level == UNSURE and "classes that are missing" in each.text
    ] == ["power"]


def test_half_of_the_classes_are_missed_together_where_none_can_be_missed_alone() -> None:
    """With 300 samples and a classifier that confuses most, no single class is missing beyond chance: half of
    them were, and no problem was found."""
    (found,) = (each for each in find(_shares(300, 5, 1000)) if each.kind == "classes")
    assert found.level == PROBLEM
    assert "would have to be of another class" in found.text
    assert len(set(found.names) & set("fghij")) >= 4
    honest = [find(_shares(300 + seed, 10, 1000)) for seed in range(20)]
    assert all(each.level != PROBLEM for findings in honest for each in findings)


def test_labels_of_other_classes_say_nothing_of_what_is_confused() -> None:
    """A network of one's own can know other classes than the data's labels: no class may be called missing
    because a label has the same number."""
    logits = np.eye(4, dtype=np.float32)[np.arange(400) % 4]
    reals = Features(np.zeros((400, 1), np.float32), logits)
    network = FeatureNetwork("other", "", nn.Identity(), class_names=tuple("abcd"))
    shares = class_shares(network, reals, reals, (np.arange(400) + 1) % 4)
    assert [share.absent for share in shares] == [0, 0, 0, 0]
    assert class_mixture(network, reals, reals, (np.arange(400) + 1) % 4) is None


def test_one_sentence_says_all_that_cannot_be_told() -> None:
    """Of 50 held-out images a rule that could find nothing was silent, and its silence was read as praise."""
    weak, strong = ((0.3, 0.1),) * 4, ((0.9, 0.01),) * 4
    blind = Evidence(
        samples=40,
        reals=200,
        floor="8 held-out images",
        unknown_classes=True,
        manifolds=(Manifold(*weak), Manifold(*weak)),
        agreements=[ClassAgreement(name, 4, 4, 2, 2) for name in "ab"],
        looks=looks(_pictures(40, 0), _pictures(8, 1)),
    )
    (power,) = (finding for finding in find(blind) if finding.kind == "power")
    assert power.level == UNSURE
    for words in (
        "a recall of 0.00 or more, where real images have 0.30",
        "classes that are missing or exchanged, since these features know none",
        "classes whose samples show another (a, b)",
        "properties of pixels that differ in under 8",
    ):
        assert words in power.text
    keen = Evidence(
        samples=1000,
        reals=2000,
        floor="1,000 held-out images",
        manifolds=(Manifold(*strong), Manifold(*strong)),
        agreements=[ClassAgreement(name, 500, 480, 100, 97) for name in "ab"],
        looks=looks(_pictures(100, 0), _pictures(100, 1)),
    )
    assert "power" not in {finding.kind for finding in find(keen)}


def _classes(*lines: ClassAgreement) -> Finding:
    (found,) = (f for f in find(Evidence(agreements=lines)) if f.kind == "classes")
    return found


def test_a_class_is_held_against_real_images_of_it() -> None:
    """Two classes exchanged, or shirts drawn as T-shirts, drown in the average of ten classes."""
    good = [ClassAgreement(f"class {place}", 200, 180, 100, 92) for place in range(8)]
    swapped = [ClassAgreement("cat", 200, 4, 100, 90), ClassAgreement("dog", 200, 9, 100, 88)]
    found = _classes(*good, *swapped)
    assert found.level == PROBLEM
    assert found.names == ("cat", "dog")
    hard = ClassAgreement("shirt", 200, 90, 100, 55)  # a class that the classifier seldom knows
    assert _classes(*good, hard).level == "good"
    assert _classes(ClassAgreement("cat", 5, 1, 4, 3)).level == "good"  # chance
    assert _classes(ClassAgreement("cat", 200, 180, 0, 0)).level == NOTE


def test_a_verdict_names_each_class_once() -> None:
    """Ten classes were called ``T-shirt/top, Trouser, Pullover and 15 more``."""
    names = ("cat", "dog", "horse", "ship")
    found = [
        Finding("classes", PROBLEM, "missing", names),
        Finding("classes", PROBLEM, "mistaken", names[1:]),
    ]
    assert verdict(found) == "problems: classes (cat, dog, horse and 1 more)"


def test_the_verdict_says_when_so_few_images_can_tell_nothing() -> None:
    """Eight held-out images found no problem, and the line that people read was the one of a good model."""
    few, fine = Finding("power", UNSURE, "some faults"), Finding("copies", GOOD, "no sign of copying")
    assert verdict([fine]) == "no problem found"
    assert verdict([fine, few], "row") == "no problem found, as far as so few rows can tell"
    assert verdict([Finding("blur", PROBLEM, "blurred"), few]) == "problems: blur"


def test_what_is_seen_is_said_in_a_sentence() -> None:
    """The report is read by people."""
    looks = Look("grain", 1.0, 1e-9), Look("checkerboard", 1.0, 1e-9), Look("sharpness", 0.0, 1e-9)
    said = {finding.text.partition(" than")[0] for finding in find(Evidence(looks=looks))}
    assert {"Samples are grainier", "Samples have more of a checkerboard", "Samples are less sharp"} <= said


def test_a_look_that_is_sure_but_small_is_no_problem() -> None:
    """With many samples every difference is beyond chance."""
    evidence = Evidence(looks=(Look("grain", 0.6, 1e-30), Look("grain", 0.9, 0.2)))
    assert all(finding.level != PROBLEM for finding in find(evidence))


@pytest.mark.parametrize("count", [50, 500])
def test_honest_rows_pass_and_a_destroyed_correlation_does_not(count: int) -> None:
    """Columns that are each right and belong to different people are no table."""
    accused = 0
    for seed in range(20):
        mine, real = _rows(400, 2 * seed), _rows(count, 2 * seed + 1)
        pair, apart = worst_pair(mine, real, tuple("abcdef"), seed=seed), told_apart(mine, real, seed=seed)
        assert pair is not None
        assert apart is not None
        accused += pair.p_value < ERROR_RATE or (apart.p_value < ERROR_RATE and apart.pairs > 0.75)
    assert accused <= 1
    random = np.random.default_rng(0)
    first = random.normal(size=count)
    real = np.stack((first, 0.995 * first + 0.1 * random.normal(size=count)), 1).astype(np.float32)
    mine = real.copy()
    mine[:, 1] = random.permutation(mine[:, 1])
    pair, apart = worst_pair(mine, real, ("height", "weight")), told_apart(mine, real)
    assert pair is not None
    assert pair.p_value < ERROR_RATE
    assert pair.names == ("height", "weight")
    assert apart is not None
    assert apart.pairs > 0.75


def test_a_dependence_that_no_correlation_sees_is_told_apart() -> None:
    """Points on a circle and points all over the disc have the same columns' correlations: none."""
    random = np.random.default_rng(0)
    turn = random.uniform(0, 2 * np.pi, 1000)
    circle = np.stack((np.cos(turn), np.sin(turn)), 1).astype(np.float32)
    loose = np.stack((circle[:, 0], random.permutation(circle[:, 1])), 1)
    apart, fair = told_apart(loose, circle), told_apart(circle[:500], circle[500:])
    assert apart is not None
    assert fair is not None
    assert apart.pairs > 0.75
    assert fair.p_value > ERROR_RATE


def test_the_card_certifies_what_was_compared() -> None:
    """Who receives a file must see what its samples were compared with, and how sure that is."""
    blind = CopyTest("pixels", 1000, 15, 0, 0.0, 0.0, 1.0, 1.0, 2.0)
    coarse = CopyTest("pixels", 1000, 900, 800, 0.01, 0.0, 0.04, 0.6, 0.3)
    fine = CopyTest("domain features", 1000, 900, 850, 0.0, 0.0, 0.008, 1.0, 0.02)
    accused = CopyTest("pixels", 1000, 900, 800, 0.2, 0.15, 0.25, 1e-9, 0.3)
    assert certificate([blind], "clothes", seed=1) == ()
    (score,) = certificate([blind, coarse, fine], "clothes", seed=1)
    assert (score.value, score.samples, score.reference) == (0.008, 1000, "900 of clothes")
    assert score.spread_of == "upper bound at 95 %"
    (score,) = certificate([accused, fine], "clothes", seed=1)
    assert score.value == 0.25


def test_kolmogorov_and_smirnov_are_not_surer_than_scipy() -> None:
    """Rows were accused in every case of 50 real rows, where a distance of 0.1 is chance."""
    for distance, count, other in ((0.1, 50, 10_000), (0.3, 50, 10_000), (0.1, 1000, 2000)):
        limit = stats.kstwobign.sf(distance * np.sqrt(count * other / (count + other)))
        assert 0.999 * limit <= ks_p_value(distance, count, other) <= max(1.3 * limit, 1)
    assert ks_p_value(0.1, 50, 10_000) > ERROR_RATE
