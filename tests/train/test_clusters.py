"""Clusters of pictures that stand in for classes: which they are, and a run that learns them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import ImageData, RunDirectory, VectorData, load_recipe, resume, train
from dropgan.train.data import DataError, DataOptions, clusters, with_clusters
from dropgan.train.recipes import asked_recipe
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.run.plan import Wanted
from dropgan.train.run.source import DataSource
from dropgan.train.run.survey import survey

SIDES = [(8, 8, 1), (9, 21, 3), (4, 5, 1)]


def halves(count: int, shape: tuple[int, int, int]) -> tuple[ImageData, np.ndarray]:
    """Noisy pictures that are bright on the left, on the right, above or below, and which of these."""
    random = np.random.default_rng(0)
    kinds = random.permutation(np.arange(count) % 4)
    images = random.integers(0, 40, (count, *shape), dtype=np.uint8)
    down, across = np.mgrid[: shape[0], : shape[1]]
    masks = [across * 2 < shape[1], across * 2 >= shape[1], down * 2 < shape[0], down * 2 >= shape[0]]
    for image, kind in zip(images, kinds, strict=True):
        image[masks[kind]] += 200
    return ImageData(images, "halves"), kinds


@pytest.mark.parametrize("shape", SIDES)
def test_like_pictures_come_together(shape: tuple[int, int, int]) -> None:
    """Grey and colour, sizes that thumbnails do not divide: a cluster of mixed pictures teaches nothing."""
    data, kinds = halves(400, shape)
    found = with_clusters(data, 4)
    assert found.labels is not None
    pairs = {(int(kind), int(label)) for kind, label in zip(kinds, found.labels, strict=True)}
    assert len(pairs) == 4, "each kind is one cluster"
    assert found.class_names == ("cluster 0", "cluster 1", "cluster 2", "cluster 3")
    assert found.images is data.images


@pytest.mark.parametrize(("count", "number"), [(400, 3), (401, 7), (30, 15), (1000, 32)])
def test_sizes_are_equal(count: int, number: int) -> None:
    """A file draws clusters equally often, so unequal ones would shift what it draws from the data. Half of
    these pictures are the same one."""
    data, _ = halves(count, (8, 8, 1))
    images = data.images.copy()
    images[: count // 2] = images[0]
    found = with_clusters(ImageData(images, "halves"), number)
    assert found.labels is not None
    sizes = np.bincount(found.labels, minlength=number)
    assert len(sizes) == number
    assert sizes.max() - sizes.min() <= 1


def test_every_machine_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is continued elsewhere would have other classes. What is compared is whole, so neither the
    order of sums nor the size of chunks matters."""
    data, _ = halves(500, (9, 21, 3))
    labels = with_clusters(data, 9).labels
    thumbnails = clusters._thumbnails(data)
    centres, prices = clusters._fitted(thumbnails, 9)
    for values in (centres, prices, clusters._costs(thumbnails, centres)):
        assert np.array_equal(values, np.rint(values))
        assert np.abs(values).max() < 2**53
    monkeypatch.setattr("dropgan.train.data.dataset._CHUNK_BYTES", 1000)
    assert np.array_equal(labels, with_clusters(data, 9).labels)


def test_data_that_cannot_be_divided() -> None:
    """Too few pictures, and what is no picture, are refused in one line."""
    data, _ = halves(20, (8, 8, 1))
    with pytest.raises(DataError, match=r"20 pictures are too few for 11 clusters.*--set clusters=0"):
        with_clusters(data, 11)
    with pytest.raises(DataError, match="images are needed"):
        with_clusters(VectorData(np.random.default_rng(0).normal(size=(50, 3)), "rows"), 2)


def test_a_run_on_pictures_without_labels_learns_clusters(tmp_path: Path) -> None:
    """By itself, as many as the data allow; the file draws one of them or all, and a continued run goes on
    with the same ones, bit for bit."""
    data, _ = halves(700, (8, 8, 1))
    np.savez(tmp_path / "halves.npz", images=data.images)

    def begin(name: str, steps: int) -> RunDirectory:
        return train(
            tmp_path / name,
            data=str(tmp_path / "halves.npz"),
            steps=steps,
            settings={
                "output.checkpoint_interval": 2,
                "training.batch_size": 8,
                "training.schedule": "constant",
            },
            device="cpu",
            precision="fp32",
            threads=1,
        )

    run = begin("run", 4)
    recipe, facts = run.read_recipe()
    assert (recipe.name, recipe.conditional, recipe.clusters) == ("conv", True, 2)
    assert "2 clusters of like pictures stand in for labels" in facts.auto.why
    export(run, tmp_path / "model.onnx")
    generator = Generator(tmp_path / "model.onnx", device="cpu")
    assert generator.class_names == ("cluster 0", "cluster 1")
    dark, bright = (generator.sample(4, labels=name) for name in generator.class_names)
    assert not np.array_equal(dark, bright)
    resume(begin("half", 2).path, steps=4)
    whole, continued = (load_checkpoint(RunDirectory(tmp_path / n).last_checkpoint) for n in ("run", "half"))
    for name, tensor in whole.part("discriminator").items():
        assert torch.equal(tensor, continued.part("discriminator")[name]), name


def test_a_named_recipe_has_no_clusters() -> None:
    """It is used unchanged."""
    assert load_recipe("conv").clusters == 0


def test_what_is_said_of_data_can_be_trained() -> None:
    """`dropgan data` would end with a command that is refused."""
    data, _ = halves(20, (8, 8, 1))
    source = DataSource(data, None, None, DataOptions())
    with pytest.raises(DataError, match="too few for 11 clusters"):
        survey(source, asked_recipe(settings={"clusters": 11}), Wanted("cpu", "fp32", 1))
