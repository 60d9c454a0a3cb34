"""Data that a program holds already: arrays, tensors, tables, torch data sets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from dropgan.serve.reporter import Reporter
from dropgan.train.data import (
    DataError,
    DataOptions,
    ImageData,
    VectorData,
    load_data,
    load_images,
    unchanging_name,
    was_in_memory,
)

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (12, 8, 6), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (12, 8, 6, 3), dtype=np.uint8)
ROWS = RANDOM.normal(size=(12, 3)).astype(np.float32)


class Pairs(Dataset[Any]):
    """Images and labels; like many of torch's own it does not end by an IndexError."""

    classes = ("ant", "bee", "cow")

    def __init__(self, images: Any, labels: Any = None) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> Any:
        image = self.images[place % len(self.images)]
        return image if self.labels is None else (image, self.labels[place % len(self.images)])


def _tensors(array: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(one) for one in array]


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy, list, np.asfortranarray, _tensors])
def test_arrays_are_the_data_of_their_file(tmp_path: Path, make: Any) -> None:
    """An array, a tensor and a list train as the .npy file of the same values does."""
    for array in (GREY, COLOUR, ROWS):
        np.save(tmp_path / "file.npy", array)
        data = load_data(make(array))
        assert data.fingerprint == load_data(str(tmp_path / "file.npy")).fingerprint
        assert data.name == "array"
        assert data.labels is None


def test_a_path_is_a_source_too(tmp_path: Path) -> None:
    """Programs hold paths, not texts."""
    np.save(tmp_path / "file.npy", GREY)
    assert load_data(tmp_path / "file.npy").name == "file"


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    [
        (np.arange(12) % 3, [0, 1, 2], ()),
        (np.arange(12, dtype=np.uint8)[:, None] % 3, [0, 1, 2], ()),
        (np.eye(3)[np.arange(12) % 3], [0, 1, 2], ()),
        (torch.arange(12) % 3, [0, 1, 2], ()),
        (["dog", "cat", "emu"] * 4, [1, 0, 2], ("cat", "dog", "emu")),
        (np.array([b"dog", b"cat", b"emu"] * 4), [1, 0, 2], ("cat", "dog", "emu")),
        (np.array(["dog", "cat", "emu"] * 4, dtype=object), [1, 0, 2], ("cat", "dog", "emu")),
        (np.arange(12) % 3 == 1, [0, 1, 0], ()),
        (np.array([0, 1, 2] * 4, dtype=object), [0, 1, 2], ()),
        ([torch.tensor(0), torch.tensor(1), torch.tensor(2)] * 4, [0, 1, 2], ()),
    ],
)
def test_labels_beside(labels: Any, numbers: list[int], names: tuple[str, ...]) -> None:
    """Numbers, columns of numbers, one-hot rows and texts mean the same classes."""
    for array in (GREY, ROWS):
        data = load_data(array, labels=labels)
        assert data.labels is not None
        assert data.labels.tolist() == numbers * 4
        assert data.class_names == names


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(5), "one label for each of its 12 images, not 5"),
        (np.linspace(0, 1, 12), "whole numbers or strings, not float64"),
        (np.ones((12, 3)), "must be one-hot"),
        (np.ones((12, 3, 2)), "must be one class for each sample"),
        ([{"a": 1}] * 12, "whole numbers or strings, not object"),
        ([1, [2]] * 6, "cannot be converted to a numpy array"),
        (np.array([b"\xff", b"a"] * 6), "not UTF-8"),
        (np.ma.masked_equal(np.arange(12) % 3, 1), "masked"),
        (np.full(12, 2**63, np.uint64), "too large"),
    ],
)
def test_bad_labels(labels: Any, message: str) -> None:
    """Labels that would be guessed at are refused in one line."""
    with pytest.raises(DataError, match=message) as caught:
        load_data(GREY, labels=labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (GREY / 255, "scale them to 0..255, round and convert"),
        (GREY.astype(np.int64), "convert them, if they are 0..255"),
        (GREY > 100, "convert them, if they are 0..255"),
        (GREY.reshape(12, 48), r"reshape\(n, height, width\)"),
        (np.moveaxis(COLOUR, 3, 1), "channels first"),
        (COLOUR[..., :2], "1 or 3 channels"),
        (np.array([GREY[0], None], dtype=object), "Python objects"),
        (np.empty((0, 8, 8), np.uint8), "at least 2"),
        ([], "of shape"),
        (np.array(3), "of shape"),
        (ROWS.astype(complex), "complex"),
        (np.where(ROWS > 1, np.nan, ROWS), "not finite in float32"),
        (np.ma.masked_greater(ROWS, 1), "masked"),
        ([[1.0, 2.0], [3.0]], "cannot be converted to a numpy array"),
        (3, "cannot be trained on: use"),
        ({"images": GREY}, "cannot be trained on: use"),
        (None, "cannot be trained on: use"),
    ],
)
def test_bad_arrays(array: Any, message: str) -> None:
    """Each refusal is one line that says what is wrong."""
    with pytest.raises(DataError, match=message) as caught:
        load_data(array)
    assert "\n" not in str(caught.value)


def test_tables() -> None:
    """pandas and Arrow tables give vectors in named columns; a column can be the label."""
    pandas = pytest.importorskip("pandas")
    columns = {"a": ROWS[:, 0], "b": ROWS[:, 1], "kind": ["x", "y"] * 6}
    frame = pandas.DataFrame(columns, index=np.arange(100, 112))
    for table in (frame, pa.table(columns), frame.convert_dtypes()):
        data = load_data(table, options=DataOptions(label_column="kind"))
        assert isinstance(data, VectorData)
        assert data.columns == ("a", "b")
        assert np.array_equal(data.vectors, ROWS[:, :2])
        assert data.class_names == ("x", "y")
        assert data.name == "table"
    beside = load_data(frame[["a", "b"]], labels=frame["kind"])
    assert (beside.fingerprint, beside.class_names) == (data.fingerprint, ("x", "y"))
    with pytest.raises(DataError, match="labels are given beside it"):
        load_data(frame, labels=frame["kind"], options=DataOptions(label_column="kind"))
    frame.loc[103, "a"] = None
    with pytest.raises(DataError, match="column a"):
        load_data(frame[["a", "b"]])
    with pytest.raises(DataError, match="no columns"):
        load_data(GREY, options=DataOptions(label_column="kind"))


def test_a_named_index_is_said() -> None:
    """An index that means something is data of the user's that would be lost."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": ROWS[:, 0], "day": np.arange(12.0)}).set_index("day")
    said: list[str] = []
    data = load_data(frame, reporter=Reporter(note=said.append))
    assert isinstance(data, VectorData)
    assert data.columns == ("a",)
    assert said == ["table: the index day is not a column; reset_index() makes it one"]


def test_hugging_face_data_sets(tmp_path: Path) -> None:
    """As the library gives them, pictures decoded by dropgan's own rule, with the names of classes."""
    datasets = pytest.importorskip("datasets", reason="the extra dropgan[hub] is not installed")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee"])}
    )
    rows = {"image": [Image.fromarray(one) for one in COLOUR], "label": [place % 2 for place in range(12)]}
    data = load_images(datasets.Dataset.from_dict(rows, features=features))
    assert np.array_equal(data.images, COLOUR)
    assert data.class_names == ("ant", "bee")
    for place, one in enumerate(COLOUR):
        folder = tmp_path / ("ant", "bee")[place % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(one).save(folder / f"{place:02}.png")
    found = load_images(f"hf:{tmp_path}")  # files that the library names by their whole path
    assert sorted(one.tobytes() for one in found.images) == sorted(one.tobytes() for one in COLOUR)
    numbers = datasets.Dataset.from_dict({"a": ROWS[:, 0].tolist(), "b": ROWS[:, 1].tolist()})
    assert np.array_equal(load_data(numbers).samples, ROWS[:, :2])


def _picture_bytes(pixels: np.ndarray) -> bytes:
    import io

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_tables_of_pictures() -> None:
    """A column of encoded pictures is decoded, and other pictures in an equal table are not the same."""
    for images in (COLOUR, COLOUR[::-1]):
        data = load_images(pa.table({"image": [_picture_bytes(one) for one in images]}))
        assert np.array_equal(data.images, images)


def test_torch_data_sets() -> None:
    """Whatever the items are, the array is the one that they were made of."""
    labels = np.arange(12) % 3
    tensors = torch.from_numpy(np.moveaxis(COLOUR, 3, 1).copy())
    for source in (
        Pairs(COLOUR, labels),
        Pairs([Image.fromarray(one) for one in COLOUR], labels.tolist()),
        Pairs(tensors, torch.from_numpy(labels)),
        Pairs(tensors / 255, labels),
        Pairs((COLOUR / 255).astype(np.float32), np.eye(3)[labels]),
    ):
        data = load_data(source)
        assert isinstance(data, ImageData)
        assert np.array_equal(data.images, COLOUR)
        assert data.labels is not None
        assert data.labels.tolist() == labels.tolist()
        assert data.class_names == Pairs.classes
        assert data.name == "Pairs"
    assert load_data(Subset(Pairs(COLOUR, labels), range(6))).class_names == Pairs.classes
    assert load_data(TensorDataset(tensors)).fingerprint == data.fingerprint
    assert np.array_equal(load_data(TensorDataset(torch.from_numpy(ROWS))).samples, ROWS)
    assert np.array_equal(load_data(Pairs(GREY)).samples[..., 0], GREY)


def test_an_iterable_data_set_and_a_list_of_pictures() -> None:
    """Streams have no length; pictures in a list are not turned into arrays by numpy, which would
    take a palette's indices for its colours."""

    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(GREY)

    assert np.array_equal(load_images(Stream()).images[..., 0], GREY)
    palette = [Image.fromarray(one).convert("P", palette=Image.Palette.ADAPTIVE) for one in COLOUR]
    expected = np.stack([np.asarray(one.convert("RGB")) for one in palette])
    assert np.array_equal(load_images(palette).images, expected)
    grey = [Image.fromarray(one).convert("RGB") for one in GREY]
    assert load_images(grey).images.shape == (12, 8, 6, 1)


def test_images_of_a_data_set_in_one_size() -> None:
    """Images of several sizes and colours need a size, as files do."""
    mixed = [Image.fromarray(GREY[0]), Image.fromarray(COLOUR[0]).resize((20, 30)), Image.new("RGB", (9, 9))]
    assert load_images(mixed, options=DataOptions(size=8)).images.shape == (3, 8, 8, 3)
    with pytest.raises(DataError, match="differ in shape"):
        load_images(mixed)
    assert load_images(Pairs([GREY[0], COLOUR[0]])).images.shape == (2, 8, 6, 3)


def test_floats_are_said() -> None:
    """That 0 to 1 was taken for 0 to 255 is said once."""
    said: list[str] = []
    load_images(Pairs(GREY / 255), reporter=Reporter(note=said.append))
    assert len(said) == 1
    assert "floats from 0 to 1" in said[0]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Pairs(GREY / 127.5 - 1), "item 0 holds floats from -"),
        (Pairs([{"image": GREY[0]}] * 3), "item 0 must be an image, or an image and its label"),
        (Pairs([(GREY[0], 1, 2)] * 3), "item 0 must be an image, or an image and its label"),
        (Pairs([GREY[0], (GREY[1], 1)]), "1 of 2 items have a label"),
        (Pairs(GREY.astype(np.int64)), "int64"),
        (Pairs([Image.fromarray(GREY[0].astype(np.float32))] * 2), "item 0 cannot be read"),
        (Pairs([]), "at least 2"),
    ],
)
def test_bad_data_sets(source: Any, message: str) -> None:
    """The first item that cannot be used is named."""
    with pytest.raises(DataError, match=message):
        load_data(source)


def test_a_run_from_memory_needs_its_data_again() -> None:
    """What a run records of an array must not be taken for a file, and says what to do."""
    assert unchanging_name(GREY) == "memory:array"
    assert unchanging_name(Pairs(GREY)) == "memory:Pairs"
    assert unchanging_name("memory:array") == "memory:array"
    assert was_in_memory(unchanging_name(pa.table({"a": [1.0]})))
    assert not was_in_memory(unchanging_name("fashion-mnist-10k"))
    with pytest.raises(DataError, match="pass it again"):
        load_data("memory:array")
    with pytest.raises(DataError, match="has its own"):
        load_data("fashion-mnist-10k", labels=[1, 2])
    with pytest.raises(DataError, match="leave it out"):
        load_data(GREY, Path())
