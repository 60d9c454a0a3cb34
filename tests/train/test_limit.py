"""Training on some of the samples."""

from pathlib import Path

import numpy as np
import pytest

from dropgan.evaluate.real import held_out_images
from dropgan.serve.errors import InputError
from dropgan.serve.reporter import SILENT
from dropgan.train import DataError, DataOptions, ImageData, VectorData, load_data, load_images
from dropgan.train.data import options_differences
from dropgan.train.run.source import DataSource


def _limited(count: int, source: object = "fashion-mnist-10k") -> ImageData | VectorData:
    data = load_data(source, options=DataOptions(limit=count), reporter=SILENT)
    assert isinstance(data, ImageData | VectorData)
    return data


def test_the_same_ones_are_drawn_each_time() -> None:
    """A study that another machine repeats must train on the same images: these are for ever."""
    data = load_data("fashion-mnist-10k")
    few = _limited(5)
    places = [int(np.flatnonzero((data.samples == one).all((1, 2, 3)))[0]) for one in few.samples]
    assert places == PLACES
    assert few.labels is not None
    assert data.labels is not None
    assert few.labels.tolist() == data.labels[places].tolist()


PLACES = [269, 855, 921, 3697, 6037]


def test_fewer_are_a_part_of_more() -> None:
    """Runs on 500 and on 2,000 images differ by 1,500 images, not by luck."""
    few, more = ({one.tobytes() for one in _limited(count).samples} for count in (500, 2000))
    assert len(few) == 500
    assert few < more


def test_every_class_is_drawn() -> None:
    """Labels go with their images, and come about as often as in all of the data."""
    labels = _limited(500).labels
    assert labels is not None
    assert np.bincount(labels, minlength=10).min() > 25


def test_rows_of_a_table_are_drawn_too() -> None:
    """Bounds and spreads are then of the rows that are trained on."""
    rows = np.random.default_rng(0).normal(size=(50, 2))
    few = _limited(10, rows)
    assert isinstance(few, VectorData)
    assert len(few) == 10
    assert (few.high == few.vectors.max(0)).all()


def test_more_than_there_are_is_refused() -> None:
    """All of them, taken silently, would stand as another point of a curve."""
    with pytest.raises(DataError, match="has 10,000 samples: --limit must be at most that, not 20,000"):
        _limited(20_000)
    assert len(_limited(10_000)) == 10_000
    with pytest.raises(InputError, match="2 samples or more"):
        DataOptions(limit=1)


def test_a_run_keeps_to_its_limit() -> None:
    """Going on with other images would be another run."""
    assert options_differences(DataOptions(limit=5), DataOptions()) == ["data limit was 5, now none"]
    assert DataOptions(limit=5).fitted_to(28, 28, 1).limit == 5


def test_of_held_out_images_all_are_taken(tmp_path: Path) -> None:
    """The limit of a run is one of its training: a tenth of the held-out images would blur every score, and
    fewer than the limit would be refused."""
    images = np.random.default_rng(0).integers(0, 255, (30, 8, 8)).astype(np.uint8)
    for count in (20, 4):
        np.save(tmp_path / "held.npy", images[:count])
        source = DataSource(images, options=DataOptions(limit=10))
        held = held_out_images(str(tmp_path / "held.npy"), load_images(images), source, SILENT)
        assert held is not None
        assert len(held) == count
