"""What programs get wrong with the JavaScript runtime: said in one line, never silently something else."""

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator

from ..node_tools import project, require_node, run_module

CATCH = """
const found = {};
const note = async (name, attempt) => {
  try { await attempt(); found[name] = "accepted"; }
  catch (error) { found[name] = `${error.name}: ${error.message}`; }
};
"""

OPTIONS = (
    CATCH
    + """
import { Generator, LabelStream, LatentStream, Samples } from "dropgan";
const generator = await Generator.load(process.argv[2]);
const range = { seed: 1, start: 2 };
await note("load", () => Generator.load(process.argv[2], { devise: "cpu" }));
await note("sample", () => generator.sample(1, { sede: 1 }));
await note("batch", () => generator.sample(1, { batchSize: 1 }));
await note("stream", () => generator.stream(1, { batchsize: 1 }));
await note("latents", () => generator.latents(1, { labels: 1 }));
await note("labels", () => new LabelStream(3).labels(1, { from: 1 }));
await note("own", () => new LatentStream(3).latents(1, { Seed: 1 }));
await note("position", () => generator.sample(1, 7));
await note("null", () => generator.sample(1, null));
await note("list", () => generator.sample(1, [7]));
await note("canvas", () => new Samples(new Uint8Array(784), [1, 28, 28, 1]).toCanvas({}, { colums: 1 }));
const good = await generator.sample(1, { ...range, labels: undefined });
console.log(JSON.stringify({ found, good: [...good.data] }));
"""
)

LABELS = (
    CATCH
    + """
import { Generator } from "dropgan";
const [plain, conditional] = await Promise.all(process.argv.slice(2).map((path) => Generator.load(path)));
for (const label of [-1, -1n, 0, "0", [0], [-1], null, NaN, new Int32Array([-1])]) {
  const name = `${typeof label} ${String(label)} ${Array.isArray(label)}`;
  await note(`plain ${name}`, () => plain.sample(1, { labels: label }));
  await note(`plain generate ${name}`, () => plain.generate(plain.latents(1), label));
  await note(`plain none ${name}`, () => plain.sample(0, { labels: label }));
  await note(`plain stream ${name}`, () => plain.stream(1, { labels: label }));
}
for (const label of [-1, -1n, "-1", [-1], new Int32Array([-1])]) {
  const name = `${typeof label} ${String(label)} ${Array.isArray(label)}`;
  await note(`conditional ${name}`, () => conditional.sample(1, { labels: label }));
  await note(`conditional generate ${name}`, () => conditional.generate(conditional.latents(1), label));
  await note(`conditional stream ${name}`, () => conditional.stream(1, { labels: label }));
}
await note("conditional none", () => conditional.sample(0, { labels: -1 }));
console.log(JSON.stringify(found));
"""
)

LATER = """
import { Generator } from "dropgan";
import { readFileSync } from "node:fs";
const [plain, conditional] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(plain));
const loading = Generator.load(bytes);
bytes.fill(0); // its owner has other plans
const generator = await loading;
const buffer = generator.latents(2, { seed: 1 });
const first = generator.generate(buffer);
buffer.set(generator.latents(2, { seed: 2 }));
const second = generator.generate(buffer);
buffer.fill(0);
const other = await Generator.load(conditional);
const labels = Int32Array.of(0, 1);
const chosen = other.sample(2, { labels });
labels.fill(2);
const streamed = other.stream(2, { labels });
labels.fill(0);
const batches = [];
for await (const batch of streamed) batches.push(...batch.data);
const made = await Promise.all([first, second, chosen]);
console.log(JSON.stringify([...made.map(({ data }) => [...data]), batches]));
"""

MANY = (
    CATCH
    + """
import { Generator, LabelStream, LatentStream } from "dropgan";
const [plain, conditional] = await Promise.all(process.argv.slice(2).map((path) => Generator.load(path)));
await note("sample", () => plain.sample(1e7));
await note("conditional", () => conditional.sample(1e9));
await note("latents", () => plain.latents(1e9));
await note("labels", () => conditional.labels(1e13));
await note("streams", () => [new LatentStream(100).latents(2 ** 50), new LabelStream(3).labels(2 ** 50)]);
await note("batch", () => plain.stream(1e12, { batchSize: 1e9 }).next());
await note("fraction", () => plain.sample(1.5));
await note("beyond", () => plain.sample(1e300));
const before = process.memoryUsage().rss;
const { value } = await conditional.stream(1e12, { labels: "middle", seed: 4 }).next();
const grown = process.memoryUsage().rss - before;
console.log(JSON.stringify({ found, grown, pixels: [...value.data] }));
"""
)

DISPOSED = (
    CATCH
    + """
import { DropganError, Generator } from "dropgan";
import { embedded } from "./node_modules/dropgan/embedded.js";
const generator = await Generator.load(process.argv[2]);
const under_way = generator.sample(5000).then(() => "accepted", (error) => error.message);
await generator.sample(1);
await generator.dispose();
await generator.dispose();
await note("sample", () => generator.sample(1));
await note("none", () => generator.sample(0));
await note("stream", () => generator.stream(1));
await note("generate", () => generator.generate(new Float32Array(100)));
const shared = embedded(Generator, process.argv[2]);
const first = await shared.generator();
await first.dispose();
const again = await shared.sample(1);
console.log(JSON.stringify({
  found, under_way: await under_way, disposed: generator.disposed,
  again: again.count, other: (await shared.generator()) !== first, latents: generator.latents(1).length,
  known: await generator.sample(1).catch((error) => error instanceof DropganError),
}));
"""
)


def test_unknown_options(tmp_path: Path, model_file: Path) -> None:
    """A misspelt seed would be seed 0, and nobody would know that the pictures are others."""
    answer = run_module(project(tmp_path, "onnxruntime-node"), OPTIONS, model_file)
    found = answer["found"]
    assert all(message.startswith("InputError: ") for message in found.values()), found
    assert found["sample"] == 'InputError: there is no option "sede": there are seed, start, labels'
    assert found["stream"].endswith("there are seed, start, labels, batchSize")
    assert found["position"].endswith("not 7")
    expected = Generator(model_file, device="cpu").sample(1, seed=1, start=2).astype(int)
    assert np.abs(np.array(answer["good"]).reshape(expected.shape) - expected).max() <= 1


def test_labels_that_no_model_has(tmp_path: Path, model_file: Path, conditional_model: Path) -> None:
    """onnxruntime takes label -1 for the last class: it must never get there, nor a label where none are."""
    found = run_module(project(tmp_path, "onnxruntime-node"), LABELS, model_file, conditional_model)
    assert len(found) == 36 + 15 + 1
    assert all(message.startswith("InputError: ") for message in found.values()), found
    plain = [message for name, message in found.items() if name.startswith("plain")]
    assert all("not class-conditional" in message for message in plain)


@pytest.mark.parametrize("labels", [-1, 0, "0", [0], [-1], np.array([-1])])
def test_python_refuses_the_same_labels(model_file: Path, conditional_model: Path, labels: object) -> None:
    """One rule in both languages."""
    from dropgan.serve import InputError

    plain, conditional = (Generator(path, device="cpu") for path in (model_file, conditional_model))
    for refused in (plain, conditional) if np.any(np.asarray(labels) == -1) else (plain,):
        for attempt in (
            lambda generator: generator.sample(1, labels=labels),
            lambda generator: generator.sample(0, labels=labels),
            lambda generator: generator.stream(1, labels=labels),
            lambda generator: generator(generator.latents(1), labels),
        ):
            with pytest.raises(InputError, match=r"class-conditional|labels"):
                attempt(refused)


def test_arrays_are_read_at_the_call(tmp_path: Path, model_file: Path, conditional_model: Path) -> None:
    """A program that uses one buffer over and over must get the pictures of what was in it at each call."""
    found = run_module(project(tmp_path, "onnxruntime-node"), LATER, model_file, conditional_model)
    plain, conditional = (Generator(path, device="cpu") for path in (model_file, conditional_model))
    expected = [
        plain.sample(2, seed=1),
        plain.sample(2, seed=2),
        conditional.sample(2, labels=[0, 1]),
        conditional.sample(2, labels=[2, 2]),
    ]
    for pixels, images in zip(found, expected, strict=True):
        assert np.abs(np.array(pixels).reshape(images.shape) - images.astype(int)).max() <= 1


def test_more_than_fits(tmp_path: Path, model_file: Path, conditional_model: Path) -> None:
    """Ten million samples at once are asked for soon enough; the answer names the way that works, and
    that way takes no memory for labels that are all the same."""
    answer = run_module(project(tmp_path, "onnxruntime-node"), MANY, model_file, conditional_model)
    found = answer["found"]
    assert all(message.startswith("InputError: ") for message in found.values()), found
    assert found["sample"] == (
        "InputError: 10000000 samples at once need 7.8 GB, more than one array holds:"
        " take them with stream(), batch by batch"
    )
    assert answer["grown"] < 50e6
    expected = Generator(conditional_model, device="cpu").sample(32, seed=4, labels="middle").astype(int)
    assert np.abs(np.array(answer["pixels"]).reshape(expected.shape) - expected).max() <= 1


def test_after_dispose(tmp_path: Path, model_file: Path) -> None:
    """A page that frees its generator too early must read so; its package must open the model again."""
    answer = run_module(project(tmp_path, "onnxruntime-node"), DISPOSED, model_file)
    said = "this generator was disposed of: load the model again"
    assert answer["found"] == dict.fromkeys(("sample", "none", "stream", "generate"), f"DropganError: {said}")
    assert (answer["under_way"], answer["disposed"], answer["known"]) == (said, True, True)
    assert (answer["again"], answer["other"], answer["latents"]) == (1, True, 100)


OPEN_AND_DIE = """
import { Generator } from "dropgan";
await Generator.load(process.argv[2]);
process.kill(process.pid, "SIGKILL"); // before anything is sent
"""


def _files_left(folder: Path, model: Path, **environment: str) -> list[str]:
    """What a program that opens the model leaves in its user's home and cache."""
    home = folder / "home"
    (folder / "app.mjs").write_text(OPEN_AND_DIE)
    kept = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    done = subprocess.run(
        [require_node(), "app.mjs", model],
        cwd=folder, env={**kept, **environment}, check=False, capture_output=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_nothing_is_sent_home(tmp_path: Path, model_file: Path) -> None:
    """onnxruntime makes a device id and sends usage data; an app's user has not agreed to that."""
    folder = project(tmp_path, "onnxruntime-node")
    assert _files_left(folder, model_file) == []
    asked_for = _files_left(folder, model_file, ORT_DISABLE_TELEMETRY="0")
    assert "deviceid" in asked_for, "this onnxruntime leaves no trace, so the line above proves nothing"


def test_a_worker_thread_that_cannot_keep_onnxruntime_quiet(tmp_path: Path, model_file: Path) -> None:
    """A worker's environment is a copy that onnxruntime does not see: what cannot be done is said."""
    folder = project(tmp_path, "onnxruntime-node")
    (folder / "worker.mjs").write_text(
        'import { Generator } from "dropgan"; await Generator.load(process.argv[2]); process.exit();'
    )
    start = """
    import { Worker } from "node:worker_threads";
    new Worker("./worker.mjs", { argv: [process.argv[2]] });
    """
    for first, warned in (("", True), ('import "dropgan";', False)):
        (folder / "app.mjs").write_text(first + start)
        home = folder / f"home{warned}"
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home)}
        command = [require_node(), "app.mjs", model_file]
        offline = ["unshare", "-n", "-r"] if _can_unshare() else []
        done = subprocess.run(
            [*offline, *command],
            cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert ("telemetry cannot be switched off in a worker thread" in done.stderr) == warned
        assert bool(list(home.rglob("deviceid"))) == warned


def _can_unshare() -> bool:
    return subprocess.run(["unshare", "-n", "-r", "true"], check=False, capture_output=True).returncode == 0
