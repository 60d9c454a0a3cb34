"""Model files from anyone in JavaScript: refused as in Python, before onnxruntime sees them."""

import hashlib
import json
import random
import struct
from pathlib import Path

import onnx
import pytest
from onnx import helper

from dropgan.serve import ModelError
from dropgan.serve.card import METADATA_KEY
from dropgan.serve.loading import read_onnx, screen_bytes, tables, with_metadata
from dropgan.serve.loading.rules import RULES

from ..node_tools import RUNTIME, project, run_module
from .bombs import BOMBS, changed
from .mutations import mutate, without_digest
from .test_loading import CARDS, NO_NUMBERS, without_a_number

SCREEN = """
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { ModelError } from "dropgan";
import { Generator as Base } from "./node_modules/dropgan/generator.js";
class Generator extends Base {
  static runtime = { open: () => { throw new Error("onnxruntime would be given the file"); } };
}
const all = readFileSync(process.argv[2]);
const found = [];
for (let place = 0; place < all.length; ) {
  const size = all.readUInt32LE(place);
  const data = all.subarray(place + 4, place + 4 + size);
  place += 4 + size;
  const began = performance.now();
  const answer = await Generator.load(data).catch((error) => error);
  const milliseconds = performance.now() - began;
  found.push({
    taken: answer.message === "onnxruntime would be given the file",
    known: answer instanceof ModelError, message: answer.message, milliseconds,
    megabytes: process.resourceUsage().maxRSS / 1024,
  });
}
console.log(JSON.stringify(found));
"""


def screen_in_node(folder: Path, files: list[bytes]) -> list[dict[str, object]]:
    """The JavaScript runtime's answer to each file: whether onnxruntime would get it, and what is said."""
    path = folder / "files.bin"
    path.write_bytes(b"".join(struct.pack("<I", len(data)) + data for data in files))
    answers: list[dict[str, object]] = run_module(project(folder), SCREEN, path)
    for answer in answers:
        assert answer["taken"] or answer["known"], answer
        assert "\n" not in str(answer["message"])
        assert len(str(answer["message"])) < 400
    return answers


def refused(folder: Path, files: dict[str, bytes]) -> dict[str, dict[str, object]]:
    """The same, of files that must all be refused."""
    answers = dict(zip(files, screen_in_node(folder, list(files.values())), strict=True))
    assert [name for name, answer in answers.items() if answer["taken"]] == []
    return answers


@pytest.fixture(scope="module")
def good(model_file: Path) -> bytes:
    """A model whose card certifies no digest, so that each test reaches its own check."""
    return without_digest(model_file.read_bytes())


def test_good_files_are_taken(
    tmp_path: Path, good: bytes, model_file: Path, conditional_model: Path, fashion_run: Path
) -> None:
    """Or every refusal below would mean nothing; and a file may get scores after its export."""
    exported = model_file.read_bytes()
    card = json.loads(read_onnx(exported).metadata[METADATA_KEY])
    later = with_metadata(exported, METADATA_KEY, json.dumps({**card, "schema": "1.99", "novelty": [1]}))
    files = [good, exported, later, conditional_model.read_bytes(), (fashion_run / "model.onnx").read_bytes()]
    assert all(answer["taken"] for answer in screen_in_node(tmp_path, files))


def test_a_score_that_is_no_number(tmp_path: Path, good: bytes) -> None:
    """Python writes NaN into its JSON, and JavaScript refused the whole file for it."""
    files = [without_a_number(good, value) for value in NO_NUMBERS]
    assert [answer["message"] for answer in screen_in_node(tmp_path, files) if not answer["taken"]] == []
    damaged = {}
    for part, name in (("latents", "dim"), ("data", "name"), ("dropout", "disabled")):
        card = json.loads(read_onnx(good).metadata[METADATA_KEY])
        card[part][name] = None
        damaged[name] = with_metadata(good, METADATA_KEY, json.dumps(card))
    unclosed = {
        name: with_metadata(good, METADATA_KEY, name) for name in ("NaN", '"' * 99, '\\"' * 10**5 + "\\")
    }
    answers = refused(tmp_path, damaged | unclosed)
    assert all(answer["milliseconds"] < 2000 for answer in answers.values())  # type: ignore[operator]


def test_the_score_that_is_no_number_is_nan(tmp_path: Path, good: bytes) -> None:
    """A program that shows the score reads NaN, as in Python, and not null."""
    (tmp_path / "m.onnx").write_bytes(without_a_number(good, "NaN"))
    program = """
    import { readFileSync } from "node:fs";
    import { readCard } from "./node_modules/dropgan/card.js";
    const [score] = readCard(readFileSync(process.argv[2])).scores;
    console.log(JSON.stringify([Number.isNaN(score.value), score.name]));
    """
    assert run_module(project(tmp_path), program, tmp_path / "m.onnx") == [True, 'NaN, "Infinity" ']


def test_a_changed_weight_is_noticed(tmp_path: Path, model_file: Path) -> None:
    """One flipped bit among the weights gives other pictures and no error: the digest tells."""
    data = bytearray(model_file.read_bytes())
    data[len(data) // 2] ^= 1
    assert "changed since its export" in str(
        refused(tmp_path, {"flipped": bytes(data)})["flipped"]["message"]
    )


def test_hostile_graphs(tmp_path: Path, good: bytes) -> None:
    """Small files that would take a visitor's memory or time if onnxruntime saw them."""
    files = {name: changed(good, change) for name, (change, _) in BOMBS.items()}
    answers = refused(tmp_path, {"none": b"", **files})
    least = answers["none"]["megabytes"]
    for name, answer in answers.items():
        assert answer["milliseconds"] < 5000, name  # type: ignore[operator]
        assert answer["megabytes"] - least < 200, name  # type: ignore[operator]


def test_operators_that_no_generator_needs(tmp_path: Path, good: bytes) -> None:
    """Dropout draws random numbers, loops have no bound, normalisation in training mode mixes a batch."""
    names = ["Dropout", "RandomNormalLike", "Bernoulli", "Loop", "Scan", "If", "NonZero", "StringSplit"]

    def training_mode(model: onnx.ModelProto) -> None:
        weights = [helper.make_tensor(f"bn{place}", 1, [100], [1.0] * 100) for place in range(4)]
        model.graph.initializer.extend(weights)
        inputs = ["latents", *(tensor.name for tensor in weights)]
        node = helper.make_node("BatchNormalization", inputs, ["normalised"], training_mode=1)
        model.graph.node.insert(0, node)

    files = {
        op: changed(good, lambda model, op=op: setattr(model.graph.node[1], "op_type", op))  # type: ignore[misc]
        for op in names
    }
    files["BatchNormalization"] = changed(good, training_mode)
    answers = refused(tmp_path, files)
    assert all(name in str(answer["message"]) for name, answer in answers.items()), answers
    with pytest.raises(ModelError, match="BatchNormalization"):
        screen_bytes(files["BatchNormalization"])


def test_parts_that_no_generator_has(tmp_path: Path, good: bytes) -> None:
    """Weights in other files, operators of somebody else's, graphs within graphs, endless nesting."""

    def outside(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../etc/passwd")

    def foreign(model: onnx.ModelProto) -> None:
        model.graph.node[1].domain = "evil"
        model.opset_import.add(domain="evil", version=1)

    def nested(model: onnx.ModelProto) -> None:
        inner = helper.make_graph([], "inner", [], [])
        model.graph.node[1].attribute.append(helper.make_attribute("body", inner))

    millions = b"\x0a\x00" * 3_000_000
    answers = refused(
        tmp_path,
        {
            "stored outside": changed(good, outside),
            "operators of another domain": changed(good, foreign),
            "a graph of its own": changed(good, nested),
            "fields": b"\x3a" + b"\x80\x9b\xee\x02" + millions,
            "no dropgan card": changed(good, lambda model: model.metadata_props.clear()),
        },
    )
    assert all(name in str(answer["message"]) for name, answer in answers.items()), answers
    assert answers["fields"]["milliseconds"] < 5000  # type: ignore[operator]


def test_wrong_cards(tmp_path: Path, good: bytes) -> None:
    """A card that lies about the graph, lacks what types promise, or nests without end."""
    files = {}
    for place, (change, _) in enumerate(CARDS):
        card = json.loads(read_onnx(good).metadata[METADATA_KEY])
        change(card)
        files[str(place)] = with_metadata(good, METADATA_KEY, json.dumps(card))
    whole = read_onnx(good).metadata[METADATA_KEY]
    for depth in (64, 100_000):
        deep = whole.rstrip()[:-1] + ', "deep": ' + "[" * depth + "]" * depth + "}"
        files[f"deep {depth}"] = with_metadata(good, METADATA_KEY, deep)
    for text in ("", "{", "[]", "null", '{"schema": "1.0"}', "[" * 100_000, '{"schema": "9\\n9"}'):
        files[text[:20]] = with_metadata(good, METADATA_KEY, text)
    refused(tmp_path, files)


def test_the_same_verdict_as_python(tmp_path: Path, good: bytes, conditional_model: Path) -> None:
    """A file that one language takes and the other refuses is a hole in one of them, or a model lost.

    Mutations of which Python takes some: a file of each kind and rule.
    """
    files = [mutate(good, seed) for seed in range(250)]
    conditional = without_digest(conditional_model.read_bytes())
    files += [mutate(conditional, seed) for seed in range(1000)]
    verdicts = []
    for data in files:
        try:
            screen_bytes(data)
            verdicts.append("")
        except ModelError as error:
            verdicts.append(str(error))
    answers = screen_in_node(tmp_path, files)
    different = [
        (verdict, answer["message"])
        for verdict, answer in zip(verdicts, answers, strict=True)
        if (verdict == "") != answer["taken"]
    ]
    assert different == []
    assert 50 < sum(verdict == "" for verdict in verdicts) < 900, "one verdict alone compares nothing"


def test_the_same_operators_and_fields(tmp_path: Path) -> None:
    """An operator or a field that only one reader knows would make the other refuse good files."""
    script = """
    import { RULES } from "./node_modules/dropgan/loading/rules.js";
    import { MODEL } from "./node_modules/dropgan/loading/tables.js";
    console.log(JSON.stringify({ rules: [...RULES.keys()].sort(), model: MODEL }));
    """
    found = run_module(project(tmp_path), script)
    assert found["rules"] == sorted(RULES)

    def compare(mine: object, theirs: object, name: str) -> None:
        if isinstance(theirs, dict) and mine == "blob":  # refused unread
            assert name in ("g", "graphs", "functions")
            return
        if not isinstance(theirs, dict):
            assert mine == theirs, name
            return
        assert isinstance(mine, dict)
        assert set(mine) == {str(number) for number in theirs}, name
        for number, (field, kind, repeats) in theirs.items():
            assert [mine[str(number)][0], mine[str(number)][2]] == [field, repeats]
            compare(mine[str(number)][1], kind, field)

    compare(found["model"], tables.MODEL, "model")


def test_sha256(tmp_path: Path) -> None:
    """A wrong digest would refuse every good file, or some lengths of it."""
    chance = random.Random(0)
    cases = []
    for size in [*range(0, 140), 1000, 65_537]:
        data = chance.randbytes(size)
        cuts = sorted(chance.randrange(size + 1) for _ in range(2))
        cases.append([data.hex(), *cuts, hashlib.sha256(data).hexdigest()])
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    script = """
    import { readFileSync } from "node:fs";
    import { sha256 } from "./node_modules/dropgan/sha256.js";
    const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
    const wrong = cases.filter(([hex, first, second, digest]) => {
      const data = new Uint8Array(Buffer.from(hex, "hex"));
      const parts = [data.subarray(0, first), data.subarray(first, second), data.subarray(second)];
      return sha256(parts) !== digest || sha256([data]) !== digest;
    });
    console.log(JSON.stringify({ wrong, count: cases.length }));
    """
    assert run_module(project(tmp_path), script, tmp_path / "cases.json") == {"wrong": [], "count": 142}


def test_the_screen_is_shipped() -> None:
    """npm and setuptools ship what is listed: a runtime without its screen would not even load."""
    assert (RUNTIME / "loading" / "screen.js").exists()
    assert "loading/*.js" in json.loads((RUNTIME / "package.json").read_text())["files"]
    assert '"js/loading/*.js"' in (RUNTIME.parents[1] / "pyproject.toml").read_text()
