"""Labels of a data set as the classes of a conditional model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dropgan.serve.classes import Classes
from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import Reporter
from dropgan.train import DataError, ResumeError, change_recipe, load_generator, load_recipe, resume, train
from dropgan.train.data import (
    DataOptions,
    ImageData,
    label_fingerprint,
    labels_for_model,
    load_data,
    load_images,
    with_classes,
)
from dropgan.train.data.pixels import to_pixels

from ..conftest import TINY, bar_of


def data(labels: list[int] | None, names: tuple[str, ...] = ()) -> ImageData:
    count = len(labels or [0, 0])
    images = np.random.default_rng(0).integers(0, 255, (count, 4, 4, 1), dtype=np.uint8)
    return ImageData(images, "some", None if labels is None else np.array(labels), names)


def test_labels_are_learned(conditional_run: Path) -> None:
    """A conditional model that ignores its labels would train, export and sample just as well."""
    trained = load_generator(conditional_run)
    assert trained.spec.classes == 3
    latents, labels = torch.from_numpy(LatentStream(8)(300, seed=0)), torch.arange(300) % 3
    images = to_pixels(trained.module(latents, labels)).numpy()
    assert (bar_of(images) == labels.numpy()).mean() > 0.95
    assert len({image.tobytes() for image in images}) == 300  # the latent still says something


@pytest.mark.parametrize(
    ("labels", "names", "mapped", "mapped_names", "numbers"),
    [
        ([0, 2, 1, 0], (), [0, 2, 1, 0], (), (0, 1, 2)),
        ([0, 1, 1], ("cat", "dog"), [0, 1, 1], ("cat", "dog"), (0, 1)),
        ([1, 10, 3], (), [0, 2, 1], (), (1, 3, 10)),
        ([2, 0, 2], ("cat", "dog", "eel", "fox"), [1, 0, 1], ("cat", "eel"), (0, 2)),
        ([0, 1, 2], ("0", "1", "2"), [0, 1, 2], ("0", "1", "2"), (0, 1, 2)),
        ([0, 1, 2], ("5", "x", "3"), [1, 2, 0], ("3", "5", "x"), (3, 5, 6)),
        ([0, 1, 2], ("0", "10", "2"), [0, 2, 1], ("0", "2", "10"), (0, 2, 10)),
    ],
)
def test_classes_are_those_that_have_images(
    labels: list[int],
    names: tuple[str, ...],
    mapped: list[int],
    mapped_names: tuple[str, ...],
    numbers: tuple[int, ...],
) -> None:
    """Nobody must be able to ask for a class that was never learned; the user's names and numbers stay."""
    found = with_classes(data(labels, names))
    assert found.labels is not None
    assert found.labels.tolist() == mapped
    assert found.class_names == mapped_names
    assert found.class_numbers == numbers
    assert found.classes == max(mapped) + 1


def test_names_that_contradict_numbers_are_said() -> None:
    """Stars "1" to "5" under labels 0 to 4: whoever asks for 1 must know which it is."""
    said: list[str] = []
    with_classes(data([0, 1, 2], ("1", "2", "3")), Reporter(note=said.append))
    assert said == ["the class numbers follow from the names: 1 is 1, 2 is 2, 3 is 3"]


def test_folders_and_texts_in_natural_order(tmp_path: Path) -> None:
    """Folders 0 to 11 in the order of the alphabet would be classes 0, 1, 10, 11, 2, ..."""
    random = np.random.default_rng(0)
    for number in range(12):
        for place in range(2):
            path = tmp_path / "folders" / str(number) / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 255, (8, 8), dtype=np.uint8)).save(path)
    found = with_classes(load_images(str(tmp_path / "folders")))
    assert found.class_names == tuple(map(str, range(12)))
    assert found.class_numbers == tuple(range(12))
    assert found.labels is not None
    assert found.labels.tolist() == [int(place) for place in np.repeat(sorted(range(12), key=str), 2)]
    names = [f"kind {number}" for number in (10, 9, 2)]
    lines = [f"{place}.5,{place * place},{names[place % 3]}" for place in range(9)]
    (tmp_path / "a.csv").write_text("\n".join(["x,y,kind", *lines]))
    table = load_data(str(tmp_path / "a.csv"), options=DataOptions(label_column="kind"))
    assert table.class_names == ("kind 2", "kind 9", "kind 10")
    assert table.labels is not None
    assert table.labels.tolist() == [2, 1, 0] * 3


def test_labels_of_a_models_classes() -> None:
    """Held-out data may have other gaps, other orders, names or none: each class is still the model's."""
    numbers, named = Classes((0, 2, 5)), Classes((0, 2, 5), ("cat", "eel", "fox"))
    for classes, labels, names, expected in (
        (numbers, [5, 0, 5], (), [2, 0, 2]),
        (numbers, [1, 0], (), None),
        (named, [0, 1], ("fox", "cat"), [2, 0]),
        (named, [0, 1], ("fox", "dog"), None),
        (named, [2, 5], (), [1, 2]),
        (numbers, [0, 1], ("5", "0"), [2, 0]),
        (numbers, None, (), None),
    ):
        found = labels_for_model(data(labels, names), classes)
        assert (None if found is None else found.tolist()) == expected
    trained_on = with_classes(data([5, 0, 2, 5]))  # places already: what `dropgan.run` evaluates with
    assert labels_for_model(trained_on, numbers).tolist() == [2, 0, 1, 2]


def test_clusters_are_no_classes_of_the_data() -> None:
    """Digits 0 and 1 would be asked for as clusters 0 and 1, and the report would say that all are wrong."""
    clusters = Classes((0, 1), ("cluster 0", "cluster 1"))
    assert labels_for_model(data([0, 1, 1]), clusters) is None
    named = labels_for_model(data([0, 1, 1], clusters.names), clusters)
    assert named is not None
    assert named.tolist() == [0, 1, 1]


def test_classes_left_out_are_said() -> None:
    """Names without images are most often a mistake in the data."""
    said: list[str] = []
    with_classes(data([2, 0], ("cat", "dog", "eel", "fox")), Reporter(note=said.append))
    assert said == ["2 of 4 classes have no samples and are left out: dog, fox"]


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (None, (), "some has no labels"),
        ([1, 1], (), "all samples have the same class"),
        ([0, 1], ("cat", "cat"), "distinct and not empty"),
        ([0, 1], ("cat", " "), "distinct and not empty"),
        ([0, 2], ("cat", "dog"), "2 class names, but labels go up to 2"),
    ],
)
def test_labels_that_make_no_classes(labels: list[int] | None, names: tuple[str, ...], message: str) -> None:
    """Said before anything is trained, in words of the data."""
    with pytest.raises(DataError, match=message):
        with_classes(data(labels, names))


def test_a_run_without_labels_is_refused(image_file: Path, tmp_path: Path) -> None:
    """And leaves nothing behind."""
    recipe = change_recipe(load_recipe("seed"), {**TINY, "conditional": True})
    with pytest.raises(DataError, match="has no labels"):
        train(tmp_path / "run", recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)
    assert not (tmp_path / "run").exists()


def test_resuming_with_other_labels_is_refused(tmp_path: Path) -> None:
    """The same images under other labels are other data to a conditional model."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 255, (40, 8, 8), dtype=np.uint8), np.arange(40) % 2
    source = tmp_path / "data.npz"
    np.savez(source, images=images, labels=labels)
    recipe = change_recipe(load_recipe("seed"), {**TINY, "conditional": True, "training.steps": 2})
    train(tmp_path / "run", recipe, data=str(source), device="cpu", precision="fp32", threads=1)
    assert resume(tmp_path / "run", steps=3)
    np.savez(source, images=images, labels=1 - labels)
    with pytest.raises(ResumeError, match="has changed"):
        resume(tmp_path / "run", steps=4)


def test_fingerprint_of_labels() -> None:
    """Names count too: they are what users ask by."""
    marks = {label_fingerprint(data(*case)) for case in (([0, 1],), ([1, 0],), ([0, 1], ("a", "b")))}
    assert len(marks) == 3
    assert label_fingerprint(data(None)) == ""


def test_the_grid_has_columns_of_one_class(conditional_run: Path) -> None:
    """Progress of a class is seen down a column: 64 samples of three classes are nine columns wide."""
    with Image.open(conditional_run / "samples" / "step-0000400.png") as picture:
        assert picture.size == (2 * (9 * 9 + 1), 2 * (8 * 9 + 1))


def test_labels_below_0_matter_only_where_labels_are_used(tmp_path: Path) -> None:
    """-1 for what has no label is common, and a model without classes does not look at it."""
    images = np.random.default_rng(0).integers(0, 255, (4, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "some.npz", images=images, labels=np.array([0, -1, 1, -1]))
    found = load_images(str(tmp_path / "some.npz"))
    assert len(found) == 4
    with pytest.raises(DataError, match="2 samples have a label below 0"):
        with_classes(found)
    with pytest.raises(DataError, match="more than 65,536"):
        with_classes(data([0, 70_000, 1]))
