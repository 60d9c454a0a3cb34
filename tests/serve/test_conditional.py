"""Class-conditional models in the runtime: the classes one asks for are the classes one gets."""

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from dropgan.serve import Generator, InputError, LabelStream, ModelError
from dropgan.serve.card import METADATA_KEY, Card
from dropgan.serve.loading import read_onnx, with_metadata
from dropgan.serve.write import write_grid

from ..conftest import bar_of
from .mutations import without_digest


@pytest.fixture(scope="module")
def generator(conditional_model: Path) -> Generator:
    return Generator(conditional_model, device="cpu")


def test_the_classes_asked_for_come_out(generator: Generator) -> None:
    """By number, by name, one for all and one for each."""
    assert generator.classes == 3
    assert generator.class_names == ("left", "middle", "right")
    for label, name in enumerate(generator.class_names):
        images = generator.sample(100, seed=1, labels=label)
        assert (bar_of(images) == label).mean() > 0.9
        assert np.array_equal(generator.sample(100, seed=1, labels=name), images)
    each = np.arange(300) % 3
    assert (bar_of(generator.sample(300, labels=each)) == each).mean() > 0.9


def test_without_labels_they_are_those_of_the_stream(generator: Generator) -> None:
    """Sample i is a pure function of model, seed and index, its class included."""
    labels = generator.labels(50, seed=4, start=7)
    assert np.array_equal(labels, LabelStream(3)(50, seed=4, start=7))
    plain = generator.sample(50, seed=4, start=7)
    assert np.array_equal(generator.sample(50, seed=4, start=7, labels=labels), plain)
    assert np.array_equal(generator(generator.latents(50, seed=4, start=7), labels), plain)
    assert np.array_equal(generator.sample(1, seed=4, start=20), plain[13:14])


def test_a_sample_for_each_of_many_seeds(generator: Generator, conditional_model: Path) -> None:
    """Seeds that share a batch keep their classes, drawn or asked for, and in tiles of a GPU too."""
    seeds, indices = ["ada", 7, 12, "ada"], [0, 3, 5, 2]
    tiled = Generator(conditional_model, device="cpu")
    tiled._session.tile = 4
    for labels in (None, "balanced", "left", [0, 2, 1, 1]):
        made = generator.sample_each(seeds, indices, labels=labels)
        assert np.array_equal(tiled.sample_each(seeds, indices, labels=labels), made)
        numbers = generator.labels_each(seeds, indices, labels=labels)
        for place, (seed, index) in enumerate(zip(seeds, indices, strict=True)):
            asked = labels[place] if isinstance(labels, list) else labels
            assert numbers[place] == generator.labels(1, seed=seed, start=index, labels=asked)[0]
            assert np.array_equal(
                made[place], generator.sample(1, seed=seed, start=index, labels=int(numbers[place]))[0]
            )


@pytest.mark.parametrize("labels", [None, 2, "left", np.arange(300) % 3])
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_pixels_do_not_depend_on_the_batch(generator: Generator, labels: Any, batch_size: int) -> None:
    """Two machines of a batch job with different memory must make the same images."""
    whole = generator.sample(300, seed=1, start=1000, labels=labels)
    assert np.array_equal(
        generator.sample(300, seed=1, start=1000, labels=labels, batch_size=batch_size), whole
    )
    streamed = list(generator.stream(300, seed=1, start=1000, labels=labels, batch_size=batch_size))
    assert np.array_equal(np.concatenate(streamed), whole)


@pytest.mark.parametrize("labels", [None, 1, np.arange(100) % 3])
def test_tiles_give_the_same_samples(conditional_model: Path, generator: Generator, labels: Any) -> None:
    """Where a provider needs batches of one size, labels stay beside their latents."""
    tiled = Generator(conditional_model, device="cpu")
    tiled._session.tile = 16
    given = tiled.sample(100, seed=1, start=21, labels=labels, batch_size=7)
    assert np.array_equal(given, generator.sample(100, seed=1, start=21, labels=labels))


@pytest.mark.parametrize("labels", [3, -1, "top", [0, 1], [0.5, 1, 2], [0, 1, 2**40]])
def test_wrong_labels_never_reach_the_graph(generator: Generator, labels: Any) -> None:
    """onnxruntime would take -1 for the last class."""
    latents = generator.latents(3)

    def touched(*_: object) -> None:
        raise AssertionError("the graph was run")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator._session, "_guarded", touched)
        for call in (
            lambda: generator.sample(3, labels=labels),
            lambda: generator.stream(3, labels=labels),  # at once, not at the first batch
            lambda: generator(latents, labels),
        ):
            with pytest.raises(InputError):
                call()


def test_latents_alone_do_not_say_the_class(generator: Generator) -> None:
    """A caller of an unconditional model's who is given this one must hear of it."""
    with pytest.raises(InputError, match="needs labels with its latents: 0 to 2"):
        generator(generator.latents(2))


def test_labels_for_a_model_without_classes(model_file: Path) -> None:
    """To ignore them would give images of any class as those of the class asked for."""
    plain = Generator(model_file, device="cpu")
    assert plain.classes == 0
    assert plain.class_names == ()
    for call in (
        lambda: plain.sample(1, labels=0),
        lambda: plain.stream(1, labels=0),
        lambda: plain.labels(1),
        lambda: plain(plain.latents(1), labels=0),
    ):
        with pytest.raises(InputError, match="not class-conditional"):
            call()


def test_pickled_and_from_bytes(conditional_model: Path, generator: Generator) -> None:
    """Worker processes make the same classes."""
    expected = generator.sample(20, seed=2)
    copy = pickle.loads(pickle.dumps(generator))
    assert np.array_equal(copy.sample(20, seed=2), expected)
    assert np.array_equal(Generator(conditional_model.read_bytes()).sample(20, seed=2), expected)


def changed_card(data: bytes, **changes: Any) -> bytes:
    card = Card.from_json(read_onnx(data).metadata[METADATA_KEY])
    labels = dataclasses.replace(card.labels, **changes)
    return with_metadata(data, METADATA_KEY, dataclasses.replace(card, labels=labels).to_json())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 0, "numbers": (), "counts": ()}, "must have one input"),
        ({"classes": 0}, "class numbers"),
        ({"classes": -3}, "impossible number of classes"),
        ({"classes": 2**30}, "impossible number of classes"),
        ({"stream": "philox4x64-other-v2"}, "this dropgan knows philox4x64-multiplyhigh-v1"),
        ({"numbers": (0, 1)}, "class numbers"),
        ({"numbers": (0, 1, 1)}, "class numbers"),
        ({"numbers": (0, 1, 2**31)}, "class numbers"),
        ({"numbers": (0, 1, -2)}, "class numbers"),
        ({"counts": (1, 2)}, "class counts"),
        ({"counts": (1, 2, -3)}, "class counts"),
        ({"counts": (0, 0, 0)}, "class counts"),
        ({"counts": (1, 2**32 - 2, 1)}, "class counts"),
    ],
)
def test_cards_that_do_not_fit(conditional_model: Path, changes: dict[str, Any], message: str) -> None:
    """Refused with one line before onnxruntime sees the file."""
    with pytest.raises(ModelError, match=message):
        Generator(changed_card(without_digest(conditional_model.read_bytes()), **changes))


def test_second_inputs_that_do_not_fit(conditional_model: Path, model_file: Path) -> None:
    """A second input is taken only from a conditional model, as int64 [batch], of the latents' batch."""

    def refuse(path: Path, value: onnx.ValueInfoProto | None, message: str) -> None:
        model = onnx.load_model_from_string(without_digest(path.read_bytes()))
        old = model.graph.input.pop() if len(model.graph.input) > 1 else None
        if value is not None:
            model.graph.input.append(value)
        elif old is not None:  # the constant in its place keeps the graph whole
            model.graph.initializer.append(helper.make_tensor("labels", TensorProto.INT64, [1], [0]))
        with pytest.raises(ModelError, match=message):
            Generator(model.SerializeToString())

    def labels(kind: int, *shape: Any) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info("labels", kind, list(shape))

    refuse(model_file, labels(TensorProto.INT64, "batch"), "must have one input")
    refuse(conditional_model, None, "two inputs|does not fit|not have the shape")
    refuse(conditional_model, labels(TensorProto.INT32, "batch"), "does not match its card's labels")
    refuse(conditional_model, labels(TensorProto.INT64, "batch", 1), "does not|not have the shape")
    refuse(conditional_model, labels(TensorProto.INT64, "other"), "have different batch sizes")
    refuse(conditional_model, labels(TensorProto.INT64, 5), "open batch")


def test_a_grid_has_a_column_for_each_class(generator: Generator, tmp_path: Path) -> None:
    """`dropgan sample -o grid.png` and `dropgan run` show what there is to choose from."""
    write_grid(generator, tmp_path / "grid.png", 7, seed=0, start=0)
    with Image.open(tmp_path / "grid.png") as picture:
        width, height = picture.size
        scale = 29  # the least that makes it 800 pixels wide
        assert 800 <= width < 800 + scale
        assert (width, height) == ((3 * 9 + 1) * scale, (3 * 9 + 1) * scale)
        pixels = np.asarray(picture)[::scale, ::scale]
    balanced = generator.sample(7, labels=np.arange(7) % 3)[..., 0]
    assert np.array_equal(pixels[1:9, 10:18], balanced[1])
    assert np.array_equal(pixels[10:18, 1:9], balanced[3])
    write_grid(generator, tmp_path / "one.png", 4, seed=0, start=0, labels="left")
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.size == ((2 * 9 + 1) * 43, (2 * 9 + 1) * 43)


@pytest.fixture
def gapped(conditional_model: Path) -> Generator:
    """The same three bars, whose classes have the numbers 2, 5 and 9 in the data."""
    data = changed_card(conditional_model.read_bytes(), numbers=(2, 5, 9), counts=(10, 0, 30))
    return Generator(data, device="cpu")


def test_labels_are_the_datas_numbers(gapped: Generator, generator: Generator) -> None:
    """Labels 2, 5, 9 in the data: 2 must not become the third class, nor 1 any class at all."""
    assert gapped.class_numbers == (2, 5, 9)
    for place, number in enumerate((2, 5, 9)):
        expected = generator.sample(20, seed=1, labels=place)
        for label in (
            number,
            str(number),
            np.int32(number),
            np.full(20, number),
            ["left", "middle", "right"][place],
        ):
            assert np.array_equal(gapped.sample(20, seed=1, labels=label), expected), label
    for wrong in (0, 1, "1", [2, 5, 3], np.array([2, 2**40])):
        with pytest.raises(InputError, match=r"2, 5, 9|one for each"):
            gapped.sample(3, labels=wrong)
    mixed = gapped.sample(3, seed=1, labels=["right", 2, "5"])
    assert np.array_equal(mixed, generator.sample(3, seed=1, labels=[2, 0, 1]))


def test_classes_drawn_balanced_or_as_in_the_data(gapped: Generator, generator: Generator) -> None:
    """Labels, samples, streams and any cut of them must agree, or images would get others' labels."""
    for word, counts in (("uniform", (100, 100, 100)), ("data", (75, 0, 225)), ("balanced", (100, 100, 100))):
        labels = gapped.labels(300, seed=3, start=7, labels=word)
        assert set(labels) <= {2, 5, 9}
        found = [(labels == number).sum() for number in (2, 5, 9)]
        assert np.abs(np.array(found) - counts).max() < 30, word
        images = gapped.sample(300, seed=3, start=7, labels=word)
        assert np.array_equal(gapped.sample(300, seed=3, start=7, labels=labels), images)
        streamed = list(gapped.stream(300, seed=3, start=7, labels=word, batch_size=41))
        assert np.array_equal(np.concatenate(streamed), images)
        gapped._session.tile = 16
        assert np.array_equal(gapped.sample(300, seed=3, start=7, labels=word), images)
        gapped._session.tile = None
    assert (gapped.labels(6, start=2, labels="balanced") == [9, 2, 5, 9, 2, 5]).all()
    assert np.array_equal(gapped.labels(9), np.array([2, 5, 9])[generator.labels(9)])
    with pytest.raises(InputError, match="needs labels with its latents: 2, 5, 9"):
        gapped(gapped.latents(2), "balanced")


def test_cards_before_numbers(conditional_model: Path) -> None:
    """A file of schema 1.2: numbers of closed-up gaps are its names, folders 0 to 11 not in order."""

    def old(names: tuple[str, ...]) -> Generator:
        data = changed_card(conditional_model.read_bytes(), numbers=(), counts=())
        card = Card.from_json(read_onnx(data).metadata[METADATA_KEY])
        card = dataclasses.replace(card, schema="1.2", data=dataclasses.replace(card.data, class_names=names))
        return Generator(with_metadata(data, METADATA_KEY, card.to_json()), device="cpu")

    assert old(()).class_numbers == (0, 1, 2)
    assert old(("left", "middle", "right")).class_numbers == (0, 1, 2)
    generator = old(("1", "10", "2"))
    assert generator.class_numbers == (1, 10, 2)
    assert np.array_equal(generator.sample(5, labels=2), generator.sample(5, labels="2"))
    assert (bar_of(generator.sample(50, labels=2)) == 2).mean() > 0.9
    with pytest.raises(InputError, match="1, 10, 2, not 0"):
        generator.sample(1, labels=0)
    with pytest.raises(InputError, match="how often"):
        generator.sample(1, labels="data")


def test_the_grid_of_classes_with_gaps(gapped: Generator, generator: Generator, tmp_path: Path) -> None:
    """All in turn are the classes that there are, whatever their numbers."""
    for name, model in (("a", gapped), ("b", generator)):
        write_grid(model, tmp_path / f"{name}.png", 7, seed=0, start=0)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
