"""The JavaScript Generator in Node, against Python's."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import dropgan
from dropgan.serve import Generator

from ..node_tools import project, require_node, require_npm, run_module

SAMPLE = """
import { Generator } from "dropgan";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const path = process.argv[2];
const generator = await Generator.load(path);
const samples = await generator.sample(70, { seed: 3n, start: 2 ** 40 + 5 });
const [one, other] = await Promise.all([
  generator.sample(1, { seed: 3, start: 2 ** 40 + 40 }),
  generator.sample(45, { seed: 3, start: 2 ** 40 + 5 }),
]);
const streamed = [];
for await (const batch of generator.stream(70, { seed: 3, start: 2 ** 40 + 5, batchSize: 11 })) {
  streamed.push(...batch.data);
}
const size = 28 * 28;
const again = await (await Generator.load(readFileSync(path))).generate(
  generator.latents(2, { seed: 3, start: 2 ** 40 + 5 }));
const url = await Generator.load(pathToFileURL(path));
await url.dispose();
console.log(JSON.stringify({
  provider: generator.provider, shape: samples.shape, sampleShape: generator.sampleShape,
  card: generator.card, pixels: [...samples.data], frozen: Object.isFrozen(generator.card.data),
  alone: one.data.every((value, place) => value === samples.data[35 * size + place]),
  part: other.data.every((value, place) => value === samples.data[place]),
  streamed: streamed.every((value, place) => value === samples.data[place]) && streamed.length === 70 * size,
  again: [...again.data], empty: (await generator.sample(0)).shape,
  rgba: [...samples.rgba(1).subarray(0, 8)],
}));
"""

TILES = """
import { readFileSync } from "node:fs";
import { Generator as Base } from "./node_modules/dropgan/generator.js";
const runs = [];
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const session = {
  inputNames: ["latents"], outputNames: ["images"], active: 0,
  async run({ latents }) {
    if (this.active++) throw new Error("two runs at a time");
    await new Promise((done) => setTimeout(done, 1));
    this.active--;
    const rows = latents.dims[0];
    runs.push(rows);
    const data = new Uint8Array(rows * 784).map((_, place) => Math.floor(place / 784));
    return { images: { type: "uint8", dims: [rows, 28, 28, 1], getData: async () => data } };
  },
};
class Generator extends Base {
  static runtime = { open: (bytes, device, tryOut) => tryOut({ session, provider: "told", Tensor }) };
}
const generator = await Generator.load(readFileSync(process.argv[2]));
const last = 2n ** 60n - 1n;
const all = await Promise.all([generator.sample(70, { start: 5 }), generator.sample(1, { start: last })]);
const places = all.map(({ data }) => [...data].filter((_, place) => place % 784 === 0));
console.log(JSON.stringify({ runs, places }));
"""

REFUSED = """
import { Generator, InputError, ModelError } from "dropgan";
import { readFileSync } from "node:fs";
const bytes = readFileSync(process.argv[2]);
const text = (from, to) => Buffer.from(bytes.toString("latin1").replace(from, to), "latin1");
const generator = await Generator.load(bytes);
const attempts = {
  missing: () => Generator.load("no-such-model.onnx"),
  cut: () => Generator.load(bytes.subarray(0, bytes.length >> 1)),
  noise: () => Generator.load(new Uint8Array(1000).fill(7)),
  empty: () => Generator.load(new Uint8Array(0)),
  stranger: () => Generator.load(text(/dropgan/g, "dropguy")),
  future: () => Generator.load(text('"schema": "1.', '"schema": "9.')),
  stream: () => Generator.load(text("philox4x64-boxmuller-v1", "philox4x64-boxmuller-v2")),
  type: () => Generator.load(42),
  device: () => Generator.load(bytes, { device: "webgpu" }),
  count: () => generator.sample(-1),
  labels: () => generator.sample(1, { labels: [0] }),
  batch: () => generator.stream(1, { batchSize: 0 }).next(),
  latents: () => generator.generate(new Float32Array(7)),
  index: async () => (await generator.sample(1)).rgba(1),
};
const found = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try { await attempt(); found[name] = "accepted"; }
  catch (error) {
    const known = error instanceof InputError || error instanceof ModelError;
    found[name] = known ? error.message : `unexpected: ${error.stack}`;
  }
}
console.log(JSON.stringify(found));
"""

TYPED = """
import { Generator, InputError, LabelStream, LatentStream, Samples, type Card } from "dropgan";
import { Generator as Static } from "dropgan/static";
const generator: Generator = await Generator.load("model.onnx", { device: "auto" });
const samples: Samples = await generator.sample(16, { seed: 2n ** 63n, start: 5 });
const card: Card = generator.card;
const dim: number = card.latents.dim;
const latents = new LatentStream(dim).latents(4, { seed: 1 });
for await (const batch of generator.stream(10)) console.log(batch.count, samples.rgba(0).length, latents);
const blobs: Blob[] = [new Blob([samples.data]), new Blob([latents, new LabelStream(3).labels(4)])];
const image: ImageData = new ImageData(samples.rgba(0), 28, 28);
const other: Generator = await Static.load(await blobs[0].arrayBuffer());
const open: boolean = !other.disposed;
const canvas: HTMLCanvasElement = samples.toCanvas(document.createElement("canvas"), { columns: 4 });
// @ts-expect-error a seed is no list
await generator.sample(1, { seed: [0] });
// @ts-expect-error a misspelt option
await generator.sample(1, { sede: 0 });
// @ts-expect-error the card is not to be changed
card.schema = "2";
export { InputError, canvas, image, open };
"""


def test_same_samples_as_python(tmp_path: Path, model_file: Path) -> None:
    """An app in Node must show what the Python service shows, however it asks."""
    found = run_module(project(tmp_path, "onnxruntime-node"), SAMPLE, model_file)
    generator = Generator(model_file, device="cpu")
    expected = generator.sample(70, seed=3, start=2**40 + 5).astype(int)
    assert found["shape"] == [70, 28, 28, 1]
    assert found["sampleShape"] == [28, 28, 1]
    assert found["empty"] == [0, 28, 28, 1]
    assert found["provider"] == "cpu"
    assert found["card"] == json.loads(generator.card.to_json())
    assert found["frozen"]
    pixels = np.array(found["pixels"]).reshape(expected.shape)
    assert np.abs(pixels - expected).max() <= 1
    assert np.ptp(pixels) > 50, "a picture of nothing proves nothing"
    assert (found["alone"], found["part"], found["streamed"]) == (True, True, True)
    assert np.abs(np.array(found["again"]) - pixels[:2].ravel()).max() <= 1
    first = pixels[1].ravel()[:2].tolist()
    assert found["rgba"] == [*[first[0]] * 3, 255, *[first[1]] * 3, 255]


def test_every_run_is_a_tile_in_its_place(tmp_path: Path, model_file: Path) -> None:
    """On a runtime that computes other batch sizes by other algorithms, a sample must not depend on
    the call that it was made in; and a session must never get two runs at a time."""
    found = run_module(project(tmp_path), TILES, model_file)
    assert set(found["runs"]) == {32}
    assert found["places"] == [[(5 + place) % 32 for place in range(70)], [31]]


def test_bad_models_and_arguments(tmp_path: Path, model_file: Path) -> None:
    """A damaged download or a wrong argument must say what is wrong in one line, not fail deep inside."""
    found = run_module(project(tmp_path, "onnxruntime-node"), REFUSED, model_file)
    bad = {name: message for name, message in found.items() if "\n" in message or "unexpected" in message}
    assert not bad
    assert "accepted" not in found.values(), found
    for name, word in {
        "missing": "no-such-model", "cut": "cut short", "noise": "ONNX", "stranger": "no dropgan card",
        "future": "upgrade", "stream": "boxmuller-v2", "labels": "no labels", "latents": "n * 100",
    }.items():  # fmt: skip
        assert word in found[name], (name, found[name])


def test_bundlers_entry(tmp_path: Path, model_file: Path) -> None:
    """The entry that a bundler takes, over onnxruntime-web from npm, must give the same pixels."""
    folder = project(tmp_path, "onnxruntime-web")
    script = """
    import { Generator, InputError } from "./node_modules/dropgan/web.js";
    import { readFileSync } from "node:fs";
    const bytes = readFileSync(process.argv[2]);
    const generator = await Generator.load(bytes);
    const refused = await Generator.load(bytes, { device: "cpu" }).catch((error) => error);
    const samples = await generator.sample(40, { seed: 6 });
    console.log(JSON.stringify({
      provider: generator.provider, pixels: [...samples.data], refused: refused instanceof InputError }));
    """
    found = run_module(folder, script, model_file)
    assert (found["provider"], found["refused"]) == ("wasm", True)
    expected = Generator(model_file, device="cpu").sample(40, seed=6).astype(int)
    assert np.abs(np.array(found["pixels"]).reshape(expected.shape) - expected).max() <= 1


def test_declarations_hold(tmp_path: Path) -> None:
    """A TypeScript program must compile under strict against the declarations that are shipped."""
    modules = require_npm("typescript")
    folder = project(tmp_path)
    (folder / "app.mts").write_text(TYPED, "utf-8")
    strict = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom"]
    done = subprocess.run(
        [require_node(), str(modules / "typescript/bin/tsc"), *strict, "--types", "", "app.mts"],
        cwd=folder, check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_version_is_dropgans() -> None:
    """The npm package must not claim another version than the Python package that it came with."""
    from ..node_tools import RUNTIME

    package = json.loads((RUNTIME / "package.json").read_text("utf-8"))
    assert package["version"] == dropgan.__version__


def test_missing_onnxruntime_is_said(tmp_path: Path, model_file: Path) -> None:
    """Without onnxruntime-node an app must read how to install it, not a resolver's stack trace."""
    script = """
    import { DeviceError, Generator } from "dropgan";
    const error = await Generator.load(process.argv[2]).catch((error) => error);
    console.log(JSON.stringify([error instanceof DeviceError, error.message]));
    """
    known, message = run_module(project(tmp_path), script, model_file)
    if not known:
        pytest.fail(message)
    assert "npm install onnxruntime-node" in message


def test_vectors_are_refused(tmp_path: Path, vector_model: Path) -> None:
    """A page that drew rows of numbers as pixels would show noise; one line says where they belong."""
    script = """
    import { Generator, ModelError } from "dropgan";
    let found;
    try { await Generator.load(process.argv[2]); }
    catch (error) { found = error instanceof ModelError ? error.message : error.stack; }
    console.log(JSON.stringify(found));
    """
    found = run_module(project(tmp_path, "onnxruntime-node"), script, vector_model)
    assert "makes vectors" in found


def test_files_with_channels_first(tmp_path: Path, tiny_run: Path) -> None:
    """A file exported for other tools gives planes; an app must show pictures as Python does, not stripes."""
    from dropgan.export import export

    export(tiny_run, tmp_path / "planes.onnx", layout="rgb-nchw")
    script = """
    import { Generator } from "dropgan";
    const generator = await Generator.load(process.argv[2]);
    const { data, shape } = await generator.sample(40, { seed: 5 });
    console.log(JSON.stringify({ shape, sampleShape: generator.sampleShape, pixels: [...data] }));
    """
    found = run_module(project(tmp_path, "onnxruntime-node"), script, tmp_path / "planes.onnx")
    expected = Generator(tmp_path / "planes.onnx", device="cpu").sample(40, seed=5).astype(int)
    assert (found["shape"], found["sampleShape"]) == ([40, 28, 28, 3], [28, 28, 3])
    assert np.abs(np.array(found["pixels"]).reshape(expected.shape) - expected).max() <= 1
