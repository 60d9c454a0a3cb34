"""Seeds from text, in Python and JavaScript (C is in tests/examples)."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator, InputError
from dropgan.serve.seeds import seed_number

from ..node_tools import project, run_module

GOLDEN = Path(__file__).parents[1] / "golden" / "seeds.json"
CASES = json.loads(GOLDEN.read_text("utf-8"))

SCRIPT = """
import { readFileSync } from "node:fs";
import { InputError, LatentStream, seedNumber } from "dropgan";
const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
const wrong = cases.filter(({ text, seed }) => seedNumber(text) !== BigInt(seed)).map(({ text }) => text);
const refused = ["", "\\ud800", "a\\udc00"].map((text) => {
  try { return String(seedNumber(text)); } catch (error) { return error instanceof InputError; }
});
const stream = new LatentStream(4);
const draw = (seed) => [...stream.latents(2, { seed })];
const [word, number] = [draw("ada"), draw(seedNumber("ada"))];
console.log(JSON.stringify({ wrong, refused, same: JSON.stringify(word) === JSON.stringify(number) }));
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["text"][:12]))
def test_the_golden_vectors(case: dict[str, str]) -> None:
    """A word that was another seed after an upgrade would change every picture made by name."""
    assert seed_number(case["text"]) == int(case["seed"])


@pytest.mark.parametrize("text", ["", "\ud800", "a\udc00"])
def test_what_is_no_seed(text: str) -> None:
    """Text that UTF-8 cannot write has no seed."""
    with pytest.raises(InputError):
        seed_number(text)


def test_a_word_everywhere_in_the_generator(model_file: Path) -> None:
    """Each method takes a word for what it is."""
    generator = Generator(model_file, device="cpu")
    number = seed_number("ada")
    expected = generator.sample(3, seed=number, start=5)
    assert np.array_equal(generator.sample(3, seed="ada", start=5), expected)
    assert np.array_equal(next(iter(generator.stream(3, seed="ada", start=5))), expected)
    assert np.array_equal(generator(generator.latents(3, seed="ada", start=5)), expected)


def test_javascript(tmp_path: Path) -> None:
    """A page and a server must agree on what a word draws."""
    found = run_module(project(tmp_path), SCRIPT, GOLDEN)
    assert found == {"wrong": [], "refused": [True, True, True], "same": True}
