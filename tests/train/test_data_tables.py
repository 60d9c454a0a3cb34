"""Parquet files and Hugging Face data sets: pictures and labels in columns."""

import io
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dropgan.serve.reporter import Reporter
from dropgan.train.data import (
    DataError,
    DataOptions,
    VectorData,
    load_data,
    load_images,
    unchanging_name,
)

RANDOM = np.random.default_rng(0)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def pixels() -> np.ndarray:
    return RANDOM.integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)


def _write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=70)
    return path


def test_bytes_and_labels(tmp_path: Path, pixels: np.ndarray) -> None:
    """The plain layout: a column of encoded bytes, a column of class numbers."""
    path = _write(tmp_path / "a.parquet", picture=[_png(p) for p in pixels], label=np.arange(200) % 7)
    data = load_images(str(path))
    assert np.array_equal(data.images, pixels)
    assert data.labels is not None
    assert data.labels.tolist() == [i % 7 for i in range(200)]
    assert data.name == "a"


def test_hugging_face_layout(tmp_path: Path, pixels: np.ndarray) -> None:
    """Bytes and path, names of classes as texts, some pictures in files beside, some rows empty."""
    (tmp_path / "beside.png").write_bytes(_png(pixels[1]))
    values = [{"bytes": _png(p), "path": None} for p in pixels]
    values[1] = {"bytes": None, "path": "beside.png"}
    values[2] = {"bytes": None, "path": None}
    values[3] = {"bytes": b"junk", "path": "junk.png"}
    kinds = np.array(["moth", "ant"])[np.arange(200) % 2]
    path = _write(tmp_path / "a.parquet", image=values, kind=kinds)
    said: list[str] = []
    data = load_images(
        str(path), options=DataOptions(label_column="kind"), reporter=Reporter(note=said.append)
    )
    assert np.array_equal(data.images, np.delete(pixels, [2, 3], axis=0))
    assert data.class_names == ("ant", "moth")
    assert data.labels is not None
    assert data.labels[:4].tolist() == [1, 0, 1, 0]
    assert "row 2 (no picture there)" in said[0]
    assert "row 3 (junk.png)" in said[0]
    assert load_images(str(path)).labels is None


def test_a_table_reads_no_file_outside_its_folder(tmp_path: Path, pixels: np.ndarray) -> None:
    """A Parquet file of anyone could train on any picture of this machine, or wait for a pipe for ever."""
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(_png(pixels[0]))
    (folder / "inside.png").write_bytes(_png(pixels[1]))
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "below").mkdir()
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    refused = [
        "../outside.png", str(tmp_path / "outside.png"), "link.png", "/dev/zero", "pipe.png", "folder.png",
        "absent.png", "below/../../outside.png", "a\0b.png", "x" * 5000,
    ]  # fmt: skip
    paths = ["inside.png", *refused, str(folder / "inside.png"), "below/../inside.png", None]
    values = [{"bytes": None, "path": path} for path in paths[:-1]] + [
        {"bytes": _png(pixels[2]), "path": "/x"}
    ]
    path = _write(folder / "a.parquet", image=values)
    said: list[str] = []
    data = load_images(str(path), reporter=Reporter(note=said.append))
    assert np.array_equal(data.images, pixels[[1, 1, 1, 2]])
    assert f"{len(refused)} of {len(values)} images cannot be read" in said[0]
    assert "../outside.png is not below" in said[0]
    with pytest.raises(DataError, match="is not below"):
        load_images(pa.table({"image": [{"bytes": None, "path": str(folder / "inside.png")}] * 2}))


def test_several_files_in_a_folder(tmp_path: Path, pixels: np.ndarray) -> None:
    """Large sets come in pieces, read in the order of their names."""
    for number in range(2):
        part = pixels[100 * number : 100 * (number + 1)]
        _write(tmp_path / f"train-{number}.parquet", image=[_png(p) for p in part])
    assert np.array_equal(load_images(str(tmp_path)).images, pixels)
    _write(tmp_path / "train-2.parquet", other=[1, 2])
    with pytest.raises(DataError, match="other columns"):
        load_images(str(tmp_path))


def test_own_shards_come_back(tmp_path: Path, model_file: Path) -> None:
    """What `dropgan sample --format parquet` and `--format png` write can be trained on."""
    from dropgan.serve import Generator
    from dropgan.serve.batch import generate

    expected = Generator(model_file).sample(10, seed=3)
    for format_ in ("parquet", "png"):
        generate(model_file, tmp_path / format_, 10, seed=3, format=format_, shard_size=5)
        assert np.array_equal(load_images(str(tmp_path / format_)).images, expected)


def test_unfit_tables(tmp_path: Path, pixels: np.ndarray) -> None:
    """Each refusal names the columns that there are."""
    pictures = [_png(p) for p in pixels[:4]]
    with pytest.raises(DataError, match="there is no data"):
        load_images(str(tmp_path / "absent.parquet"))
    (tmp_path / "junk.parquet").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"cannot read .* as Parquet"):
        load_images(str(tmp_path / "junk.parquet"))
    with pytest.raises(DataError, match=r"no column of pictures.*text"):
        load_images(str(_write(tmp_path / "a.parquet", text=["x", "y"])))
    with pytest.raises(DataError, match="several columns of pictures"):
        load_images(str(_write(tmp_path / "b.parquet", left=pictures, right=pictures)))
    path = _write(tmp_path / "c.parquet", image=pictures, label=[1, None, 0, 1], weight=[0.1, 0.2, 0.3, 0.4])
    with pytest.raises(DataError, match="no value in the column label"):
        load_images(str(path))
    with pytest.raises(DataError, match="whole numbers or strings"):
        load_images(str(path), options=DataOptions(label_column="weight"))
    with pytest.raises(DataError, match="no column typo; it has image, label, weight"):
        load_images(str(path), options=DataOptions(label_column="typo"))
    with pytest.raises(DataError, match="no columns"):
        load_images("fashion-mnist-10k", options=DataOptions(label_column="label"))


def test_labels_kept_back_are_none(tmp_path: Path, pixels: np.ndarray) -> None:
    """Test splits on the Hub have -1 for every label; that is no class."""
    path = _write(tmp_path / "a.parquet", image=[_png(p) for p in pixels[:4]], label=[-1] * 4)
    assert load_images(str(path)).labels is None


@pytest.fixture
def saved(tmp_path: Path, pixels: np.ndarray) -> Path:
    """A data set with splits as `save_to_disk` writes it."""
    datasets = pytest.importorskip("datasets", reason="the extra dropgan[hub] is not installed")
    features = datasets.Features(
        {"img": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee", "cow"])}
    )
    rows = {"img": [Image.fromarray(p) for p in pixels], "label": [i % 3 for i in range(200)]}
    whole = datasets.Dataset.from_dict(rows, features=features)
    splits = datasets.DatasetDict({"train": whole.select(range(150)), "test": whole.select(range(150, 200))})
    splits.save_to_disk(str(tmp_path / "insects"))
    return tmp_path / "insects"


def test_saved_hugging_face_data(saved: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its folder or as hf:PATH[:SPLIT]; the path may be relative and still mean the same later."""
    data = load_images(str(saved))
    assert np.array_equal(data.images, pixels[:150])
    assert data.class_names == ("ant", "bee", "cow")
    assert data.labels is not None
    assert data.labels[:4].tolist() == [0, 1, 2, 0]
    assert data.name == "insects"
    assert np.array_equal(load_images(f"hf:{saved}:test").images, pixels[150:])
    monkeypatch.chdir(saved.parent)
    assert unchanging_name("hf:insects:test") == f"hf:{saved}:test"
    with pytest.raises(DataError, match="no split dev: use hf:NAME:SPLIT with train, test"):
        load_images(f"hf:{saved}:dev")


def test_the_hub_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline the user needs to know the other way, not forty lines of a library's traceback."""
    pytest.importorskip("datasets", reason="the extra dropgan[hub] is not installed")
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="save_to_disk") as caught:
        load_images("hf:nobody/nothing")
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="must be hf:NAME"):
        load_images("hf:a:b:c:d")
    assert unchanging_name("hf:nobody/nothing:test") == "hf:nobody/nothing:test"


def test_an_index_of_pandas_is_no_column(tmp_path: Path) -> None:
    """A model would learn to count rows: plain counts, filtered ones and named ones, said each time."""
    pandas = pytest.importorskip("pandas")
    columns = {"id": [7, 3, 5, 2, 8, 1, 0, 4, 6], "a": np.arange(9.0) ** 2, "b": np.arange(9) % 4}
    frame = pandas.DataFrame({**columns, "kind": list("uvw") * 3})
    for name, made, said_names in (
        ("plain", frame[["a", "b"]], None),
        ("filtered", frame[["a", "b"]][frame.b > 0], "__index_level_0__"),
        ("named", frame[["id", "a", "b"]].set_index("id"), "id"),
        ("two", frame[["id", "kind", "a", "b"]].set_index(["kind", "id"]), "id, kind"),
    ):
        made.to_parquet(tmp_path / f"{name}.parquet")
        said: list[str] = []
        data = load_data(str(tmp_path / f"{name}.parquet"), reporter=Reporter(note=said.append))
        assert isinstance(data, VectorData)
        assert data.columns == ("a", "b"), name
        assert len(said) == (said_names is not None)
        if said_names:
            assert all(part in said[0] for part in said_names.split(", "))
    two = load_data(str(tmp_path / "two.parquet"), options=DataOptions(label_column="kind"))
    assert two.class_names == ("u", "v", "w")


def test_types_of_columns(tmp_path: Path) -> None:
    """Decimals, categories of numbers, booleans and half floats are numbers, and keep their values."""
    columns = {
        "money": pa.array([Decimal("1.25"), Decimal("-3.50"), Decimal("0.00")]),
        "category": pa.array([3, 5, 3]).dictionary_encode(),
        "flag": pa.array([True, False, True]),
        "half": pa.array(np.array([1.5, 2.5, 3.5], np.float16)),
        "big": pa.array([2**63 - 1, 0, 5]),
        "unsigned": pa.array([2**64 - 1, 0, 5], pa.uint64()),
        "$x^2$": pa.array([1, 2, 3]),
        "": pa.array([1, 2, 4]),
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    said: list[str] = []
    data = load_data(str(path), reporter=Reporter(note=said.append))
    assert isinstance(data, VectorData)
    assert data.columns == ("money", "category", "flag", "half", "big", "unsigned", "$x^2$", "column_7")
    assert data.vectors.tolist() == [
        [1.25, 3, 1, 1.5, 2.0**63, 2.0**64, 1, 1],
        [-3.5, 5, 0, 2.5, 0, 0, 2, 2],
        [0, 3, 1, 3.5, 5, 5, 3, 4],
    ]
    assert said == [
        "a: whole numbers beyond 16,777,216 keep seven digits: column big, unsigned",
        "a: a column without a name is called column_7",
    ]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array(["x", "y", "x"]), r"not c \(string: 'x'\)"),
        (pa.array(["x", "y", "x"]).dictionary_encode(), r"not c \(dictionary"),
        (pa.array([1, 2, 3], pa.date32()), r"not c \(date32"),
        (pa.array([[1], [2], [3]]), r"not c \(list"),
        (pa.nulls(3), r"not c \(null: no value\)"),
        (pa.array([1, None, 3]), "column c has missing values"),
        (pa.array([7, 7, 7]), "column c is constant"),
        (pa.array([1.0, np.inf, 3.0]), "column c is holding values that are not finite"),
    ],
)
def test_columns_that_are_no_numbers(tmp_path: Path, column: pa.Array, message: str) -> None:
    """Each by its name, its type and a value; nothing of a table is left out without a word."""
    path = _write(tmp_path / "a.parquet", a=[1.5, 2.5, 4.5], c=column)
    with pytest.raises(DataError, match=message):
        load_data(str(path))


def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    """pyarrow raises a UnicodeDecodeError of its own, which says nothing of the file."""
    path = _write(tmp_path / "a.parquet", a=[1, 2], bcdefg=[1, 2])
    path.write_bytes(path.read_bytes().replace(b"bcdefg", b"bcd\xffef"))
    with pytest.raises(DataError, match="as Parquet"):
        load_data(str(path))


@pytest.mark.parametrize("label", ["label", "class", "target"])
def test_usual_names_of_labels_in_a_table_of_numbers(tmp_path: Path, label: str) -> None:
    """The target of a regression is a column like any other: nothing is taken for labels unless named."""
    path = _write(tmp_path / "a.parquet", a=[1.5, 2.5, 4.5], **{label: [0, 1, 1]})
    data = load_data(str(path))
    assert isinstance(data, VectorData)
    assert data.columns == ("a", label)
    assert data.labels is None
    said: list[str] = []
    labelled = load_data(
        str(path), options=DataOptions(label_column=label), reporter=Reporter(note=said.append)
    )
    assert isinstance(labelled, VectorData)
    assert (labelled.columns, labelled.class_column) == (("a",), label)
    assert f"column {label} holds the classes" in said[0]


def test_labels_that_became_floats(tmp_path: Path) -> None:
    """pandas makes floats of whole numbers as soon as one is missing; fractions are no labels."""
    path = _write(tmp_path / "a.parquet", a=[1.5, 2.5, 4.5], kind=[3.0, 5.0, 3.0], weight=[0.5, 1.0, 2.0])
    table = pq.read_table(path).select(["a", "kind"])
    pq.write_table(table, tmp_path / "b.parquet")
    data = load_data(str(tmp_path / "b.parquet"), options=DataOptions(label_column="kind"))
    assert isinstance(data, VectorData)
    assert data.labels is not None
    assert data.labels.tolist() == [3, 5, 3]
    with pytest.raises(DataError, match="whole numbers or strings, but column weight is double"):
        load_data(str(path), options=DataOptions(label_column="weight"))
