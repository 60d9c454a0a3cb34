"""The JavaScript label stream and conditional Generator against the golden vectors and Python's."""

from pathlib import Path

import numpy as np

from dropgan.serve import Generator

from ..node_tools import project, run_module
from .test_conditional import changed_card

GOLDEN = Path(__file__).parents[1] / "golden" / "labels.json"

COMPARE = """
import { readFileSync } from "node:fs";
import { LABEL_STREAM_NAME, LabelStream } from "dropgan";
const golden = JSON.parse(readFileSync(process.argv[2], "utf8"));
let [cases, wrong] = [0, 0];
for (const { classes, counts, seed, start, labels } of golden.cases) {
  const stream = new LabelStream(classes, counts);
  const where = { seed: BigInt(seed), start: BigInt(start) };
  const given = stream.labels(labels.length, where);
  if (given.length !== labels.length) throw new Error(`${given.length} labels`);
  labels.forEach((label, place) => {
    const [single] = stream.labels(1, { ...where, start: where.start + BigInt(place) });
    if (given[place] !== label || single !== label) wrong += 1;
  });
  cases += 1;
}
console.log(JSON.stringify({ stream: LABEL_STREAM_NAME === golden.stream, cases, wrong,
  empty: new LabelStream(3).labels(0).length }));
"""

MEANINGS = """
import { readFileSync } from "node:fs";
import { Classes } from "./node_modules/dropgan/classes.js";
const { models } = JSON.parse(readFileSync(process.argv[2], "utf8"));
let asked = 0;
const wrong = [];
for (const { names, numbers, known, asked: questions } of models) {
  const card = { data: { class_names: names }, labels: { classes: known.length, numbers } };
  const classes = new Classes(card);
  if (String(classes.numbers) !== String(known)) wrong.push([known, classes.numbers]);
  for (const [label, place] of questions) {
    let given = null;
    try { given = classes.choose(label, 1); }
    catch (error) { if (error.name !== "InputError") throw error; }
    if (given !== place) wrong.push([known, label, given]);
    asked += 1;
  }
}
console.log(JSON.stringify({ asked, wrong }));
"""

GAPPED = """
import { readFileSync } from "node:fs";
import { Generator } from "dropgan";
const generator = await Generator.load(new Uint8Array(readFileSync(process.argv[2])));
const where = { seed: 3, start: 2 ** 40 + 5 };
const found = { numbers: generator.classNumbers };
for (const word of ["uniform", "data", "balanced"]) {
  const labels = generator.labels(70, { ...where, labels: word });
  found[word] = [...labels];
  const pixels = String((await generator.sample(70, { ...where, labels: word })).data);
  if (pixels !== String((await generator.sample(70, { ...where, labels })).data)) throw new Error(word);
  const streamed = [];
  for await (const batch of generator.stream(70, { ...where, labels: word, batchSize: 11 })) {
    streamed.push(...batch.data);
  }
  if (pixels !== String(streamed)) throw new Error(`stream ${word}`);
}
found.nine = [...(await generator.sample(5, { ...where, labels: 9 })).data];
try { await generator.sample(1, { labels: 1 }); } catch (error) { found.refused = error.message; }
console.log(JSON.stringify(found));
"""

SAMPLE = """
import { Generator } from "dropgan";
const generator = await Generator.load(process.argv[2]);
const where = { seed: 3, start: 2 ** 40 + 5 };
const take = async (labels, count = 70) => [...(await generator.sample(count, { ...where, labels })).data];
const each = Array.from({ length: 70 }, (_, place) => place % 3);
const streamed = [];
for await (const batch of generator.stream(70, { ...where, labels: each, batchSize: 11 })) {
  streamed.push(...batch.data);
}
const drawn = [];
for await (const batch of generator.stream(70, { ...where, batchSize: 33 })) drawn.push(...batch.data);
const own = await generator.generate(generator.latents(4, where), ["left", 1n, "Right", 0]);
const refused = [];
for (const labels of [3, -1, "top", [0, 1], [0.5], NaN, null]) {
  try { await generator.sample(1, { labels }); refused.push("accepted"); }
  catch (error) { refused.push(`${error.constructor.name} ${error.message}`); }
}
try { await generator.generate(generator.latents(1)); refused.push("accepted"); }
catch (error) { refused.push(`${error.constructor.name} ${error.message}`); }
console.log(JSON.stringify({
  classes: generator.classes, names: generator.classNames, labels: [...generator.labels(70, where)],
  plain: await take(undefined), right: await take("right"), each: await take(each), streamed, drawn,
  own: [...own.data], refused,
}));
"""


def test_golden_labels(tmp_path: Path) -> None:
    """A wrong carry in 32-bit arithmetic would give other classes in the browser than in Python."""
    found = run_module(project(tmp_path), COMPARE, GOLDEN)
    assert found == {"stream": True, "cases": 220, "wrong": 0, "empty": 0}


def test_what_a_label_means(tmp_path: Path) -> None:
    """A number or name must be the same class in a browser as in Python, or the wrong one is shown."""
    found = run_module(project(tmp_path), MEANINGS, GOLDEN.with_name("classes.json"))
    assert found == {"asked": 74, "wrong": []}


def test_same_classes_as_python(tmp_path: Path, conditional_model: Path) -> None:
    """An app in Node must show the classes that the Python service shows, however it asks."""
    found = run_module(project(tmp_path, "onnxruntime-node"), SAMPLE, conditional_model)
    generator = Generator(conditional_model, device="cpu")
    where = {"seed": 3, "start": 2**40 + 5}
    assert found["classes"] == 3
    assert found["names"] == ["left", "middle", "right"]
    assert found["labels"] == generator.labels(70, **where).tolist()

    def same(pixels: list[int], expected: np.ndarray) -> bool:
        return bool(np.abs(np.array(pixels).reshape(expected.shape) - expected.astype(int)).max() <= 1)

    each = generator.sample(70, **where, labels=np.arange(70) % 3)
    assert same(found["plain"], generator.sample(70, **where))
    assert same(found["right"], generator.sample(70, **where, labels="right"))
    assert same(found["each"], each)
    assert found["streamed"] == found["each"]
    assert found["drawn"] == found["plain"]
    assert same(found["own"], generator(generator.latents(4, **where), [0, 1, 2, 0]))
    assert all(message.startswith("InputError") for message in found["refused"]), found["refused"]


def test_numbers_of_the_data_and_shares(tmp_path: Path, conditional_model: Path) -> None:
    """An app in Node must ask for class 9 by 9, and draw classes as the Python service does."""
    data = changed_card(conditional_model.read_bytes(), numbers=(2, 5, 9), counts=(10, 0, 30))
    (tmp_path / "gapped.onnx").write_bytes(data)
    found = run_module(project(tmp_path, "onnxruntime-node"), GAPPED, tmp_path / "gapped.onnx")
    generator = Generator(data, device="cpu")
    where = {"seed": 3, "start": 2**40 + 5}
    assert found["numbers"] == [2, 5, 9]
    for word in ("uniform", "data", "balanced"):
        assert found[word] == generator.labels(70, **where, labels=word).tolist()
    pixels = np.array(found["nine"]).reshape(5, *generator.sample_shape)
    assert np.abs(pixels - generator.sample(5, **where, labels=9).astype(int)).max() <= 1
    assert found["refused"] == "labels of this model are 2, 5, 9, not 1"
