"""Jobs of class-conditional models: each sample has the label that its index has."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dropgan.serve import Generator, InputError, OutputError
from dropgan.serve.batch import generate, verify
from dropgan.serve.batch.formats.parquet import PictureShard
from dropgan.serve.batch.formats.tar import TarShard
from dropgan.serve.batch.labels import label_rule, labels_of
from dropgan.serve.batch.raw import write_raw
from dropgan.train.data import load_images, with_classes

from .test_batch_formats import huge_seed
from .test_batch_restart import tree
from .test_conditional import changed_card

START, COUNT, SHARD = 90, 250, 100


def even(images: np.ndarray) -> np.ndarray:
    """The filter of these tests."""
    return images[:, 4, 4, 0] % 2 == 0


@pytest.fixture(scope="module")
def generator(conditional_model: Path) -> Generator:
    return Generator(conditional_model, device="cpu", threads=1)


def _job(model: Path, out: Path, **options: object) -> Path:
    settings = {"seed": 3, "start": START, "shard_size": SHARD, "device": "cpu", "threads": 1, **options}
    generate(model, out, COUNT, **settings)
    return out


def _expected(generator: Generator, labels: object) -> tuple[np.ndarray, np.ndarray]:
    indices = np.arange(START, START + COUNT)
    each = {
        None: generator.labels(COUNT, seed=3, start=START),
        "balanced": indices % 3,
        "right": np.full(COUNT, 2),
        "2,0": np.array([2, 0])[indices % 2],
    }[labels]
    return each, generator.sample(COUNT, seed=3, start=START, labels=each)


@pytest.mark.parametrize("labels", [None, "balanced", "right", "2,0"])
def test_npy_has_images_of_the_labels(
    conditional_model: Path, tmp_path: Path, generator: Generator, labels: str | None
) -> None:
    """Images and labels would not fit: whoever trains a classifier on them learns nonsense."""
    out = _job(conditional_model, tmp_path / "out", labels=labels, workers=2 if labels == "2,0" else 1)
    each, images = _expected(generator, labels)
    sides = sorted(out.glob("*.labels.npy"))
    shards = sorted(set(out.glob("*.npy")) - set(sides))
    assert len(shards) == len(sides) == 4
    assert np.array_equal(np.concatenate([np.load(path) for path in shards]), images)
    assert np.array_equal(np.concatenate([np.load(path) for path in sides]), each)
    assert verify(out).passed


def test_every_format_has_the_labels(conditional_model: Path, tmp_path: Path, generator: Generator) -> None:
    """A format without them would leave its reader to guess."""
    each, images = _expected(generator, "balanced")
    tar = _job(conditional_model, tmp_path / "tar", format="tar", labels="balanced")
    seen = []
    for path in sorted(tar.glob("*.tar")):
        with tarfile.open(path) as archive:
            seen += [
                json.load(archive.extractfile(member)) for member in archive if member.name.endswith(".json")
            ]
    assert seen == [
        {"index": START + place, "label": label, "label_name": ("left", "middle", "right")[label], "seed": 3}
        for place, label in enumerate(each.tolist())
    ]

    parquet = _job(conditional_model, tmp_path / "parquet", format="parquet", labels="balanced")
    table = pq.ParquetDataset(sorted(parquet.glob("*.parquet"))).read()
    assert table["label"].to_pylist() == each.tolist()
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"] == {"names": ["left", "middle", "right"], "_type": "ClassLabel"}
    first = Image.open(io.BytesIO(table["image"][0].as_py()["bytes"]))
    assert np.array_equal(np.asarray(first)[:, :, None], images[0])

    png = _job(conditional_model, tmp_path / "png", format="png", labels="balanced")
    sides = sorted(png.glob("*.labels.npy"))
    assert np.array_equal(np.concatenate([np.load(path) for path in sides]), each)

    stream = io.BytesIO()
    write_raw(generator, stream, COUNT, seed=3, start=START, labels="balanced")
    assert stream.getvalue() == images.tobytes()


@pytest.mark.parametrize("format_", ["npy", "png", "tar", "parquet"])
def test_a_filter_takes_labels_along(
    conditional_model: Path, tmp_path: Path, generator: Generator, format_: str
) -> None:
    """Behind a filter labels would slip to the samples after those left out."""
    keep = f"{__name__}:even"
    out = _job(conditional_model, tmp_path / "out", labels="balanced", keep=keep, format=format_)
    each, images = _expected(generator, "balanced")
    kept = each[even(images)]
    assert 0 < len(kept) < COUNT
    if format_ == "tar":
        found = []
        for path in sorted(out.glob("*.tar")):
            with tarfile.open(path) as archive:
                texts = [archive.extractfile(member) for member in archive if member.name.endswith(".json")]
                found += [json.load(text)["label"] for text in texts]
    elif format_ == "parquet":
        found = pq.ParquetDataset(sorted(out.glob("*.parquet"))).read()["label"].to_pylist()
    else:
        found = np.concatenate([np.load(path) for path in sorted(out.glob("*.labels.npy"))]).tolist()
    assert found == kept.tolist()


def test_labels_are_a_part_of_the_job(conditional_model: Path, tmp_path: Path) -> None:
    """Shards of other labels would be mixed into an output, or a damaged file of labels go unseen."""
    whole = _job(conditional_model, tmp_path / "whole", labels="2,0")
    for number in (3, 1, 2):
        _job(conditional_model, tmp_path / "parts", labels="2,0", part=f"{number}/3", workers=1)
    assert tree(tmp_path / "parts") == tree(whole)
    with pytest.raises(OutputError, match="labels is"):
        _job(conditional_model, whole, labels="balanced")
    line = json.loads((whole / "manifest.jsonl").read_text().splitlines()[0])
    assert line["labels"] == [2, 0]
    side = sorted(whole.glob("*.labels.npy"))[1]
    side.write_bytes(side.read_bytes()[:-1] + b"\1")
    assert not verify(whole).passed
    assert generate(conditional_model, whole, COUNT, **_same()).made == 1
    assert tree(whole) == tree(tmp_path / "parts")


def _same() -> dict[str, object]:
    return {
        "seed": 3, "start": START, "shard_size": SHARD, "device": "cpu", "threads": 1, "labels": "2,0",
    }  # fmt: skip


@pytest.mark.parametrize("labels", ["3", "top", "0,", "", [], -1, [0, 7], "0;1"])
def test_labels_that_the_model_has_not(conditional_model: Path, tmp_path: Path, labels: object) -> None:
    """A job would die in the middle, or fill a disk with a class that nobody asked for."""
    with pytest.raises(InputError):
        generate(conditional_model, tmp_path / "out", 10, labels=labels, device="cpu")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_labels_for_a_model_without_classes(model_file: Path, tmp_path: Path) -> None:
    """They would be ignored in silence."""
    with pytest.raises(InputError, match="not class-conditional"):
        generate(model_file, tmp_path / "out", 10, labels="balanced", device="cpu")


def test_rules_are_functions_of_the_index(generator: Generator) -> None:
    """A shard far away would depend on where its range begins."""
    for labels in (None, "balanced", "left", [2, 2, 0, 1], 1):
        rule = label_rule(generator, labels)
        whole = labels_of(generator, rule, seed=1, start=2**60 - 50, count=50)
        piece = labels_of(generator, rule, seed=1, start=2**60 - 20, count=7)
        assert whole is not None
        assert np.array_equal(piece, whole[30:37])


@pytest.mark.parametrize("names", [{}, {0: 'zéro "0"', 2**31 - 1: "x" * 300}, {0: "x" * 600, 2**31 - 1: "y"}])
def test_large_labels_fit_into_a_tar(tmp_path: Path, names: dict[int, str]) -> None:
    """Numbers and names of any length must not be cut off: names that do not fit are left out for all."""
    shard = TarShard(huge_seed(tmp_path / "x.tar", labelled=True, names=names))
    labels = np.array([0, 2**31 - 1])
    shard.add(np.array([0, 2**60 - 1]), np.zeros((2, 4, 4, 1), dtype=np.uint8), labels)
    shard.finish("x.tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        texts = [json.load(archive.extractfile(member)) for member in archive.getmembers()[1::2]]
    named = [
        {"label_name": names[label]} if len(names.get(0, "")) in range(1, 500) else {}
        for label in labels.tolist()
    ]
    assert texts == [
        {"index": index, "label": label, **name, "seed": 2**64 - 1}
        for index, label, name in zip((0, 2**60 - 1), labels.tolist(), named, strict=True)
    ]


@pytest.fixture(scope="module")
def gapped(conditional_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, whose classes have the numbers 2, 5 and 9 in the data."""
    path = tmp_path_factory.mktemp("gapped") / "model.onnx"
    path.write_bytes(changed_card(conditional_model.read_bytes(), numbers=(2, 5, 9), counts=(10, 0, 30)))
    return path


def test_shards_have_the_datas_numbers_and_names(gapped: Path, tmp_path: Path, generator: Generator) -> None:
    """Who trains on shards would have classes 0 to 2 beside data whose classes are 2, 5 and 9."""
    numbers = np.array([2, 5, 9])
    for labels, expected in (
        ("9,2", numbers[[2, 0]][np.arange(START, START + COUNT) % 2]),
        (["middle"], np.full(COUNT, 5)),
        (2, np.full(COUNT, 2)),
        ("balanced", numbers[np.arange(START, START + COUNT) % 3]),
        (None, numbers[generator.labels(COUNT, seed=3, start=START)]),
        ("data", Generator(gapped).labels(COUNT, seed=3, start=START, labels="data")),
    ):
        out = tmp_path / str(labels)
        _job(gapped, out, labels=labels)
        sides = [np.load(path) for path in sorted(out.glob("*.labels.npy"))]
        assert np.array_equal(np.concatenate(sides), expected), labels
        images = np.concatenate([np.load(p) for p in sorted(out.glob("*.npy")) if "labels" not in p.name])
        assert np.array_equal(images, generator.sample(COUNT, seed=3, start=START, labels=expected // 4))
        job = json.loads((out / "job.json").read_text())
        assert job["class_names"] == {"2": "left", "5": "middle", "9": "right"}
    with pytest.raises(InputError, match="use 2, 5, 9, or left"):
        _job(gapped, tmp_path / "no", labels="1")


def test_gapped_classes_come_back_from_parquet(gapped: Path, tmp_path: Path) -> None:
    """What is written can be trained on again, classes with their numbers and names."""
    _job(gapped, tmp_path / "out", format="parquet", labels="balanced")
    data = with_classes(load_images(str(tmp_path / "out")))
    assert data.class_numbers == (2, 5, 9)
    assert data.class_names == ("left", "middle", "right")


def test_numbers_that_are_no_list_come_back_too(gapped: Path, tmp_path: Path) -> None:
    """Folders called 20240101 and other: their numbers are too large for a list of names."""
    names = {20240101: "20240101", 20240102: "other"}
    shard = PictureShard(huge_seed(tmp_path / "a.parquet", labelled=True, names=names))
    pixels = np.arange(64, dtype=np.uint8).reshape(4, 4, 4, 1)
    shard.add(np.arange(4), pixels, np.array([20240101, 20240102] * 2))
    for written in shard.finish("a.parquet"):
        written.publish()
    shard.close()
    data = with_classes(load_images(str(tmp_path / "a.parquet")))
    assert (data.class_numbers, data.class_names) == (tuple(names), tuple(names.values()))
