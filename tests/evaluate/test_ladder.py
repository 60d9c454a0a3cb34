"""The sanity ladder: images made worse in known ways must be ranked and flagged as what they are."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv2d

from dropgan.evaluate import judge_samples
from dropgan.evaluate.copies import ERROR_RATE
from dropgan.evaluate.finding import PROBLEM, verdict
from dropgan.evaluate.findings import find
from dropgan.evaluate.judge import Judgement

from .conftest import Split

Pixels = NDArray[np.uint8]


def blurred(images: Pixels, sigma: float) -> Pixels:
    reach = int(3 * sigma + 0.5)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    planes = torch.from_numpy(images.copy()).permute(0, 3, 1, 2).float()
    planes = conv2d(planes, kernel[None, None, :, None], padding=(reach, 0))
    planes = conv2d(planes, kernel[None, None, None, :], padding=(0, reach))
    return planes.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def salted(images: Pixels, share: float) -> Pixels:
    white = np.random.default_rng(1).random(images.shape) < share
    return np.where(white, np.uint8(255), images)


def noised(images: Pixels, levels: float) -> Pixels:
    noise = np.random.default_rng(2).normal(0, levels, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def judge(split: Split) -> Callable[[Pixels], Judgement]:
    def judged(images: Pixels) -> Judgement:
        return judge_samples(images, split.network(images), split.training, split.held_out)

    return judged


def problems(judgement: Judgement) -> set[str]:
    return {finding.kind for finding in find(judgement.evidence) if finding.level == PROBLEM}


def distance(judgement: Judgement) -> float:
    return judgement.scores[0].value


@pytest.fixture(scope="module")
def fresh(split: Split, judge: Callable[[Pixels], Judgement]) -> Judgement:
    return judge(split.fresh)


def test_unseen_real_images_are_found_faultless(fresh: Judgement) -> None:
    """A false alarm on the best samples there can be would teach people to ignore alarms."""
    assert problems(fresh) == set()
    assert verdict(find(fresh.evidence)) == "no problem found"
    real = {score.name: score.value for score in fresh.held_out_scores}
    for score in fresh.scores:
        if score.name not in real:  # C_T compares with the held-out images, and has no score of them
            continue
        assert abs(score.value - real[score.name]) < 4 * score.spread + 0.02 * abs(score.value) + 0.02


@pytest.mark.parametrize(
    ("worsen", "steps", "flags"),
    [
        (blurred, (0.7, 1.5), {"blur"}),
        (salted, (0.02, 0.1), {"noise"}),
        (noised, (15.0, 60.0), {"noise"}),
    ],
    ids=["blur", "salt", "noise"],
)
def test_the_worse_the_images_the_worse_the_score(
    split: Split,
    judge: Callable[[Pixels], Judgement],
    fresh: Judgement,
    worsen: Callable[[Pixels, float], Pixels],
    steps: tuple[float, ...],
    flags: set[str],
) -> None:
    """Each rung is ranked below the last, far from real images, and called by its name."""
    rungs = [judge(worsen(split.fresh, step)) for step in steps]
    distances = [distance(fresh), *(distance(rung) for rung in rungs)]
    assert distances == sorted(distances)
    assert distances[1] > 3 * distances[0]
    assert flags <= problems(rungs[-1])
    assert "quality" in problems(rungs[-1])
    assert not any("copies" in problems(rung) for rung in rungs)


def test_pure_noise_is_the_worst_and_no_copy(
    split: Split, judge: Callable[[Pixels], Judgement], fresh: Judgement
) -> None:
    """Noise is near to nothing; being nearer to training than to held-out images means nothing there."""
    found = judge(np.random.default_rng(0).integers(0, 256, split.fresh.shape).astype(np.uint8))
    assert distance(found) > 100 * distance(fresh)
    assert {"quality", "variety", "noise"} <= problems(found)
    assert "copies" not in problems(found)


def test_collapse_to_one_class_is_named(
    split: Split, judge: Callable[[Pixels], Judgement], fresh: Judgement
) -> None:
    """Faultless trousers and nothing else: precision stays high, variety must fall."""
    trousers = split.fresh[split.fresh_labels == 1]
    found = judge(trousers)
    assert distance(found) > 30 * distance(fresh)
    assert {"classes", "variety"} <= problems(found)
    assert any("Trouser" in finding.text for finding in find(found.evidence))
    assert "copies" not in problems(found)


def test_one_image_over_and_over_is_collapse(split: Split, judge: Callable[[Pixels], Judgement]) -> None:
    """Total collapse, with distances of 0 between samples, must neither crash nor pass."""
    found = judge(np.repeat(split.fresh[:1], 500, axis=0))
    assert {"classes", "variety"} <= problems(found)
    assert all(np.isfinite(score.value) for score in found.scores)


def test_half_of_the_classes_missing_is_named(
    split: Split, judge: Callable[[Pixels], Judgement], fresh: Judgement
) -> None:
    """Five classes that are never drawn are listed by name."""
    found = judge(split.fresh[split.fresh_labels < 5])
    assert distance(found) > 30 * distance(fresh)
    missing = next(finding.text for finding in find(found.evidence) if finding.kind == "classes")
    assert all(name in missing for name in ("Sandal", "Sneaker", "Bag", "Ankle boot"))
    assert "Dress" not in missing


def test_copies_moved_by_a_pixel_are_still_found(split: Split, judge: Callable[[Pixels], Judgement]) -> None:
    """A generator may repeat its training images a little out of place."""
    assert "copies" in problems(judge(np.roll(split.training.data.images[:500], 1, axis=2)))


@pytest.mark.parametrize("levels", [0.0, 8.0], ids=["exact", "with a little noise"])
def test_memorised_images_are_no_good_model(
    split: Split, judge: Callable[[Pixels], Judgement], fresh: Judgement, levels: float
) -> None:
    """Copies of training images have a splendid distance; the verdict must say what they are."""
    copies = noised(split.training.data.images[:1000], levels)
    found = judge(copies)
    if levels == 0:
        assert distance(found) < 2 * distance(fresh)
    assert "copies" in problems(found)
    assert verdict(find(found.evidence)).startswith("copies its training images")
    assert max(test.copied for test in found.evidence.copies if test.p_value < ERROR_RATE) > 0.9


def test_a_few_copies_among_honest_samples_are_counted(
    split: Split, judge: Callable[[Pixels], Judgement]
) -> None:
    """One sample in ten being a copy is still a leak of the training data."""
    found = judge(np.concatenate([split.training.data.images[:100], split.fresh[:900]]))
    assert max(test.copied for test in found.evidence.copies if test.p_value < ERROR_RATE) == pytest.approx(
        0.1, abs=0.015
    )
    assert "copies" in problems(found)


def test_the_ladder_hangs_together(split: Split, judge: Callable[[Pixels], Judgement]) -> None:
    """Every score says what it is of: without that no two numbers can be compared."""
    for score in judge(split.fresh[:200]).scores:
        assert score.name.endswith("_domain")
        assert score.features == "domain"
        assert score.fingerprint.startswith("sha256:")
        assert score.samples == 200
        assert score.mode == "deployed"
        assert score.spread > 0
        assert score.spread_of
        if "inception_score" not in score.name:
            assert score.reference_samples == 2000
            assert score.split == "training"
