"""Class-conditional models evaluated: with labels wherever the networks and the file want them."""

from pathlib import Path

import numpy as np
import pytest

from dropgan.evaluate import Evaluation, ValidationMetric, evaluate, load_features
from dropgan.evaluate.pictures import make_pictures
from dropgan.evaluate.report import write_report
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.serve.classes import Classes
from dropgan.train import change_recipe, load_generator, load_images, load_recipe, train
from dropgan.train.data import ImageData, labels_for_model


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 steps on 500 of the embedded images of five of their classes."""
    clothes = load_images("fashion-mnist-10k")
    assert clothes.labels is not None
    some = np.flatnonzero(np.isin(clothes.labels, [0, 1, 5, 7, 8]))[::10]
    folder = tmp_path_factory.mktemp("conditional")
    np.savez(
        folder / "clothes.npz",
        images=clothes.images[some],
        labels=clothes.labels[some],
        class_names=np.array(clothes.class_names),
    )
    settings = {
        "conditional": True,
        "training.steps": 500,
        "training.batch_size": 50,
        "generator.hidden": [64, 64],
        "discriminator.hidden": [64, 64],
        "training.ema_decay": 0.9,
    }
    recipe = change_recipe(load_recipe("mlp"), settings)
    train(folder / "run", recipe, data=str(folder / "clothes.npz"), device="cpu", precision="fp32", threads=1)
    export(folder / "run", folder / "run" / "model.onnx")
    return folder / "run"


@pytest.fixture(scope="module")
def data(run: Path) -> ImageData:
    return load_images(str(run.parent / "clothes.npz"))


@pytest.fixture(scope="module")
def evaluation(run: Path, data: ImageData) -> Evaluation:
    clothes = load_images("fashion-mnist-10k")
    assert clothes.labels is not None
    some = np.flatnonzero(np.isin(clothes.labels, [0, 1, 5, 7, 8]))[5::20]
    unseen = ImageData(clothes.images[some], "unseen", clothes.labels[some], clothes.class_names)
    return evaluate(run / "model.onnx", data, samples=300, held_out=unseen, run=run)


def test_every_test_is_made(evaluation: Evaluation) -> None:
    """Recovery, gap, attacks, sensitivity and train mode all need the labels of what they look at."""
    assert evaluation.left_out == {}
    assert evaluation.recovery is not None
    assert evaluation.discriminator is not None
    assert evaluation.sensitivity is not None
    assert {attack.images for attack in evaluation.attacks} == {"real", "generated"}
    assert evaluation.train_mode_scores


def test_agreement_is_that_of_the_classes_asked_for(evaluation: Evaluation) -> None:
    """A model that ignored its labels would be at one in five; the findings say it."""
    score = evaluation.scores[-1]
    assert score.name == "class_agreement_domain"
    assert score.value > 0.6
    assert any("class that was asked for" in finding.text for finding in evaluation.findings)


def test_agreement_needs_classes_of_these_names(run: Path, data: ImageData) -> None:
    """Labels 0 to 4 here are not the classifier's labels 0 to 4."""
    generator = Generator(run / "model.onnx", device="cpu")
    assert generator.class_names == ("T-shirt/top", "Trouser", "Sandal", "Sneaker", "Bag")
    assert generator.class_numbers == (0, 1, 5, 7, 8)
    classes = Classes.of(generator.card)
    asked = labels_for_model(data, classes)
    assert asked is not None
    assert data.labels is not None
    assert np.array_equal(np.array([0, 1, 5, 7, 8])[asked], data.labels)
    strange = ImageData(data.images, "strange", data.labels + 1)
    assert labels_for_model(strange, classes) is None


def test_pictures_are_by_the_class_asked_for(evaluation: Evaluation, tmp_path: Path) -> None:
    """The first picture has a row for each class of the model, not of the classifier."""
    pictures = make_pictures(evaluation.material)
    assert pictures[0].rows == ("T-shirt/top", "Trouser", "Sandal", "Sneaker", "Bag")
    assert "One latent, several classes" in {picture.title for picture in pictures}
    write_report(evaluation, tmp_path / "report.html")
    assert "Class agreement" in (tmp_path / "report.html").read_text("utf-8")


def test_validation_metric_is_given_labels(run: Path, data: ImageData) -> None:
    """Of the same labels, training's score is that of the file it will export, to rounding."""
    trained = load_generator(run)
    numbers = Generator(run / "model.onnx", device="cpu").labels(300, seed=3)
    labels = np.searchsorted([0, 1, 5, 7, 8], numbers)
    dim = trained.recipe.generator.latent_dim
    metric = ValidationMetric(data, dim, labels=labels, samples=300, seed=3)
    made = metric(trained.module)[metric.name]
    deployed = evaluate(run / "model.onnx", data, samples=300, seed=3).scores[0].value
    assert made == pytest.approx(deployed, rel=1e-2)


def test_data_without_labels_leaves_out_what_needs_them(run: Path, data: ImageData) -> None:
    """The networks must not be shown images under labels that are not theirs."""
    bare = ImageData(data.images, "bare")
    found = evaluate(
        run / "model.onnx",
        bare,
        samples=100,
        held_out=ImageData(data.images[::2], "half"),
        features=load_features(),
        run=run,
    )
    assert {"attacks on real images", "overfitting"} <= set(found.left_out)
    assert {attack.images for attack in found.attacks} == {"generated"}
