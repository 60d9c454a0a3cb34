"""What is in the shards."""

import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dropgan.serve import Generator, InputError
from dropgan.serve.batch import generate, verify
from dropgan.serve.batch.files import HashingFile
from dropgan.serve.batch.format import NewShard
from dropgan.serve.batch.formats.tar import TarShard
from dropgan.serve.batch.png_encoder import PngEncoder

START, COUNT, SHARD = 90, 250, 100  # shards of 10, 100, 100 and 40 samples


def even(images: np.ndarray) -> np.ndarray:
    """The filter of these tests: about half of the samples."""
    return images[:, 14, 14, 0] % 2 == 0


@pytest.fixture(scope="module")
def expected(model_file: Path) -> np.ndarray:
    """The samples of the job, from the one-call interface."""
    return Generator(model_file, device="cpu").sample(COUNT, seed=3, start=START)


def _job(model: Path, out: Path, **options: object) -> Path:
    settings = {"seed": 3, "start": START, "shard_size": SHARD, "device": "cpu", **options}
    generate(model, out, COUNT, **settings)
    return out


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))[:, :, None]


def test_npy_shards_are_the_samples(model_file: Path, tmp_path: Path, expected: np.ndarray) -> None:
    """A user who loads the shards in order would get other samples than `Generator.sample` gives."""
    out = _job(model_file, tmp_path / "out")
    shards = [np.load(path) for path in sorted(out.glob("*.npy"))]
    assert [len(shard) for shard in shards] == [10, 100, 100, 40]
    assert np.array_equal(np.concatenate(shards), expected)


def test_png_folders_are_the_samples(model_file: Path, tmp_path: Path, expected: np.ndarray) -> None:
    """A picture would show another sample than its name says, or not open."""
    out = _job(model_file, tmp_path / "out", format="png")
    paths = sorted(out.glob("images-*/*.png"))
    assert [int(path.stem) for path in paths] == list(range(START, START + COUNT))
    assert paths[10].parent.name == "images-00000001"
    assert all(
        np.array_equal(_pixels(path.read_bytes()), image) for path, image in zip(paths, expected, strict=True)
    )


def test_png_folders_where_files_have_only_paths(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a folder cannot be opened: pictures would land in the current directory, or nowhere."""
    _job(model_file, tmp_path / "relative", format="png")
    monkeypatch.setattr(os, "supports_dir_fd", set())
    _job(model_file, tmp_path / "paths", format="png")
    lines = [(tmp_path / name / "manifest.jsonl").read_text() for name in ("relative", "paths")]
    assert lines[0] == lines[1]
    assert verify(tmp_path / "paths").passed


def test_tar_shards_are_webdatasets(model_file: Path, tmp_path: Path, expected: np.ndarray) -> None:
    """A WebDataset loader would mispair pictures and JSON, or see a time that changes with the run."""
    out = _job(model_file, tmp_path / "out", format="tar")
    seen = []
    for path in sorted(out.glob("*.tar")):
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            for png, text in zip(members[::2], members[1::2], strict=True):
                about = json.load(archive.extractfile(text))
                assert png.name.removesuffix(".png") == text.name.removesuffix(".json")
                assert int(Path(png.name).stem) == about["index"]
                assert (about["seed"], png.mtime, text.mtime, png.mode) == (3, 0, 0, 0o644)
                assert np.array_equal(
                    _pixels(archive.extractfile(png).read()), expected[about["index"] - START]
                )
                seen.append(about["index"])
    assert seen == list(range(START, START + COUNT))


def huge_seed(path: Path, *, labelled: bool = False, names: Mapping[int, str] | None = None) -> NewShard:
    """A shard of 4x4 pictures of the largest seed, with the names of classes by number."""
    names = names or {}
    generator: Any = SimpleNamespace(class_numbers=tuple(names), class_names=tuple(names.values()))
    return NewShard(path, (4, 4, 1), "uint8", 3, False, labelled, 2**64 - 1, generator)


def test_tar_names_of_huge_indices(tmp_path: Path) -> None:
    """Samples beyond 10**12 would get a broken header or the names of others."""
    shard = TarShard(huge_seed(tmp_path / "x.tar"))
    indices = np.array([10**12 - 1, 10**12, 2**60 - 1])
    shard.add(indices, np.zeros((3, 4, 4, 1), dtype=np.uint8), None)
    shard.finish("x.tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        members = archive.getmembers()
        assert [int(member.name.split(".")[0]) for member in members[::2]] == indices.tolist()
        texts = [json.load(archive.extractfile(member)) for member in members[1::2]]
    assert texts == [{"index": index, "seed": 2**64 - 1} for index in indices.tolist()]


def test_parquet_shards_are_the_samples(model_file: Path, tmp_path: Path, expected: np.ndarray) -> None:
    """A table's rows would hold other samples than their index says."""
    out = _job(model_file, tmp_path / "out", format="parquet")
    table = pq.ParquetDataset(sorted(out.glob("*.parquet"))).read()
    assert table["index"].to_pylist() == list(range(START, START + COUNT))
    assert set(table["seed"].to_pylist()) == {3}
    images = [_pixels(row["bytes"]) for row in table["image"].to_pylist()]
    assert np.array_equal(np.stack(images), expected)
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}


def test_parquet_is_a_hugging_face_dataset(model_file: Path, tmp_path: Path, expected: np.ndarray) -> None:
    """`load_dataset("parquet", ...)` would give bytes where the user expects a picture."""
    datasets = pytest.importorskip("datasets", reason="needs the package datasets")
    out = _job(model_file, tmp_path / "out", format="parquet")
    files = [str(path) for path in sorted(out.glob("*.parquet"))]
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "hf"))
    assert np.array_equal(np.asarray(rows[17]["image"]), expected[17, :, :, 0])


@pytest.mark.parametrize("shape", [(5, 7, 1), (9, 6, 3), (3, 80, 3), (70, 64, 1), (2, 65, 4), (1, 1, 1)])
def test_png_encoder_is_lossless(shape: tuple[int, ...]) -> None:
    """Pictures of other sizes and colours, which take another row filter, would come out wrong."""
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    for data, image in zip(PngEncoder(shape).encode(images), images, strict=True):
        picture = Image.open(io.BytesIO(data))
        picture.verify()
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(shape), image)


@pytest.mark.parametrize("format_", ["npy", "png", "tar", "parquet"])
def test_filter_keeps_what_it_says(
    format_: str, model_file: Path, tmp_path: Path, expected: np.ndarray
) -> None:
    """A filtered job would hold rejected samples, lose some, or name them wrongly."""
    out = _job(model_file, tmp_path / "out", format=format_, keep=f"{__name__}:even")
    wanted = START + np.flatnonzero(even(expected))
    assert 0 < len(wanted) < COUNT
    found = []
    if format_ == "npy":
        found = np.concatenate([np.load(path) for path in sorted(out.glob("*.indices.npy"))]).tolist()
        arrays = [np.load(path) for path in sorted(out.glob("images-????????.npy"))]
        assert np.array_equal(np.concatenate(arrays), expected[wanted - START])
    elif format_ == "png":
        found = [int(path.stem) for path in sorted(out.glob("*/*.png"))]
    elif format_ == "tar":
        for path in sorted(out.glob("*.tar")):
            with tarfile.open(path) as archive:
                found += [int(name.split(".")[0]) for name in archive.getnames()[::2]]
    else:
        found = pq.ParquetDataset(sorted(out.glob("*.parquet"))).read()["index"].to_pylist()
    assert found == wanted.tolist()
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert sum(line["samples"] for line in lines) == len(wanted)


@pytest.mark.parametrize("workers", [1, 2])
def test_filter_that_rejects_everything(workers: int, model_file: Path, tmp_path: Path) -> None:
    """A shard without samples would stop the job instead of being empty."""
    for format_ in ("npy", "tar", "parquet"):
        report = generate(
            model_file,
            tmp_path / format_,
            40,
            format=format_,
            shard_size=20,
            keep=f"{__name__}:none",
            device="cpu",
            workers=workers,
            threads=1,
            batch_size=128,
        )
        assert (report.samples, report.generated, report.complete) == (0, 40, True)


def none(images: np.ndarray) -> np.ndarray:
    """A filter that keeps nothing."""
    return np.zeros(len(images), dtype=bool)


def wrong_length(images: np.ndarray) -> np.ndarray:
    """A filter with a mistake."""
    return np.ones(3, dtype=bool)


def failing(images: np.ndarray) -> np.ndarray:
    """A filter with another."""
    raise KeyError("threshold")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{__name__}:wrong_length", "must return 40 booleans"),
        (f"{__name__}:failing", "failed: KeyError"),
        (f"{__name__}:absent", "has no function absent"),
        ("no_such_module:f", "cannot be imported"),
        ("plain", "MODULE:FUNCTION"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_bad_filter_says_so(name: str, words: str, workers: int, model_file: Path, tmp_path: Path) -> None:
    """A mistake in the user's filter would give a traceback of ours, or half a job."""
    with pytest.raises(InputError, match=words):
        generate(
            model_file,
            tmp_path / "o",
            80,
            shard_size=40,
            keep=name,
            device="cpu",
            workers=workers,
            threads=1,
            batch_size=64,
        )
    assert not list(tmp_path.glob("o/images*"))
    assert not list(tmp_path.glob("o/.*"))


def test_truncation_scales_the_latents(model_file: Path, tmp_path: Path) -> None:
    """--truncation would do nothing, or something else than its page says."""
    generator = Generator(model_file, device="cpu")
    out = _job(model_file, tmp_path / "out", truncation=0.5)
    latents = generator.latents(COUNT, seed=3, start=START)
    arrays = np.concatenate([np.load(path) for path in sorted(out.glob("*.npy"))])
    assert np.array_equal(arrays, generator(latents * np.float32(0.5)))
    assert not np.array_equal(arrays, generator(latents))


def test_hashing_file_knows_its_digest(tmp_path: Path) -> None:
    """The manifest would name a digest that the file does not have."""
    import hashlib

    file = HashingFile(tmp_path / "x")
    file.write(b"one")
    file.write(np.arange(5, dtype=np.uint16))
    written = file.written("x")
    assert written.sha256 == hashlib.sha256((tmp_path / "x").read_bytes()).hexdigest()
    assert written.bytes == 13
