"""Bounds, whole numbers and point masses of columns: in training, in the file, in tables."""

import csv
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
import torch

from dropgan.cli.inspect import _bounds
from dropgan.export import export, recheck
from dropgan.export.kinds.vectors import VectorEnding
from dropgan.export.parity import ParityError, check_parity
from dropgan.export.units import Units
from dropgan.serve import Generator, ModelError
from dropgan.serve.batch import generate
from dropgan.serve.kinds.vectors import rounded_apart
from dropgan.train import change_recipe, load_generator, load_recipe, resume, train
from dropgan.train.data import VectorData, load_data
from dropgan.train.data.batches import Batches
from dropgan.train.data.spread import Spread
from dropgan.train.kinds import training_kind

CPU = torch.device("cpu")
NAMES = ("age", "rain", "hours", "children", "height")


def people(count: int = 3000) -> np.ndarray:
    """Ages, rain on one day of ten, hours that are mostly 40, few children, heights."""
    random = np.random.default_rng(0)
    return np.stack(
        [
            np.clip(np.rint(random.normal(48, 13, count)), 17, 90),
            np.where(random.random(count) < 0.9, 0, random.gamma(2, 3, count)),
            np.where(random.random(count) < 0.5, 40, np.clip(np.rint(random.normal(40, 12, count)), 1, 99)),
            np.minimum(random.poisson(0.9, count), 7),
            random.normal(170, 9, count),
        ],
        axis=1,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 steps on a table of people, averaged for long: shares then differ little from seed to seed."""
    folder = tmp_path_factory.mktemp("people")
    lines = [",".join(f"{value:.9g}" for value in row) for row in people()]
    (folder / "people.csv").write_text("\n".join([",".join(NAMES), *lines]) + "\n")
    settings = {
        "training.steps": 2000,
        "training.batch_size": 64,
        "training.ema_decay": 0.998,
        "generator.hidden": [64, 64],
        "discriminator.hidden": [64, 64],
        "generator.latent_dim": 16,
    }
    recipe = change_recipe(load_recipe("mlp"), settings)
    train(folder / "run", recipe, data=str(folder / "people.csv"), device="cpu", precision="fp32", threads=1)
    return folder / "run"


@pytest.fixture(scope="module")
def model(run: Path) -> Path:
    export(run, run / "model.onnx")
    return run / "model.onnx"


@pytest.mark.parametrize("mass", [0.0, 3.0, -7.5, 1e6])
def test_spread_out_and_folded_back(mass: float) -> None:
    """Training sees an even spread, and every value comes back: other values must not move."""
    random = np.random.default_rng(1)
    rows = np.where(random.random((4000, 1)) < 0.6, mass, mass + random.normal(size=(4000, 1)) * 5)
    data = VectorData(rows, "a")
    assert data.spread.mass.tolist() == [mass]
    assert 5 < data.spread.width[0] < 10  # 0.6 / 0.4 times the others' deviation
    standard = data.spread.standard(rows, random.random(rows.shape))
    assert abs(standard.mean()) < 0.05
    assert abs(standard.std() - 1) < 0.03
    assert len(np.unique(standard)) > 3900
    restored = data.spread.restored(standard)
    np.testing.assert_allclose(restored, rows, atol=1e-9 * max(1, abs(mass)))
    assert np.mean(restored == mass) > 0.59


@pytest.mark.parametrize(
    "column",
    [
        np.arange(100.0) % 7,  # few whole numbers: rounding is enough
        np.random.default_rng(0).integers(0, 2, 100).astype(float),
        np.random.default_rng(0).normal(size=100),
    ],
)
def test_columns_without_a_point_mass(column: np.ndarray) -> None:
    """They are standardised and nothing else, as they always were."""
    data = VectorData(column[:, None], "a")
    assert data.spread.width.tolist() == [0]
    assert data.spread.mass.tolist() == [0]
    assert (data.spread.mean == data.mean).all()
    assert (data.spread.scale == data.scale).all()


def test_batches_are_a_function_of_seed_and_step(tmp_path: Path) -> None:
    """Where a mass falls is drawn anew each step, the same after a restart and from a file."""
    data = VectorData(people(), "people", NAMES)
    assert np.flatnonzero(data.spread.width).tolist() == [1, 2]
    scaling = training_kind(data.kind).scaling(data)
    one, other = (Batches(data.samples, 500, 3, CPU, scaling=scaling) for _ in range(2))
    for step in (0, 7, 1):
        assert torch.equal(one(step).samples, other(step).samples)
    whole = torch.cat([one(step).samples for step in range(6)])
    torch.testing.assert_close(whole.mean(0), torch.zeros(5), atol=0.05, rtol=0)
    torch.testing.assert_close(whole.std(0), torch.ones(5), atol=0.05, rtol=0)
    order = one._indices(2).numpy()
    places = np.zeros((500, 5))
    drawn = one._random(2)
    assert drawn is not None
    places[:, [1, 2]] = drawn.numpy()
    expected = data.spread.standard(data.vectors[order], places)
    np.testing.assert_allclose(one(2).samples.numpy(), expected, atol=1e-6)


def test_a_resumed_run_has_the_same_weights(tmp_path: Path) -> None:
    """Draws outside of the checkpoint's generators would make another run of it."""
    np.save(tmp_path / "a.npy", people(200))
    small = {
        "training.steps": 6,
        "training.batch_size": 16,
        "generator.hidden": [8],
        "discriminator.hidden": [8],
    }
    for name, steps in (("once", 6), ("twice", 3)):
        recipe = change_recipe(
            load_recipe("mlp"), {**small, "training.steps": steps, "training.schedule": "constant"}
        )
        train(
            tmp_path / name, recipe, data=str(tmp_path / "a.npy"), device="cpu", precision="fp32", threads=1
        )
    resume(tmp_path / "twice", steps=6)
    once, twice = (load_generator(tmp_path / name).module.state_dict() for name in ("once", "twice"))
    assert all(torch.equal(once[key], twice[key]) for key in once)


def test_rows_are_within_bounds_and_whole(run: Path, model: Path) -> None:
    """Ages of -14, 2.7 children and rain on every day are no people."""
    data = load_data(str(run.parent / "people.csv"))
    assert isinstance(data, VectorData)
    generator = Generator(model, device="cpu")
    card = generator.card
    assert (card.export.clipped, card.export.rounded) == (True, True)
    assert card.data.whole == (True, False, True, True, False)
    rows = generator.sample(20_000, seed=3)
    assert (rows >= data.low).all()
    assert (rows <= data.high).all()
    assert (rows[:, [0, 2, 3]] == np.rint(rows[:, [0, 2, 3]])).all()
    assert abs(np.mean(rows[:, 1] == 0) - 0.9) < 0.05
    assert abs(np.mean(rows[:, 2] == 40) - 0.52) < 0.15
    assert np.mean(rows[:, 4] % 1 == 0) < 0.01


def test_the_graph_is_what_training_shows(run: Path, model: Path) -> None:
    """Pictures of training, PyTorch's values and the file must be of the same rows."""
    data = load_data(str(run.parent / "people.csv"))
    assert isinstance(data, VectorData)
    generator = Generator(model, device="cpu")
    trained = load_generator(run)
    with torch.no_grad():
        plain = trained.module(torch.from_numpy(generator.latents(2000, seed=1))).numpy()
    shown, rows = data.delivered(plain), generator.sample(2000, seed=1)
    same = np.isclose(shown, rows, rtol=1e-5, atol=1e-4)
    assert same.mean() > 0.999  # a value next to a half may round either way
    assert np.abs(shown - rows).max() <= 1
    again = recheck(model.read_bytes(), generator)
    assert again.passed
    assert again.witness_values == 80


def test_bounds_and_rounding_can_be_left_out(run: Path, tmp_path: Path) -> None:
    """Who wants the tails or the fractions says so, and the card keeps it."""
    card = export(run, tmp_path / "free.onnx", clip=False, round_whole=False)
    assert (card.export.clipped, card.export.rounded) == (False, False)
    rows = Generator(tmp_path / "free.onnx", device="cpu").sample(20_000, seed=3)
    assert np.mean(rows[:, 0] % 1 == 0) < 0.01
    operators = {node.op_type for node in onnx.load(tmp_path / "free.onnx").graph.node}
    assert "Round" not in operators
    half = export(run, tmp_path / "half.onnx", precision="fp16", clip=False)
    assert (half.export.clipped, half.export.rounded) == (False, True)
    assert recheck((tmp_path / "half.onnx").read_bytes(), Generator(tmp_path / "half.onnx")).passed


def test_parity_sees_wrong_bounds_and_rounding(run: Path) -> None:
    """Parity allows a half to round either way, and nothing else."""
    made = np.array([[2.0, 0.5], [3.0, 0.25]])
    exact = np.array([[2.5, 0.5], [2.4, 0.25]])
    whole = np.array([True, False])
    np.testing.assert_allclose(rounded_apart(made, exact, whole), [[0, 0], [0.1, 0]], atol=1e-12)
    assert rounded_apart(made + 0.01, exact, whole)[0, 0] == np.inf
    trained = load_generator(run)
    data = trained.about["data"]
    given = Units.of(data, clip=True, round_=True)
    other = Units.of({**data, "high": [60, *data["high"][1:]]}, clip=True, round_=True)
    from dropgan.export.graph import DEFAULT_OPSET, to_onnx

    for units, fits in ((given, True), (other, False), (Units.of(data, clip=True, round_=False), False)):
        file = to_onnx(trained.module, 16, VectorEnding(units), opset=DEFAULT_OPSET).SerializeToString()
        with nullcontext() if fits else pytest.raises(ParityError):
            check_parity(file, trained.module, 16, VectorEnding(given), seed=0, samples=2000)


def test_bounds_hold_in_float32() -> None:
    """The nearest float32 to a bound may lie outside of it."""
    data = {"mean": [0], "scale": [1], "mass": [0], "width": [0], "whole": [False]}
    units = Units.of({**data, "low": [0.1], "high": [0.3]}, clip=True, round_=True)
    assert units.low is not None
    assert units.high is not None
    assert float(units.low[0]) >= 0.1
    assert float(units.high[0]) <= 0.3
    assert units.mass is None


def test_whole_columns_are_whole_in_tables(model: Path, tmp_path: Path) -> None:
    """A table that comes in with whole numbers goes out with them, and can be trained on again."""
    rows = Generator(model, device="cpu").sample(300, seed=1)
    for format_ in ("csv", "parquet"):
        generate(model, tmp_path / format_, 300, seed=1, format=format_)
    table = pq.read_table(tmp_path / "parquet" / "vectors-00000000.parquet")
    assert [str(field.type) for field in table.schema] == ["int64", "float", "int64", "int64", "float"]
    assert table.column("age").to_pylist() == rows[:, 0].astype(int).tolist()
    with (tmp_path / "csv" / "vectors-00000000.csv").open(newline="") as file:
        head, *lines = csv.reader(file)
    assert head == list(NAMES)
    assert [line[3] for line in lines] == [str(int(value)) for value in rows[:, 3]]
    again = load_data(str(tmp_path / "csv" / "vectors-00000000.csv"))
    assert np.array_equal(again.samples, rows)


def test_inspect_says_whose_share_is_exact(model: Path) -> None:
    """One value a column is learned so: a reader must see that it is 0 of the rain, and nothing else."""
    text = _bounds(Generator(model, device="cpu").card)
    assert text.endswith("; the share of one value is exact in rain 0, hours 40")


def test_cards_with_wrong_bounds(model: Path) -> None:
    """Refused in one line, and a card of schema 1.2, which has no bounds, is read."""
    import dataclasses

    from dropgan.serve.card import METADATA_KEY, Card
    from dropgan.serve.loading import read_onnx, with_metadata

    data = model.read_bytes()
    card = Card.from_json(read_onnx(data).metadata[METADATA_KEY])

    def changed(**fields: object) -> bytes:
        about = dataclasses.replace(card.data, **fields)  # type: ignore[arg-type]
        return with_metadata(data, METADATA_KEY, dataclasses.replace(card, data=about).to_json())

    for fields in ({"low": (1.0,)}, {"whole": ()}, {"high": ()}, {"mass": (float("inf"),) * 5}):
        with pytest.raises(ModelError, match="card"):
            Generator(changed(**fields), device="cpu")
    old = dataclasses.replace(card, export=dataclasses.replace(card.export, clipped=False, rounded=False))
    about = dataclasses.replace(card.data, mass=(), width=(), low=(), high=(), whole=())
    text = dataclasses.replace(old, data=about, schema="1.2").to_json()
    assert Generator(with_metadata(data, METADATA_KEY, text), device="cpu").sample(3).shape == (3, 5)


def test_plain_spread_is_the_identity() -> None:
    """A column without a mass comes back to the bit."""
    rows = np.random.default_rng(0).normal(size=(50, 2))
    plain = Spread(np.zeros(2), np.ones(2), np.zeros(2), np.zeros(2))
    assert np.array_equal(plain.restored(plain.standard(rows, np.full(rows.shape, 0.5))), rows)
