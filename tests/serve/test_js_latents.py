"""The JavaScript latent stream against the golden vectors and Python's."""

from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import LatentStream

from ..node_tools import project, run_module

GOLDEN = Path(__file__).parents[1] / "golden" / "latents.json"

COMPARE = """
import { readFileSync } from "node:fs";
import { LatentStream, STREAM_NAME } from "dropgan";
const golden = JSON.parse(readFileSync(process.argv[2], "utf8"));
let [cases, largest] = [0, 0];
for (const { dim, seed, start, count, latents } of golden.cases) {
  const given = new LatentStream(dim).latents(count, { seed: BigInt(seed), start: BigInt(start) });
  if (given.length !== latents.length) throw new Error(`dim ${dim}: ${given.length} values`);
  given.forEach((value, place) => (largest = Math.max(largest, Math.abs(value - latents[place]))));
  cases += 1;
}
console.log(JSON.stringify({ stream: STREAM_NAME === golden.stream, cases, largest }));
"""

MANY = """
import { LatentStream } from "dropgan";
const stream = new LatentStream(13);
const whole = stream.latents(500, { seed: 5, start: 2 ** 40 });
const parts = [stream.latents(123, { seed: 5n, start: 2 ** 40 }),
               stream.latents(377, { seed: 5, start: BigInt(2 ** 40 + 123) })];
const joined = Float32Array.from([...parts[0], ...parts[1]]);
const same = whole.every((value, place) => value === joined[place]);
console.log(JSON.stringify({ same, whole: [...whole] }));
"""

REFUSED = """
import { InputError, LatentStream } from "dropgan";
const stream = new LatentStream(3);
const attempts = [
  () => new LatentStream(0), () => new LatentStream(1.5),
  () => stream.latents(-1), () => stream.latents(1.5), () => stream.latents("3"),
  () => stream.latents(1, { seed: -1 }), () => stream.latents(1, { seed: 2n ** 64n }),
  () => stream.latents(1, { seed: 2 ** 53 }), () => stream.latents(1, { seed: 0.5 }),
  () => stream.latents(1, { start: -1n }), () => stream.latents(1, { start: 2n ** 60n }),
];
const messages = attempts.map((attempt) => {
  try {
    attempt();
    return "accepted";
  } catch (error) {
    return error instanceof InputError ? error.message : String(error.stack);
  }
});
console.log(JSON.stringify(messages));
"""


def test_golden_vectors(tmp_path: Path) -> None:
    """A wrong carry in 32-bit arithmetic would give other pictures in the browser than in Python."""
    found = run_module(project(tmp_path), COMPARE, GOLDEN)
    assert found["stream"]
    assert found["cases"] > 100
    assert found["largest"] < 5e-6


def test_many_samples_however_cut(tmp_path: Path) -> None:
    """A page that asks for samples in pieces must show what Python makes in one go."""
    found = run_module(project(tmp_path), MANY)
    assert found["same"]
    expected = LatentStream(13)(500, seed=5, start=2**40)
    assert np.abs(np.array(found["whole"]).reshape(500, 13) - expected).max() < 5e-6


def test_arguments_out_of_range(tmp_path: Path) -> None:
    """A seed that JavaScript has silently rounded would be another seed."""
    messages = run_module(project(tmp_path), REFUSED)
    assert all("must" in message and "\n" not in message for message in messages), messages
    assert "BigInt" in messages[7]


@pytest.mark.parametrize("name", ["latents", "labels", "generator", "card", "samples", "errors"])
def test_every_module_has_declarations(name: str) -> None:
    """A TypeScript program importing the runtime would have no types for that module."""
    from ..node_tools import RUNTIME

    assert (RUNTIME / f"{name}.d.ts").exists()
