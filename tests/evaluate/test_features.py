"""Feature networks: the one that comes with dropgan, one's own, and Inception's or none."""

import hashlib
import io
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from dropgan.evaluate import (
    FeatureError,
    ValidationMetric,
    features_for,
    fit_features,
    load_features,
    save_domain,
    validation_metric,
)
from dropgan.evaluate.distances import FrechetDistance
from dropgan.evaluate.fitted import knows
from dropgan.evaluate.inception import load_inception
from dropgan.evaluate.reference import reference_features
from dropgan.evaluate.scoring import score_name
from dropgan.serve import Generator, InputError
from dropgan.train import ImageData, load_generator, load_images
from dropgan.train.data.readers.fashion_mnist import has_fashion_mnist, load_fashion_mnist
from dropgan.train.features.domain import domain_bytes, load_domain
from dropgan.train.features.fit import accuracy

_WEIGHTS = Path(__file__).parents[2] / "train" / "features" / "domain.safetensors"


def shapes(count: int, side: int = 16) -> ImageData:
    """Bars that lie or stand, at random places: two classes that a small network learns at once."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, count)
    images = random.integers(0, 40, (count, side, side, 3)).astype(np.uint8)
    for image, label, place in zip(images, labels, random.integers(2, side - 4, count), strict=True):
        bar = image[place : place + 2, 2:-2] if label else image[2:-2, place : place + 2]
        bar[:] = 220
    return ImageData(images, "bars", labels.astype(np.int64), ("standing", "lying"))


def test_the_shipped_features_are_small_enough() -> None:
    """The package promises at most 1.5 MB."""
    assert _WEIGHTS.stat().st_size <= 1.5e6


@pytest.mark.skipif(not has_fashion_mnist(), reason="Fashion-MNIST's test images are not installed")
def test_the_shipped_features_know_fashion() -> None:
    """At least 92 % of the test images, or the scores are in features of nothing."""
    network = load_features().module
    found = accuracy(network, load_fashion_mnist(split="test"))
    assert found >= 0.92
    assert found == pytest.approx(network.facts.accuracy, abs=1e-3)


def test_features_of_other_shapes_are_refused_with_the_way_out() -> None:
    """Scores of resized images in a network for others would look like scores."""
    with pytest.raises(FeatureError, match="--fit-features"):
        load_features()(np.zeros((2, 32, 32, 3), np.uint8))


def test_own_features_learn_labels_and_keep_their_name(tmp_path: Path) -> None:
    """A user's own labelled data must be scorable: fit, save, load, use."""
    data = shapes(500)
    network = fit_features(data, epochs=4)
    assert network.facts.accuracy > 0.95
    save_domain(tmp_path / "bars.safetensors", network)
    loaded = load_features(str(tmp_path / "bars.safetensors"))
    assert loaded.name == "bars"
    assert loaded.class_names == ("standing", "lying")
    assert loaded.knows_classes
    with torch.no_grad():
        expected, _ = network(torch.from_numpy(data.images[:5].copy()))
    assert loaded(data.images[:5]).vectors == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-5)
    assert loaded.fingerprint != load_features().fingerprint


def test_rotation_features_need_no_labels(tmp_path: Path) -> None:
    """Unlabelled data offline: features that tell which way up an image is, and no Inception Score."""
    images = np.random.default_rng(0).integers(0, 90, (400, 12, 12, 1)).astype(np.uint8)
    images[:, :4] += 120  # lighter above
    network = fit_features(ImageData(images, "skies"), task="rotation", epochs=12)
    assert network.facts.accuracy > 0.97  # chance is 0.25; 0.75 if left and right cannot be told apart
    save_domain(tmp_path / "skies.safetensors", network)
    assert not load_features(str(tmp_path / "skies.safetensors")).knows_classes


@pytest.mark.parametrize(
    ("data", "task", "message"),
    [
        (ImageData(shapes(20).images, "plain"), "labels", "no labels"),
        (shapes(20), "guess", "labels or rotation"),
    ],
)
def test_what_cannot_be_learned_is_refused(data: ImageData, task: str, message: str) -> None:
    """One line that says what to do instead, before minutes of training."""
    with pytest.raises(InputError, match=message):
        fit_features(data, task=task, epochs=1)


def test_clothes_are_known_by_their_pixels_or_their_names() -> None:
    """Digits are of the clothes' shape: judged by the clothes' network, half could be missing."""
    clothes = load_images("fashion-mnist-10k")
    some = ImageData(clothes.images[::100], "some")
    assert features_for(clothes).name == features_for(clothes.changed(name="renamed", class_names=())).name
    assert features_for(clothes).name == "domain"
    assert knows(some.changed(labels=np.zeros(100, np.int64), class_names=clothes.class_names[:1]))
    assert not knows(some)
    assert not knows(ImageData(np.pad(clothes.images[::100], [(0, 0), (2, 2), (2, 2), (0, 0)]), "larger"))
    assert features_for(some).name == "random"  # too few to fit a network to


def test_features_are_fitted_once_and_named_for_their_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of other data must say whose features they are in; and nobody waits twice for them."""
    data = shapes(600, side=8)
    numbered = data.changed(name="Lines & bars.npz", class_names=())
    first = features_for(numbered)
    assert first.name == "fitted_lines-bars"
    assert first.class_names == ("0", "1")
    assert first.about.startswith("a network fitted to Lines & bars.npz, by its 2 classes (")
    monkeypatch.setattr("dropgan.train.features.kept.fit_features", None)
    assert features_for(numbered).fingerprint == first.fingerprint
    assert numbered.labels is not None
    with pytest.raises(TypeError):  # other labels are other data
        features_for(numbered.changed(labels=1 - numbered.labels))


def test_a_changed_file_of_features_is_refused(tmp_path: Path) -> None:
    """Scores in weights that a disk has changed would be scores of nothing; a kept network is fitted anew."""
    whole = domain_bytes(fit_features(shapes(60, side=8), task="labels", epochs=1))
    for place in range(len(whole) // 2, len(whole), len(whole) // 40):
        changed = bytearray(whole)
        changed[place] ^= 16
        (tmp_path / "features.safetensors").write_bytes(changed)
        with pytest.raises(FeatureError, match="changed after it was written"):
            load_domain(tmp_path / "features.safetensors")
    (tmp_path / "features.safetensors").write_bytes(whole)
    assert load_domain(tmp_path / "features.safetensors").facts.task == "labels"


@pytest.mark.parametrize("width", [12, 16])
def test_images_without_labels_have_features_by_which_way_up_they_are(width: int) -> None:
    """Most people's pictures have no labels, and many are not square."""
    images = np.random.default_rng(width).integers(0, 90, (600, 12, width, 1)).astype(np.uint8)
    images[:, :4] += 120  # lighter above
    network = features_for(ImageData(images, "skies"))
    assert network.name == "fitted_skies"
    assert not network.knows_classes
    assert network(images[:20]).logits.shape == (20, 4 if width == 12 else 2)


def test_nothing_that_can_be_learned_gives_random_features() -> None:
    """Noise has no up or down: features fitted to it would be those of chance."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 8, 8, 1), dtype=np.uint8)
    assert features_for(ImageData(noise, "noise")).name == "random"


def test_damaged_or_foreign_feature_files_are_refused(tmp_path: Path) -> None:
    """No traceback of safetensors for a wrong --features."""
    (tmp_path / "junk.safetensors").write_bytes(b"junk" * 100)
    for path in (tmp_path / "junk.safetensors", tmp_path / "missing.safetensors", tmp_path):
        with pytest.raises(FeatureError):
            load_features(str(path))


def test_only_inception_is_called_fid() -> None:
    """A Fréchet distance in other features under the name FID would be a false claim."""
    assert score_name("frechet_distance", "inception") == "fid"
    assert score_name("frechet_distance", "domain") == "frechet_distance_domain"
    assert score_name("kid", "mine") == "kid_mine"
    assert score_name("precision", "inception") == "precision_inception"


def test_inception_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a silent substitute."""
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(FeatureError, match=r"dropgan\[inception\]"):
        load_inception()


def _with_extractor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for torch-fidelity, whose network needs a download to be of use."""
    package, module = types.ModuleType("torch_fidelity"), types.ModuleType("extractor")
    module.FeatureExtractorInceptionV3 = lambda *_, **__: torch.nn.Identity()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", module)


def test_other_weights_than_the_standard_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights of another training give other numbers under the same name."""
    _with_extractor(monkeypatch)
    (tmp_path / "weights.pth").write_bytes(b"other weights")
    with pytest.raises(FeatureError, match="not the standard weights"):
        load_inception(tmp_path / "weights.pth")
    with pytest.raises(FeatureError, match="cannot read"):
        load_inception(tmp_path / "missing.pth")


def test_inception_offline_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the message names the file, where it is, and the option that takes it."""
    import urllib.error

    _with_extractor(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(FeatureError, match="--inception-weights"):
        load_inception()


def test_damaged_weights_in_the_cache_are_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that changed them must not end every later evaluation."""
    _with_extractor(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("dropgan.evaluate.inception.WEIGHTS_SHA256", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: io.BytesIO(b"weights"))
    load_inception()
    [kept] = (tmp_path / "dropgan").iterdir()
    kept.write_bytes(b"damaged")
    load_inception()
    assert kept.read_bytes() == b"weights"


def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut-off cache file must not change a score or stop it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = ImageData(load_images("fashion-mnist-10k").images[:50], "few")
    network = load_features()
    first = reference_features(network, data)
    (kept,) = (tmp_path / "dropgan" / "features").iterdir()
    assert (reference_features(network, data).vectors == first.vectors).all()
    whole = kept.read_bytes()
    flipped = bytearray(whole)
    flipped[-1000] ^= 64
    for content in (whole[:100], b"", bytes(flipped)):
        kept.write_bytes(content)
        again = reference_features(network, data)
        assert (again.vectors == first.vectors).all()
        assert (again.logits == first.logits).all()


def test_the_validation_metric_is_the_evaluation_s_own(fashion_run: Path) -> None:
    """What training calls better must be what the evaluation calls better: same samples, same number."""
    data = ImageData(load_images("fashion-mnist-10k").images[:1000], "some")
    trained = load_generator(fashion_run)
    network = load_features()
    dim = trained.recipe.generator.latent_dim
    metric = ValidationMetric(data, dim, features=network, samples=300, seed=5)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    (value,) = metric(trained.module).values()
    assert torch.equal(torch.rand(3), expected)
    deployed = Generator(fashion_run / "model.onnx", device="cpu").sample(300, seed=5)
    distance = FrechetDistance(network(data.images).vectors)(network(deployed).vectors)
    assert value == pytest.approx(distance, rel=1e-4)
    assert metric.name == "frechet_distance_domain_300"


def test_training_writes_the_validation_metric_and_is_not_changed_by_it(tmp_path: Path) -> None:
    """The curve of metrics.jsonl; and a run that is watched must end with the weights of one that is not."""
    from dropgan.train import change_recipe, load_recipe, train

    clothes = load_images("fashion-mnist-10k")
    assert clothes.labels is not None
    np.savez(
        tmp_path / "clothes.npz",
        images=clothes.images[::50],
        labels=clothes.labels[::50],
        class_names=np.array(clothes.class_names),
    )
    settings = {"training.steps": 20, "training.batch_size": 20, "output.sample_interval": 10}
    recipe = change_recipe(load_recipe("seed"), settings)
    weights = []
    for name in ("watched", "alone"):
        run = train(
            tmp_path / name,
            recipe,
            data=str(tmp_path / "clothes.npz"),
            device="cpu",
            precision="fp32",
            threads=1,
            score=validation_metric if name == "watched" else None,
        )
        rows = [row for row in run.read_metrics() if "score" in row]
        assert [row["step"] for row in rows] == ([10, 20] if name == "watched" else [])
        assert all(row["score_name"] == "whitened_frechet_distance_domain_2000" for row in rows)
        weights.append(load_generator(run.path, "last").module.state_dict())
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
