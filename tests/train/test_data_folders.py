"""What lies beside the data: files of other kinds, parts of a set, copies; read, or said in one line."""

import gzip
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dropgan.serve.reporter import Reporter
from dropgan.train.data import DataError, load_data, load_images

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (8, 8, 6), dtype=np.uint8)
LABELS = np.arange(8, dtype=np.uint8) % 2


def _idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _picture(path: Path, level: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RANDOM.integers(0, 256, (8, 8, 3)) if level is None else np.full((8, 8, 3), level)
    pixels[0, 0, 0] = RANDOM.integers(0, 256)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def _load(source: Path) -> tuple[Any, list[str]]:
    said: list[str] = []
    return load_data(str(source), reporter=Reporter(note=said.append)), said


def test_pictures_whose_names_look_like_idx(tmp_path: Path) -> None:
    """A folder with idx3.png in it was taken for MNIST's files."""
    for name in ("idx3.png", "idx4.png", "my-idx3-ubyte.jpg"):
        _picture(tmp_path / name)
    data, said = _load(tmp_path)
    assert len(data) == 3
    assert not said


@pytest.mark.parametrize("upper", [False, True])
def test_an_idx_file_beside_its_packed_copy(tmp_path: Path, upper: bool) -> None:
    """gunzip -k leaves both; they are one file, unless they differ."""
    for kind, array in (("images-idx3", IMAGES), ("labels-idx1", LABELS)):
        name = f"train-{kind}-ubyte"
        (tmp_path / (name.upper() if upper else name)).write_bytes(_idx(array))
        (tmp_path / f"{name.upper() if upper else name}{'.GZ' if upper else '.gz'}").write_bytes(
            gzip.compress(_idx(array))
        )
    (tmp_path / "._train-images-idx3-ubyte").write_bytes(b"of macOS")
    data, said = _load(tmp_path)
    assert np.array_equal(data.images[..., 0], IMAGES)
    assert np.array_equal(data.labels, LABELS)
    assert not said
    next(path for path in tmp_path.iterdir() if path.suffix.lower() == ".gz").write_bytes(_idx(IMAGES[:4]))
    with pytest.raises(DataError, match="differ"):
        _load(tmp_path)


def test_mnist_s_own_folder_says_what_is_taken(tmp_path: Path) -> None:
    """The test images beside the training images are not trained on, and that is said."""
    for part in ("train", "t10k"):
        shift = part == "t10k"
        (tmp_path / f"{part}-images.idx3-ubyte").write_bytes(_idx(255 - IMAGES if shift else IMAGES))
        (tmp_path / f"{part}-labels.idx1-ubyte").write_bytes(_idx(1 - LABELS if shift else LABELS))
    data, said = _load(tmp_path)
    assert np.array_equal(data.images[..., 0], IMAGES)
    assert np.array_equal(data.labels, LABELS)
    assert len(said) == 1
    assert "skipped: t10k-images.idx3-ubyte, t10k-labels.idx1-ubyte" in said[0]
    (tmp_path / "train-labels.idx1-ubyte").unlink()
    _picture(tmp_path / "preview.png")
    data, said = _load(tmp_path)
    assert data.labels is None  # those of other images are none
    assert "t10k-labels" in said[0]
    assert "skipped files that are not IDX: .png (1)" in said[1]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "more than the free memory"),
        (bytes([0, 0, 8, 255]) + b"\xff" * 1020, "more than the free memory"),
        (bytes([0, 0, 8, 3]) + bytes(12), "at least 2"),
    ],
)
def test_idx_headers_of_anyone(tmp_path: Path, header: bytes, message: str) -> None:
    """A header may promise any number of images; nothing is taken from memory for that."""
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(gzip.compress(header))
    with pytest.raises(DataError, match=message):
        _load(tmp_path)


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    """10,000 HEIC files of a telephone were left out without a word."""
    for name in ("a.png", "b.PNG", "sub/c.Jpg"):
        _picture(tmp_path / name)
    for name in ("1.heic", "2.heic", "3.jxl", "README", "labels.csv", ".hidden.heic", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"?")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "x.png").write_bytes(b"?")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "again").symlink_to(tmp_path / "sub")
    data, said = _load(tmp_path)
    assert len(data) == 3
    assert len(said) == 1
    for part in (
        ".heic (2)", ".jxl (1)", ".csv (1)", "broken links (2)", "pipes and devices (1)", "others (1)",
    ):  # fmt: skip
        assert part in said[0]
    for path in tmp_path.rglob("*.*"):
        if path.suffix.lower() in (".png", ".jpg"):
            path.unlink()
    with pytest.raises(DataError, match=r"has no pictures .*it has \.heic \(2\)"):
        _load(tmp_path)


def test_classes_are_in_natural_order(tmp_path: Path) -> None:
    """Folders 0 to 11 were numbered 0, 1, 10, 11, 2, ..."""
    for number in range(12):
        _picture(tmp_path / str(number) / "a.png")
    data, _ = _load(tmp_path)
    assert data.class_names == tuple(str(number) for number in range(12))
    order = [int(path.parent.name) for path in sorted(tmp_path.glob("*/*.png"))]
    assert data.labels.tolist() == order


def test_parts_of_a_set_are_no_classes(tmp_path: Path) -> None:
    """train/ and val/ became the classes of a conditional model, and the held-out part was trained on."""
    for part, level in (("train", 10), ("Val", 200), ("test", 220)):
        for name in ("dog", "cat"):
            for number in range(2):
                _picture(tmp_path / "photos" / part / name / f"{number}.png", level)
    for folder in (tmp_path / "photos", tmp_path):  # also below a folder of its own, as archives have it
        data, said = _load(folder)
        assert len(data) == 4
        assert data.images[:, 1:].max() == 10
        assert data.class_names == ("cat", "dog")
        assert data.labels.tolist() == [0, 0, 1, 1]
        assert len(said) == 1
        assert "skipped: Val, test" in said[0]
    assert _load(tmp_path / "photos" / "Val")[0].class_names == ("cat", "dog")
    _picture(tmp_path / "photos" / "loose.png")
    with pytest.raises(DataError, match="are parts of a set"):
        _load(tmp_path / "photos")


def test_parts_without_a_training_part(tmp_path: Path) -> None:
    """Which of two held-out parts to train on is for the user to say."""
    for part in ("test", "val"):
        _picture(tmp_path / part / "a.png")
    with pytest.raises(DataError, match="the folders test, val, which are parts of a set"):
        _load(tmp_path)


def test_parts_within_classes(tmp_path: Path) -> None:
    """A test part in each class would be trained on unseen."""
    for name in ("bolt", "nut"):
        for part in ("train", "test"):
            _picture(tmp_path / name / part / "a.png")
    with pytest.raises(DataError, match="in each folder"):
        _load(tmp_path)


def test_a_train_can_be_a_class(tmp_path: Path) -> None:
    """Among other vehicles it is one."""
    for name in ("bus", "train", "tram"):
        _picture(tmp_path / name / "a.png")
    assert _load(tmp_path)[0].class_names == ("bus", "train", "tram")


def test_names_of_pictures_that_are_no_text(tmp_path: Path) -> None:
    """Old archives leave such names; they are names all the same, also of a picture that is broken."""
    for name in (b"caf\xe9.png", "té.png".encode(), "日本.png".encode()):
        _picture(tmp_path / os.fsdecode(name))
    (tmp_path / os.fsdecode(b"th\xe9.png")).write_bytes(b"?")
    data, said = _load(tmp_path)
    assert len(data) == 3
    assert "th" in said[0]


def test_hidden_and_held_out_parquet_files(tmp_path: Path) -> None:
    """macOS leaves ._x.parquet beside each file; Hugging Face keeps test files beside training files."""
    rows = RANDOM.normal(size=(9, 2))
    for name, part in (
        ("train-00000-of-00002", rows[:4]),
        ("train-00001-of-00002", rows[4:]),
        ("test-00000", -rows),
    ):
        pq.write_table(pa.table({"a": part[:, 0], "b": part[:, 1]}), tmp_path / f"{name}.Parquet")
    (tmp_path / "._train-00000-of-00002.parquet").write_bytes(b"of macOS")
    (tmp_path / "more").mkdir()  # with further files, perhaps
    (tmp_path / "README.md").write_text("?")
    data, said = _load(tmp_path)
    assert np.array_equal(data.vectors, rows.astype(np.float32))
    assert len(said) == 2
    assert "the held-out parts of the set: test-00000.Parquet" in said[0]
    assert "not Parquet: folders (1), .md (1)" in said[1] or ".md (1), folders (1)" in said[1]
    only_test = tmp_path / "only"
    only_test.mkdir()
    (tmp_path / "test-00000.Parquet").rename(only_test / "test-00000.Parquet")
    data, said = _load(only_test)
    assert (len(data), said) == (9, [])


def test_capital_suffixes(tmp_path: Path) -> None:
    """Files of cameras and of Windows."""
    np.save(tmp_path / "a.npy", IMAGES)
    np.savez(tmp_path / "b.npz", images=IMAGES)
    (tmp_path / "c.csv").write_text("a,b\n1,2\n3,5\n")
    pq.write_table(pa.table({"a": [1.0, 2.0]}), tmp_path / "d.parquet")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix(path.suffix.upper()))
        assert len(_load(path.with_suffix(path.suffix.upper()))[0]) > 1


def _npy(shape: str, descr: str = "'|u1'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


@pytest.mark.parametrize(
    "content",
    [
        _npy("(-3, 8, 8)"),
        _npy("(-3, -8, 8)") + bytes(192),
        _npy("(3, 8, 8)"),
        _npy(f"({2**62}, 8, 8)"),
        _npy(f"({2**70}, 8, 8)"),
        _npy(f"(0, {2**62}, 8, 8)"),
        _npy("(True, 8, 8)"),
        _npy("(3.0, 8, 8)"),
        _npy("'abc'"),
        _npy("(3, 8, 8)", "'|O'"),
        _npy("(3, 8, 8)", "'<f999'"),
        _npy("(3, 8, 8)", "[('a', '|u1')]") + bytes(192),
        _npy("(" * 4000),
        _npy("(3, 8, 8)").replace(b"'descr'", b"'dascr'"),
        b"\x93NUMPY\x09\x00" + bytes(100),
        b"\x93NUMPY",
        b"",
        b"PK\x05\x06" + bytes(18),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_numpy_headers_of_anyone(tmp_path: Path, content: bytes, packed: bool) -> None:
    """Negative, giant and nonsensical headers end in one line, not in a traceback or a full memory."""
    path = tmp_path / ("a.npz" if packed else "a.npy")
    if packed:
        import zipfile

        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", content)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_images(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_an_archive_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes of zeros can unpack to any size."""
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((2000, 64, 64), np.uint8))
    monkeypatch.setattr("dropgan.train.data.readers.arrays.available_memory", lambda: 2**20)
    with pytest.raises(DataError, match="do not fit into memory"):
        load_images(str(tmp_path / "a.npz"))


def test_arrays_that_are_not_read_are_said(tmp_path: Path) -> None:
    """Labels under another name were lost without a word; objects are named."""
    np.savez(tmp_path / "a.npz", images=IMAGES, y=LABELS)
    data, said = _load(tmp_path / "a.npz")
    assert data.labels is None
    assert len(said) == 1
    assert "skipped: y" in said[0]
    np.savez(tmp_path / "b.npz", images=IMAGES, labels=LABELS, class_names=np.array(["cat", "dog"], object))
    with pytest.raises(DataError, match="Python objects"):
        _load(tmp_path / "b.npz")
    np.savez(
        tmp_path / "c.npz", images=IMAGES, labels=np.eye(2)[LABELS], class_names=np.array([b"cat", b"dog"])
    )
    data, _ = _load(tmp_path / "c.npz")
    assert data.labels.tolist() == LABELS.tolist()
    assert data.class_names == ("cat", "dog")


def test_deep_notes_in_a_parquet_file(tmp_path: Path) -> None:
    """What Hugging Face's library writes there is of anyone, too."""
    for note in (b"[" * 100_000, b'{"info": 3}', b"\xff", b"null", b'{"info": {"features": {"label": 3}}}'):
        table = pa.table({"a": [1.0, 2.0], "label": [0, 1]}).replace_schema_metadata({"huggingface": note})
        pq.write_table(table, tmp_path / "a.parquet")
        assert len(_load(tmp_path / "a.parquet")[0]) == 2
