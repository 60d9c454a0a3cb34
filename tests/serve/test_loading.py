"""Model files from anyone: each refused with one clear line before onnxruntime sees it."""

import dataclasses
import json
import math
import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from dropgan.serve import Generator, ModelError
from dropgan.serve.card import METADATA_KEY, Card
from dropgan.serve.kinds import kind_of
from dropgan.serve.loading import digest_without, read_onnx, require_plain, screen_bytes, with_metadata
from dropgan.serve.loading.wire import encode_varint

from .bombs import BOMBS, changed
from .mutations import mutate, without_digest


@pytest.fixture(scope="module")
def good(model_file: Path) -> bytes:
    """A model whose card certifies no digest, so that each test reaches its own check."""
    return without_digest(model_file.read_bytes())


def refuse(data: bytes, message: str) -> None:
    """Opening must fail with one line that matches, without onnxruntime ever being asked."""
    import onnxruntime

    def touched(*_: object, **__: object) -> None:
        raise AssertionError("onnxruntime was given the file")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnxruntime, "InferenceSession", touched)
        with pytest.raises(ModelError, match=message) as caught:
            Generator(data, device="cpu")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_good_file_loads(good: bytes) -> None:
    """Or every refusal below would mean nothing."""
    assert Generator(good, device="cpu").sample(2).shape == (2, 28, 28, 1)


def test_what_the_reader_sees_is_what_onnx_sees(good: bytes) -> None:
    """A second reader of the format is only safe if it reads the same file."""
    mine, theirs = read_onnx(good), onnx.load_model_from_string(good)
    assert [node.op for node in mine.graph.nodes] == [node.op_type for node in theirs.graph.node]
    assert [list(node.inputs) for node in mine.graph.nodes] == [list(n.input) for n in theirs.graph.node]
    for tensor, expected in zip(mine.graph.tensors, theirs.graph.initializer, strict=True):
        assert tensor.name == expected.name
        assert np.array_equal(tensor.array(), numpy_helper.to_array(expected))
    assert mine.metadata == {entry.key: entry.value for entry in theirs.metadata_props}


def test_typed_fields_are_read_as_onnx_reads_them(good: bytes) -> None:
    """Other tools store small constants in typed fields instead of raw bytes."""
    cases = [
        helper.make_tensor("floats", TensorProto.FLOAT, [3], [1.5, -2.0, 3e30]),
        helper.make_tensor("longs", TensorProto.INT64, [4], [0, -1, 2**62, -(2**62)]),
        helper.make_tensor("ints", TensorProto.INT32, [2], [-7, 2**31 - 1]),
        helper.make_tensor("bytes", TensorProto.UINT8, [2], [0, 255]),
        helper.make_tensor("halves", TensorProto.FLOAT16, [2], [0.5, -2.0]),
        helper.make_tensor("doubles", TensorProto.DOUBLE, [1], [1e300]),
    ]
    data = changed(good, lambda model: model.graph.initializer.extend(cases))
    found = {tensor.name: tensor for tensor in read_onnx(data).graph.tensors}
    for expected in cases:
        assert np.array_equal(found[expected.name].array(), numpy_helper.to_array(expected))


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_file(good: bytes, share: float) -> None:
    """A broken download is the commonest damage of all."""
    refuse(good[: int(len(good) * share)], "not a readable ONNX file: it (is|has)")


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04" + b"\0" * 99, b"<html>not found</html>", b"\x93NUMPY" + b"\0" * 99, b"\x80\x05\x95" * 9,
     b"\xff" * 1000],
)  # fmt: skip
def test_a_file_of_another_kind(data: bytes) -> None:
    """An archive, an error page, an array, a pickle: said, never opened."""
    refuse(data, "not a readable ONNX file")


def test_a_missing_file_a_directory_and_a_pipe(tmp_path: Path) -> None:
    """A pipe in the file's place must not make the program wait for ever."""
    with pytest.raises(ModelError, match="there is no model file"):
        Generator(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="is a directory"):
        Generator(tmp_path)
    os.mkfifo(tmp_path / "pipe.onnx")
    watch = threading.Timer(20, lambda: os._exit(3))
    watch.start()
    with pytest.raises(ModelError, match="not an ordinary file"):
        Generator(tmp_path / "pipe.onnx")
    watch.cancel()
    with pytest.raises(ModelError, match="not an ordinary file"):
        Generator("/dev/zero")
    with pytest.raises(ModelError, match="cannot read"):
        Generator("model\0.onnx")


def test_a_file_larger_than_any_generator(tmp_path: Path) -> None:
    """It is refused by its size, not read into memory first."""
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(ModelError, match="at most 536,870,912"):
        Generator(tmp_path / "large.onnx")


def test_somebody_elses_model(good: bytes) -> None:
    """No card, no promise."""
    refuse(changed(good, lambda model: model.metadata_props.clear()), "has no dropgan card.*dropgan export")


def test_a_changed_weight_is_noticed(model_file: Path) -> None:
    """One flipped bit among the weights gives other pictures and no error: the digest tells."""
    data = bytearray(model_file.read_bytes())
    data[len(data) // 2] ^= 1
    refuse(bytes(data), "changed since its export")


def test_the_digest_leaves_out_the_card_alone(model_file: Path) -> None:
    """Scores are added to the card later; the file must still be the one that was compared."""
    data = model_file.read_bytes()
    again = with_metadata(data, METADATA_KEY, read_onnx(data).metadata[METADATA_KEY] + " ")
    assert digest_without(again, METADATA_KEY) == digest_without(data, METADATA_KEY)
    assert Generator(again, device="cpu").card == Generator(data, device="cpu").card


def test_weights_outside_the_file(good: bytes) -> None:
    """A path in a model file is somebody else's wish to read this machine's files."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../etc/passwd")

    refuse(changed(good, change), "stored outside the file")


def test_operators_of_somebody_elses(good: bytes) -> None:
    """Custom operators are code."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[1].domain = "evil"
        model.opset_import.add(domain="evil", version=1)

    refuse(changed(good, change), r"operators of another domain \(evil\)")


@pytest.mark.parametrize("op", ["Loop", "Scan", "RandomNormalLike", "Dropout", "StringSplit", "NonZero"])
def test_operators_that_no_generator_needs(good: bytes, op: str) -> None:
    """Loops have no bound, random numbers no seed."""
    refuse(changed(good, lambda model: setattr(model.graph.node[1], "op_type", op)), f"the operator {op}")


def test_a_graph_within_a_graph(good: bytes) -> None:
    """Nesting is how a small file becomes deep."""
    inner = helper.make_graph([], "inner", [], [])
    refuse(
        changed(good, lambda m: m.graph.node[1].attribute.append(helper.make_attribute("body", inner))),
        "holds a graph of its own",
    )


def test_deep_nesting_ends_early() -> None:
    """A hundred thousand levels in a few bytes each would overflow a recursive reader's stack."""
    blob = b""
    for _ in range(100_000):
        attribute = b"\x32" + encode_varint(len(blob)) + blob if blob else b""
        node = b"\x2a" + encode_varint(len(attribute)) + attribute
        blob = b"\x0a" + encode_varint(len(node)) + node
        if len(blob) > 300_000:
            break
    started = time.process_time()
    refuse(b"\x3a" + encode_varint(len(blob)) + blob, "not a readable ONNX file")
    assert time.process_time() - started < 5


def test_millions_of_fields_end_early() -> None:
    """Two bytes a field: a file of a few megabytes must not become gigabytes of objects."""
    node = b"\x0a\x00"
    graph = node * 3_000_000
    started = time.process_time()
    refuse(b"\x3a" + encode_varint(len(graph)) + graph, "more than 250,000 fields")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_a_hostile_graph(good: bytes, name: str) -> None:
    """Small files that would take the machine's memory or time if onnxruntime saw them."""
    change, message = BOMBS[name]
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    refuse(changed(good, change), message)
    assert time.process_time() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


CARDS: list[tuple[Callable[[dict[str, object]], object], str]] = [
    (lambda card: card.update(schema="2.0"), r"schema version 2\.0, this dropgan reads"),
    (lambda card: card.update(schema=1), "schema version"),
    (lambda card: card.pop("latents"), "card has no latents"),
    (lambda card: card.update(latents=7), "card.latents is not an object"),
    (lambda card: card["latents"].update(dim="100"), r"card\.latents\.dim must be int, not str"),  # type: ignore[attr-defined]
    (lambda card: card["latents"].update(dim=True), r"card\.latents\.dim must be int, not bool"),  # type: ignore[attr-defined]
    (lambda card: card["latents"].update(dim=64), "does not match its card's latents"),  # type: ignore[attr-defined]
    (lambda card: card["latents"].update(stream="mersenne"), "latent stream 'mersenne'"),  # type: ignore[attr-defined]
    (lambda card: card["data"].update(shape=[32, 32, 3]), "does not match its card's data"),  # type: ignore[attr-defined]
    (lambda card: card["data"].update(shape=[28, 28]), "without height, width and channels"),  # type: ignore[attr-defined]
    (lambda card: card["data"].update(shape=[-1, 28, 1]), "empty latent or sample shape"),  # type: ignore[attr-defined]
    (lambda card: card["export"].update(output="video"), "unknown output 'video'"),  # type: ignore[attr-defined]
    (lambda card: card["export"].update(layout="hwnc"), "unknown layout 'hwnc'"),  # type: ignore[attr-defined]
]


@pytest.mark.parametrize(("change", "message"), CARDS)
def test_a_wrong_card(good: bytes, change: Callable[[dict[str, object]], object], message: str) -> None:
    """A card that lies about the graph would make every later answer wrong."""
    card = json.loads(read_onnx(good).metadata[METADATA_KEY])
    change(card)
    refuse(with_metadata(good, METADATA_KEY, json.dumps(card)), message)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": "1.0"}', "[" * 100_000])
def test_a_card_that_is_none(good: bytes, text: str) -> None:
    """Damage in the one part that people edit by hand."""
    refuse(with_metadata(good, METADATA_KEY, text), "card")


NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "null", "1e999", "1" + "0" * 400]


def without_a_number(data: bytes, value: str) -> bytes:
    """A file with a score that is none, as JSON that Python writes and JSON that it does not."""
    card = json.loads(read_onnx(data).metadata[METADATA_KEY])
    name = 'NaN, \\"Infinity\\" '
    scores = f'[{{"name": "{name}", "value": {value}, "samples": 1, "reference": ""}}]'
    text = json.dumps({**card, "scores": "HERE"}).replace('"HERE"', scores)
    return with_metadata(data, METADATA_KEY, text)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_number_that_is_none(good: bytes, value: str) -> None:
    """Earlier files have NaN, which is no JSON: they are read, and written again as JSON that all read."""
    card = Generator(without_a_number(good, value), device="cpu").card
    assert not math.isfinite(card.scores[0].value)
    assert card.scores[0].name == 'NaN, "Infinity" '

    def refuse_constant(text: str) -> None:
        raise AssertionError(text)

    written = json.loads(card.to_json(), parse_constant=refuse_constant)
    assert written["scores"][0]["value"] is None
    assert math.isnan(Card.from_json(card.to_json()).scores[0].value)


@pytest.mark.parametrize("place", [("latents", "dim"), ("data", "name"), ("dropout", "disabled")])
def test_only_numbers_may_be_none(good: bytes, place: tuple[str, str]) -> None:
    """null where the card must say something is a damaged card."""
    card = json.loads(read_onnx(good).metadata[METADATA_KEY])
    card[place[0]][place[1]] = None
    refuse(with_metadata(good, METADATA_KEY, json.dumps(card)), "must be")


def test_keys_from_a_later_minor_version_are_ignored(good: bytes) -> None:
    """A newer dropgan may add to the card; older runtimes go on working."""
    card = json.loads(read_onnx(good).metadata[METADATA_KEY])
    card.update(schema="1.99", novelty={"deep": [1]})
    assert Generator(with_metadata(good, METADATA_KEY, json.dumps(card)), device="cpu").sample(1).any()


def test_a_card_of_schema_1_0_is_still_read(good: bytes) -> None:
    """Files written before layouts and certificates were kept."""
    card = dataclasses.asdict(Card.from_json(read_onnx(good).metadata[METADATA_KEY]))
    card["schema"] = "1.0"
    for name in ("layout", "float_layers", "price"):
        del card["export"][name]
    for name in ("mean_difference", "mean_tolerance", "seed", "reference", "runtime", "digest", "witness"):
        del card["export"]["parity"][name]
    generator = Generator(with_metadata(good, METADATA_KEY, json.dumps(card)), device="cpu")
    assert kind_of(generator.card).layout(generator.card) == "nhwc"


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_mutated_files_are_refused_or_sampled(good: bytes, seed: int) -> None:
    """Whatever happens to a file, the answer is samples or one line. See benchmarks/export_fuzz.py."""
    message, shape = "", (2, 28, 28, 1)
    try:
        shape = Generator(mutate(good, seed), device="cpu", threads=1).sample(2).shape
    except ModelError as error:
        message = str(error)
    assert "\n" not in message
    assert shape == (2, 28, 28, 1)


@settings(max_examples=300, deadline=5000)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_answered(data: bytes) -> None:
    """The reader raises ModelError and nothing else on anything."""
    with pytest.raises(ModelError):
        screen_bytes(data)


def test_loading_costs_little(good: bytes) -> None:
    """The light runtime starts fast; all the checks together must stay in the milliseconds."""
    times = []
    for _ in range(9):
        started = time.perf_counter()
        screen_bytes(good)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.02


def test_a_conditional_expand_of_the_batch_is_allowed() -> None:
    """Shapes computed from the batch are what exporters write for real networks; only growth is refused."""
    graph = helper.make_graph(
        [
            helper.make_node("Shape", ["latents"], ["n"], start=0, end=1),
            helper.make_node("Concat", ["n", "rest"], ["sizes"], axis=0),
            helper.make_node("Reshape", ["latents", "sizes"], ["images"]),
        ],
        "generator",
        [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["batch", 12])],
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 2, 2])],
        [numpy_helper.from_array(np.array([3, 2, 2]), "rest")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    require_plain(read_onnx(model.SerializeToString()))
