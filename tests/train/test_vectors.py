"""Vectors: read, standardised in training, given back in their own units by the exported file."""

from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from dropgan.export import ExportError, export
from dropgan.export.certificate import recheck
from dropgan.serve import Generator
from dropgan.serve.kinds import kind_of
from dropgan.train import RecipeError, change_recipe, load_generator, load_recipe, resume, train
from dropgan.train.data import DataError, DataOptions, VectorData, load_data, load_images
from dropgan.train.data.batches import Batches
from dropgan.train.data.scaling import SpreadOut

RANDOM = np.random.default_rng(0)
CPU = torch.device("cpu")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """400 rows of three columns of very different size, as CSV."""
    kind = RANDOM.integers(0, 2, 400)
    columns = np.stack(
        [RANDOM.normal(5 * kind, 0.2), RANDOM.normal(1e6, 30, 400), RANDOM.exponential(1e-4, 400)]
    )
    path = tmp_path / "table.csv"
    np.savetxt(path, columns.T, delimiter=",", header="length,weight,rate", comments="")
    return path


def test_every_form_of_a_table_is_the_same_data(tmp_path: Path) -> None:
    """CSV with and without names, semicolons, tabs, Parquet, .npy and .npz: the same rows, the same model."""
    rows = RANDOM.normal(size=(50, 3)).astype(np.float32)
    names = ("a", "b", "c")
    for file, delimiter, header in (
        ("a.csv", ",", "a,b,c"),
        ("b.csv", ";", "a;b;c"),
        ("c.tsv", "\t", "a\tb\tc"),
    ):
        np.savetxt(tmp_path / file, rows, delimiter=delimiter, header=header, comments="", fmt="%.9g")
    np.savetxt(tmp_path / "d.csv", rows, delimiter=",", fmt="%.9g")
    pq.write_table(pa.table(dict(zip(names, rows.T, strict=True))), tmp_path / "e.parquet")
    np.save(tmp_path / "f.npy", rows.astype(np.float64))
    np.savez(tmp_path / "g.npz", vectors=rows, columns=np.array(names), labels=np.arange(50) % 2)
    found = {path.name: load_data(str(path)) for path in sorted(tmp_path.iterdir())}
    for name, data in found.items():
        assert isinstance(data, VectorData), name
        assert data.fingerprint == found["f.npy"].fingerprint, name
        assert data.columns == (
            names if name not in ("d.csv", "f.npy") else ("column_0", "column_1", "column_2")
        )
    assert found["g.npz"].classes == 2


def test_labels_of_a_table(tmp_path: Path) -> None:
    """The column of labels is no column of the vectors."""
    text = "size,kind,age\n" + "".join(f"{i},{'xy'[i % 2]},{i % 5}\n" for i in range(20))
    (tmp_path / "a.csv").write_text(text)
    data = load_data(str(tmp_path / "a.csv"), options=DataOptions(label_column="kind"))
    assert isinstance(data, VectorData)
    assert data.columns == ("size", "age")
    assert data.class_names == ("x", "y")
    assert data.labels is not None
    assert data.labels[:3].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "at least 2"),
        ("a,b\n1,2\n3\n", "as a table: its rows are not of as many fields"),
        ("a,b\n1,2\n3,\n", "column b has missing values"),
        ("a,b\n1,2\n3,x\n", r"must be numbers, not b \(string: 'x'\)"),
        ("a,b\n1,2\n3,nan\n5,6\n", "column b"),
        ("a,b\n1,2\n3,inf\n5,6\n", "column b is holding values that are not finite"),
        ("a,b\n1,2\n3,1e300\n5,6\n", "column b is holding values that are not finite"),
        ("a,b,c\n7,2,1\n7,3,1\n7,4,1\n", "columns a, c are constant"),
        ("a,b\n1700000000,2\n1700000001,3\n", "column a is constant, or varying by less"),
        ("a,a\n1,2\n3,5\n", "more than one column"),
    ],
)
def test_unfit_tables(tmp_path: Path, text: str, message: str) -> None:
    """One line that names the column, before anything is trained."""
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load_data(str(tmp_path / "a.csv"))
    assert "\n" not in str(caught.value)


def test_unfit_arrays_and_options(tmp_path: Path, table: Path) -> None:
    """Non-finite arrays, and options or uses that are for images."""
    rows = RANDOM.normal(size=(50, 3))
    rows[7, 1] = np.nan
    np.save(tmp_path / "a.npy", rows)
    with pytest.raises(DataError, match="column_1 is holding values that are not finite"):
        load_data(str(tmp_path / "a.npy"))
    with pytest.raises(DataError, match="are for images"):
        load_data(str(table), options=DataOptions(size=8))
    with pytest.raises(DataError, match="where images are needed"):
        load_images(str(table))


def test_batches_are_standardised_from_memory_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each column with mean 0 and deviation 1, the same whether the data fit into memory or not."""
    rows = RANDOM.normal((1e6, 0), (3, 1e-5), (200, 2))
    np.save(tmp_path / "a.npy", rows)
    data = load_data(str(tmp_path / "a.npy"))
    assert isinstance(data, VectorData)
    assert isinstance(data.vectors.base, np.memmap)
    scaling = SpreadOut(data.spread)
    one = Batches(data.samples, 200, 0, CPU, scaling=scaling)(0).samples
    torch.testing.assert_close(one.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(one.std(0, correction=0), torch.ones(2), atol=1e-4, rtol=0)
    monkeypatch.setattr("dropgan.train.data.stored.available_memory", lambda: 1000)
    assert torch.equal(Batches(data.samples, 200, 0, CPU, scaling=scaling)(0).samples, one)


def test_from_a_table_to_rows_in_their_own_units(tmp_path: Path, table: Path) -> None:
    """A short training, resumed; the file gives rows near the data, equal to PyTorch's, proof and all."""
    settings = {
        "training.steps": 150,
        "training.batch_size": 64,
        "generator.hidden": [64],
        "generator.latent_dim": 8,
    }
    recipe = change_recipe(load_recipe("mlp"), {**settings, "discriminator.hidden": [64]})
    run = tmp_path / "run"
    train(run, recipe, data=str(table), device="cpu", precision="fp32", threads=1)
    resume(run, steps=160)
    assert list((run / "samples").glob("*.png"))
    card = export(run, tmp_path / "model.onnx")
    assert (card.data.kind, card.export.output, kind_of(card).layout(card)) == ("vectors", "vectors", "nd")
    generator = Generator(tmp_path / "model.onnx", device="cpu")
    rows = generator.sample(500, seed=1)
    assert rows.dtype == np.float32
    assert rows.shape == (500, 3)
    assert generator.card.data.columns == ("length", "weight", "rate")
    data = load_data(str(table))
    assert isinstance(data, VectorData)
    assert (np.abs(rows.mean(0) - data.mean) < 2 * data.scale).all()
    trained = load_generator(run)
    with torch.no_grad():
        plain = trained.module(torch.from_numpy(generator.latents(500, seed=1))).numpy()
    np.testing.assert_allclose(rows, data.delivered(plain), rtol=1e-5, atol=1e-6 * data.scale.max())
    again = recheck((tmp_path / "model.onnx").read_bytes(), generator)
    assert again.passed
    assert again.witness_values == 48
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    assert session.get_outputs()[0].name == "vectors"
    export(run, tmp_path / "half.onnx", precision="fp16")
    half = Generator(tmp_path / "half.onnx", device="cpu").sample(500, seed=1)
    assert np.abs((half - rows) / data.scale).max() < 0.5
    for options in ({"precision": "int8"}, {"output": "pixels"}, {"layout": "nchw"}):
        with pytest.raises(ExportError, match="images"):
            export(run, tmp_path / "no.onnx", **options)
    assert not (tmp_path / "no.onnx").exists()


def test_what_is_for_images_is_refused(table: Path, tmp_path: Path) -> None:
    """Augmentation of a row of numbers would teach the generator nonsense."""
    recipe = change_recipe(load_recipe("mlp"), {"training.augmentation": ["colour"]})
    with pytest.raises(RecipeError, match="for images, not for rows of 3 columns"):
        train(tmp_path / "run", recipe, data=str(table), threads=1, precision="fp32")
    assert not (tmp_path / "run").exists()
