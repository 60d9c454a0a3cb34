"""Scores of vectors: what is wrong with a generator of rows is seen and named."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dropgan.evaluate import evaluate_vectors
from dropgan.evaluate.vectors import compare_column
from dropgan.export import export
from dropgan.serve import Generator, InputError
from dropgan.train import VectorData, change_recipe, load_recipe, train

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("sizes", [(1000, 1000), (300, 1700), (5, 7)])
def test_column_distances_are_scipys(sizes: tuple[int, int]) -> None:
    """Both distances against an independent implementation, ties included."""
    real, made = RANDOM.normal(size=sizes[0]).round(1), RANDOM.normal(0.3, 1.5, sizes[1]).round(1)
    wasserstein, ks = compare_column(real, made)
    assert wasserstein == pytest.approx(stats.wasserstein_distance(real, made), rel=1e-9)
    assert ks == pytest.approx(stats.ks_2samp(real, made).statistic, rel=1e-9)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """An untrained model of two columns, whose samples the tests replace."""
    folder = tmp_path_factory.mktemp("vectors")
    np.save(folder / "rows.npy", RANDOM.normal(size=(100, 2)))
    small = {
        "training.steps": 1,
        "training.batch_size": 8,
        "generator.hidden": [8],
        "discriminator.hidden": [8],
    }
    recipe = change_recipe(load_recipe("mlp"), small)
    train(folder / "run", recipe, data=str(folder / "rows.npy"), device="cpu", precision="fp32", threads=1)
    export(folder / "run", folder / "model.onnx")
    return Generator(folder / "model.onnx", device="cpu")


def _rows(count: int) -> np.ndarray:
    first = RANDOM.normal(100, 5, count)
    return np.stack([first, 0.01 * first + RANDOM.normal(0, 0.02, count)], 1)


@pytest.mark.parametrize(
    ("kind", "metric", "wrong"),
    [
        ("good", "", []),
        ("shifted", "wasserstein_vectors", ["columns", "rows"]),
        ("narrow", "recall_vectors", ["columns", "rows"]),
        ("unrelated", "correlation_difference_vectors", ["correlations", "rows"]),
        ("copied", "", ["copies"]),
    ],
)
def test_ladder(
    generator: Generator, monkeypatch: pytest.MonkeyPatch, kind: str, metric: str, wrong: list[str]
) -> None:
    """Each way to be wrong moves the score that is there for it; rows learnt by heart are called so."""
    rows, unseen, fresh = _rows(4000), _rows(4000), _rows(3000)
    made = {
        "good": fresh,
        "shifted": fresh + np.array([10, 0]),
        "narrow": fresh.mean(0) + (fresh - fresh.mean(0)) / 8,
        "unrelated": np.stack([fresh[:, 0], RANDOM.permutation(fresh[:, 1])], 1),
        "copied": rows[:3000] + RANDOM.normal(0, 1e-5, (3000, 2)),
    }[kind]
    data = VectorData(rows, "rows", ("a", "b"))
    card = generator.card
    monkeypatch.setattr(generator, "sample", lambda count, seed: made[:count].astype(np.float32))
    monkeypatch.setitem(card.data.__dict__, "fingerprint", data.fingerprint)
    found = evaluate_vectors(generator, data, samples=3000, held_out=VectorData(unseen, "unseen", ("a", "b")))
    problems = [finding.kind for finding in found.findings if finding.level == "problem"]
    assert problems == wrong
    verdicts = {  # whoever reads one line must know which columns to look at
        "good": "no problem found",
        "shifted": "problems: columns (a), rows",
        "narrow": "problems: columns (a, b), rows",
        "unrelated": "problems: correlations (a with b), rows",
    }
    assert kind == "copied" or found.verdict == verdicts[kind]
    scores, real = (
        {score.name: score.value for score in part} for part in (found.scores, found.held_out_scores)
    )
    if kind == "good":
        assert scores["frechet_distance_vectors"] < 0.01
        assert scores["precision_vectors"] > 0.7
    if metric.startswith("recall"):
        assert scores[metric] < 0.75 * real[metric]
    elif metric:
        assert scores[metric] > 5 * real[metric]


def test_what_does_not_fit_is_refused(generator: Generator, model_file: Path) -> None:
    """Rows of other columns, too few of them, and a model of images: one line each."""
    with pytest.raises(InputError, match="2 columns, wide has 3"):
        evaluate_vectors(generator, VectorData(RANDOM.normal(size=(50, 3)), "wide"))
    with pytest.raises(InputError, match="at least 10 real rows"):
        evaluate_vectors(generator, VectorData(RANDOM.normal(size=(5, 2)), "few"))
    with pytest.raises(InputError, match="makes images"):
        evaluate_vectors(Generator(model_file, device="cpu"), VectorData(RANDOM.normal(size=(50, 2)), "rows"))
