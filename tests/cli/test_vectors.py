"""Vectors on the command line, from a table to scored rows of the same table."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dropgan.serve import Generator
from dropgan.train.data import load_data

from .conftest import Dropgan

SMALL = (
    "--set",
    "generator.hidden=[16]",
    "--set",
    "discriminator.hidden=[16]",
    "--set",
    "training.batch_size=16",
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """500 rows of two columns."""
    random = np.random.default_rng(0)
    lines = [f"{height:.6g},{weight:.6g}" for height, weight in random.normal((170, 70), (8, 12), (500, 2))]
    (tmp_path / "people.csv").write_text("\n".join(["height,weight", *lines]) + "\n")
    return tmp_path / "people.csv"


def test_from_a_table_to_tables(dropgan: Dropgan, table: Path, tmp_path: Path) -> None:
    """`run` does it all; what `sample` writes has the names and can be trained on; scores say of what."""
    out = tmp_path / "all"
    answer = dropgan("run", "--data", table, "-o", out, "--steps", 40, "--threads", 1, "-n", 20, *SMALL)
    assert answer.code == 0, answer.err
    assert "frechet_distance_vectors" in answer.out
    assert (out / "samples.csv").read_text().startswith("height,weight\n")
    scores = json.loads((out / "scores.json").read_text())
    assert {score["features"] for score in scores} == {"vectors"}
    again = dropgan("run", "--data", table, "-o", out, "--steps", 40, "--threads", 1, *SMALL)
    assert again.code == 0, again.err

    model = out / "model.onnx"
    inspected = dropgan("inspect", model)
    assert inspected.code == 0
    assert "height, weight" in inspected.out
    assert "standard deviations apart" in inspected.out
    for name in ("a.csv", "a.parquet", "a.npy", "shards"):
        assert dropgan("sample", model, "-n", 300, "--seed", 5, "-o", tmp_path / name).code == 0
    assert dropgan("sample", "--verify", tmp_path / "shards").code == 0
    rows = np.load(tmp_path / "a.npy")
    assert rows.dtype == np.float32
    for name in ("a.csv", "a.parquet", "shards"):
        data = load_data(str(tmp_path / name))
        assert np.array_equal(data.samples, rows), name
    assert pq.read_table(tmp_path / "a.parquet").schema.names == ["height", "weight"]
    csv = dropgan("sample", model, "-n", 100, "-o", tmp_path / "csv", "--format", "csv", "--shard-size", 64)
    assert csv.code == 0
    assert len(list((tmp_path / "csv").glob("vectors-*.csv"))) == 2

    assert (out / "report.html").read_text("utf-8").count("data:image/png") == 2  # columns, and a pair
    report = ("--report", tmp_path / "rows.html")
    held_out = dropgan("evaluate", out, "--held-out", tmp_path / "a.csv", "-n", 200, "--json", *report)
    assert held_out.code == 0, held_out.err
    assert "200 rows of the deployed file" in (tmp_path / "rows.html").read_text("utf-8")
    found = json.loads(held_out.out)
    assert [column["name"] for column in found["columns"]] == ["height", "weight"]
    assert found["held_out_scores"]
    shown = dropgan("evaluate", model, "--data", table, "-n", 200)
    assert shown.code == 0, shown.err
    assert "column      " in shown.out


def test_what_vectors_have_not(
    dropgan: Dropgan, table: Path, tmp_path: Path, model_file: Path, vector_model: Path
) -> None:
    """One line each for what is for pictures, and for tables of a model of images."""
    named = ("--name", "people", "--license", "MIT", "-o", "web")
    for arguments, code, message in (
        (("sample", vector_model, "-o", "grid.png"), 1, "holds pictures"),
        (("sample", vector_model, "-o", "out", "--format", "tar"), 1, "holds pictures"),
        (("sample", vector_model, "-o", "out", "--format", "npy", "--keep", "math:sqrt"), 1, "filter"),
        (
            ("sample", model_file, "-o", "out", "--format", "csv"),
            1,
            "csv holds columns, this model makes images",
        ),
        (("sample", model_file, "-o", "rows.csv"), 1, "rows.csv holds columns, this model makes images"),
        (("evaluate", vector_model, "--data", table, "--features", "domain"), 2, "are for images"),
        (("evaluate", vector_model, "--data", "fashion-mnist-10k"), 1, "holds images"),
        (("evaluate", model_file, "--data", table), 1, "the model makes images"),
        (("train", "--data", table, "--size", 8, "-o", "run"), 1, "are for images"),
        (("package", vector_model, "--target", "web", *named), 1, "makes vectors"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            answer = dropgan(*arguments)
        assert answer.code == code, (arguments, answer.err)
        assert message in " ".join(answer.err.replace("│", " ").split()), arguments
        assert "Traceback" not in answer.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv"]


def test_classes_stand_in_the_table(dropgan: Dropgan, tmp_path: Path) -> None:
    """A row of a class-conditional model without its class would be half of what was asked for."""
    random = np.random.default_rng(0)
    kinds = ("ant", '"bee,wasp"')
    lines = [f"{random.normal()},{random.normal()},{kinds[row % 4 > 0]}" for row in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["x,label,kind", *lines]) + "\n")
    data = ("--data", tmp_path / "a.csv", "--label-column", "kind")
    short = ("--steps", 3, "--threads", 1, *SMALL)
    answer = dropgan("train", *data, "--conditional", "-o", tmp_path / "run", *short)
    assert answer.code == 0, answer.err
    model = tmp_path / "model.onnx"
    assert dropgan("export", tmp_path / "run", "-o", model).code == 0
    for out in (("rows.csv",), ("rows.parquet",), ("shards", "--format", "csv", "--shard-size", 8)):
        arguments = (model, "-n", 20, "--seed", 4, "-o", tmp_path / out[0], *out[1:])
        assert dropgan("sample", *arguments).code == 0
    generator = Generator(model, device="cpu")
    expected = [generator.class_names[label] for label in generator.labels(20, seed=4)]
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.schema.names == ["x", "label", "kind"]
    assert table.column("kind").to_pylist() == expected
    assert generator.card.labels.counts == (15, 45)
    many = dropgan("sample", model, "-n", 2000, "--labels", "data", "-o", tmp_path / "many.csv")
    assert many.code == 0, many.err
    with (tmp_path / "many.csv").open(newline="") as file:
        drawn = [row[2] for row in csv.reader(file)][1:]
    assert drawn == [generator.class_names[label] for label in generator.labels(2000)]
    assert abs(drawn.count("ant") - 500) < 100
    assert "ant 0.25, bee,wasp 0.75 of the data; drawn like this by default" in dropgan("inspect", model).out
    rows = generator.sample(20, seed=4)
    for path in (tmp_path / "rows.csv", *sorted((tmp_path / "shards").glob("*.csv"))):
        with path.open(newline="") as file:
            head, *found = csv.reader(file)
        assert head == ["x", "label", "kind"]
        first = 0 if path.name == "rows.csv" else 8 * int(path.stem.removeprefix("vectors-"))
        part = slice(first, first + len(found))
        assert [row[2] for row in found] == expected[part]
        assert np.array_equal(np.array([row[:2] for row in found], np.float32), rows[part])
    assert generator.class_numbers == (0, 1)
    balanced = dropgan("sample", model, "-n", 4, "--labels", "balanced", "-o", tmp_path / "b.csv")
    assert balanced.code == 0, balanced.err
    with (tmp_path / "b.csv").open(newline="") as file:
        assert [row[2] for row in csv.reader(file)][1:] == ["ant", "bee,wasp", "ant", "bee,wasp"]


def test_the_layout_of_a_text_file(dropgan: Dropgan, tmp_path: Path) -> None:
    """What could mean two things is asked for, and a run remembers the answer for all that comes later."""
    random = np.random.default_rng(0)
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{n // 100},{n % 100:02}\n" for n in random.integers(100, 2000, 60)))
    short = ("--steps", 2, "--threads", 1, *SMALL)
    asked = dropgan("train", "--data", path, "-o", tmp_path / "run", *short)
    assert asked.code == 1
    assert "say --separator none or --separator ," in asked.err
    assert not (tmp_path / "run").exists()
    assert dropgan("train", "--data", path, "--separator", "none", "-o", tmp_path / "run", *short).code == 0
    assert dropgan("export", tmp_path / "run", "-o", tmp_path / "model.onnx").code == 0
    card = Generator(tmp_path / "model.onnx", device="cpu").card
    assert card.data.columns == ("column_0",)
    assert dropgan("train", "--resume", "-o", tmp_path / "run", "--steps", 3).code == 0
    other = dropgan("train", "--resume", "-o", tmp_path / "run", "--separator", ",")
    assert other.code == 2
    assert "data separator was none, now ," in other.err
    assert dropgan("evaluate", tmp_path / "run", "-n", 50).code == 0
    wrong = dropgan("train", "--data", path, "--separator", "12", "-o", tmp_path / "other", *short)
    assert wrong.code != 0
    assert "one character" in wrong.err
    pictures = dropgan("train", "--header", "-o", tmp_path / "other", *short)
    assert "is not a text file" in pictures.err
