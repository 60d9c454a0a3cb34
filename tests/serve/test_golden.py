"""The numpy streams against vectors made from their definitions in plain Python."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropgan.serve import LABEL_STREAM_NAME, STREAM_NAME, InputError, LabelStream, LatentStream
from dropgan.serve.classes import Classes, numbers_of

GOLDEN = Path(__file__).parents[1] / "golden"
VECTORS = json.loads((GOLDEN / "latents.json").read_text("utf-8"))
LABELS = json.loads((GOLDEN / "labels.json").read_text("utf-8"))
CLASSES = json.loads((GOLDEN / "classes.json").read_text("utf-8"))


@pytest.mark.parametrize("script", ["make_latents.py", "make_labels.py", "make_seeds.py"])
def test_file_is_what_its_script_makes(script: str) -> None:
    """A golden file edited by hand would bend every language's stream towards a mistake."""
    subprocess.run([sys.executable, GOLDEN / script, "--check"], check=True)


def test_script_knows_the_published_philox_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script is the judge of all implementations: it must agree with Random123's known answers."""
    monkeypatch.syspath_prepend(str(GOLDEN))
    from make_latents import philox4x64  # type: ignore[import-not-found]

    def block(counter: int, first: int, second: int) -> str:
        return " ".join(f"{word:016x}" for word in philox4x64(counter, (first, second)))

    ones = 2**64 - 1
    assert block(0, 0, 0) == "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"
    assert block(2**256 - 1, ones, ones) == (
        "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0"
    )
    pi = 0x082EFA98EC4E6C89_A4093822299F31D0_13198A2E03707344_243F6A8885A308D3
    assert block(pi, 0x452821E638D01377, 0xBE5466CF34E90C6C) == (
        "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6"
    )


def test_stream_names_agree() -> None:
    """A model file names its stream: vectors of another stream would prove nothing about it."""
    assert VECTORS["stream"] == STREAM_NAME
    assert LABELS["stream"] == LABEL_STREAM_NAME


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda c: f"{c['dim']}-{c['seed']}-{c['start']}")
def test_numpy_stream(case: dict[str, Any]) -> None:
    """The same (seed, index) must give the same sample in Python as in every other language."""
    given = LatentStream(case["dim"])(case["count"], seed=int(case["seed"]), start=int(case["start"]))
    expected = np.array(case["latents"]).reshape(case["count"], case["dim"])
    assert np.abs(given - expected).max() < VECTORS["tolerance"]


@pytest.mark.parametrize("case", VECTORS["cases"][::7], ids=lambda c: f"{c['dim']}-{c['seed']}-{c['start']}")
def test_words_are_those_of_numpys_philox(case: dict[str, Any]) -> None:
    """The design says that block j is numpy's words 4j to 4j + 3: whoever implements the stream in
    another language begins with these words."""
    block = int(case["start"]) * -(-case["dim"] // 8)
    philox = np.random.Philox(key=np.array([int(case["seed"]), 0], dtype=np.uint64))
    philox.advance(block)
    assert [f"{word:016x}" for word in philox.random_raw(4)] == case["words"]


@pytest.mark.parametrize("case", LABELS["cases"], ids=lambda c: f"{c['classes']}-{c['seed']}-{c['start']}")
def test_numpy_labels(case: dict[str, Any]) -> None:
    """Sample i must be of the same class in Python as in every other language, one by one or in bulk."""
    stream, seed, start = LabelStream(case["classes"], case["counts"]), int(case["seed"]), int(case["start"])
    assert stream(len(case["labels"]), seed=seed, start=start).tolist() == case["labels"]
    single = [int(stream(1, seed=seed, start=start + place)[0]) for place in range(len(case["labels"]))]
    assert single == case["labels"]


def test_label_words_are_those_of_numpys_philox() -> None:
    """The design says that word i is numpy's, of the key (s, 1)."""
    for case in LABELS["cases"][::11]:
        philox = np.random.Philox(key=np.array([int(case["seed"]), 1], dtype=np.uint64))
        philox.advance(int(case["start"]) // 4)
        assert [f"{word:016x}" for word in philox.random_raw(4)] == case["words"]


@pytest.mark.parametrize("model", CLASSES["models"], ids=lambda model: str(model["known"]))
def test_what_a_label_means(model: dict[str, Any]) -> None:
    """A number or name must be one class in every language, and never another one of the same model."""
    known, names = tuple(model["known"]), tuple(model["names"])
    classes = Classes(tuple(model.get("numbers", ())) or (numbers_of(names) if names else known), names)
    assert classes.numbers == known
    for asked, place in model["asked"]:
        if place is None:
            with pytest.raises(InputError, match=r"no class|labels of this model are"):
                classes.choose(asked, 1)
        else:
            chosen = classes.choose(asked, 1)
            assert isinstance(chosen, np.ndarray)
            assert chosen.tolist() == [place], asked
            assert classes.numbered(chosen).tolist() == [known[place]]
