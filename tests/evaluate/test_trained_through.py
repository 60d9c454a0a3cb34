"""Runs whose discriminator looked through a feature network are scored in features that it did not see."""

from pathlib import Path

import pytest

from dropgan.evaluate import FeatureError, evaluate, features_for, load_features, validation_metric
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import change_recipe, load_data, load_recipe, train
from dropgan.train.data import ImageData, require_kind
from dropgan.train.features.domain import BUILT_IN

from ..features_file import features_file
from ..train.small_projected import SMALL


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return features_file(tmp_path_factory.mktemp("features") / "mine.safetensors")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, features: Path, image_file: Path) -> Path:
    """A file of a run of two steps."""
    folder = tmp_path_factory.mktemp("through")
    changes = {**SMALL, "discriminator.features": str(features), "training.steps": 2}
    recipe = change_recipe(load_recipe("projected"), changes)
    train(folder / "run", recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)
    export(folder / "run", folder / "model.onnx")
    return folder / "model.onnx"


def test_the_file_and_the_report_say_which_they_were(
    model: Path, features: Path, image_file: Path, tmp_path: Path
) -> None:
    """A score in features that a network was trained through flatters it: whoever reads one must be able to
    tell that it is none."""
    card = Generator(model, device="cpu").card.training.features
    assert (card.name, card.fingerprint) == (str(features), load_features(str(features)).fingerprint)
    found = evaluate(model, str(image_file), samples=50, report=tmp_path / "report.html", device="cpu")
    assert (
        found.as_json()["trained_through"] == card.about == "the network in mine.safetensors, fitted to noise"
    )
    assert found.scores[0].fingerprint != card.fingerprint
    assert card.about in (tmp_path / "report.html").read_text()


def test_they_are_refused_by_name(model: Path, features: Path, image_file: Path) -> None:
    """Also under another name: the weights are what training saw."""
    copy = features.with_name("copy.safetensors")
    copy.write_bytes(features.read_bytes())
    with pytest.raises(FeatureError, match=r"looked through these features .* would flatter"):
        evaluate(model, str(image_file), samples=50, features=str(copy), device="cpu")


def test_they_are_passed_over_by_auto() -> None:
    """The network that comes with dropgan judges clothes, but for runs that looked through it."""
    clothes = require_kind(load_data("fashion-mnist-10k"), ImageData)
    seen = load_features().fingerprint
    few = clothes.changed(images=clothes.images[:300], labels=None)
    assert features_for(few).name == "domain"
    assert features_for(few, seen=seen).name == "random"
    watched_by = {"auto": "whitened_frechet_distance_domain_", "domain": "frechet_distance_random_"}
    for name, watched in {**watched_by, str(BUILT_IN): watched_by["domain"]}.items():
        recipe = change_recipe(load_recipe("projected"), {"discriminator.features": name})
        score = validation_metric(few, recipe)
        assert score is not None
        assert score.name.startswith(watched)  # type: ignore[attr-defined]
