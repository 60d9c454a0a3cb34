"""docs/model-file.md is a specification: it names everything, and its runtime draws what dropgan draws."""

import dataclasses
import re
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest

from dropgan.export.kinds import DEPLOYMENTS
from dropgan.serve import Generator
from dropgan.serve.card import SCHEMA_VERSION, Card
from dropgan.serve.loading.onnx_file import MAX_BYTES
from dropgan.serve.loading.rules import RULES
from dropgan.serve.loading.screen import IR_VERSIONS, MAX_NODES, OPSETS
from dropgan.serve.loading.shapes import MAX_ELEMENTS, MAX_WORK

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "model-file.md").read_text("utf-8")


def _programs(page: str) -> str:
    text = (DOCS / page).read_text("utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))


def _section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _fields(kind: type) -> list[str]:
    names: list[str] = []
    for field, hint in typing.get_type_hints(kind).items():
        names.append(field)
        for part in (hint, *typing.get_args(hint)):
            if dataclasses.is_dataclass(part):
                names += _fields(typing.cast(type, part))
    return names


def test_every_key_of_the_card_is_named() -> None:
    """A key that is missing there cannot be read or written by anyone else's program."""
    section = _section("The card")
    named = {word for quoted in re.findall(r"`([\w.]+)`", section) for word in quoted.split(".")}
    assert [name for name in _fields(Card) if name not in named] == []


def test_limits_are_those_of_the_reader() -> None:
    """Another exporter would make files that dropgan refuses, or refuse those that it takes."""
    section = _section("What a reader refuses")
    (listed,) = re.findall(r"^> (.*)$", section, re.MULTILINE)
    assert {name.split(" ")[0] for name in listed.split(", ")} == set(RULES)
    assert f"larger than {MAX_BYTES >> 20} MiB" in section
    assert f"outside {IR_VERSIONS[0]} to {IR_VERSIONS[-1]}" in section
    assert f"an opset outside {OPSETS[0]} to {OPSETS[-1]}" in section
    assert f"more than {MAX_NODES:,} nodes" in section
    assert f"more than {MAX_ELEMENTS:,} numbers" in section
    assert MAX_WORK == 2**35
    assert "more than 2^35 multiplications" in section


def test_versions_and_tolerances() -> None:
    """The page would describe another file than the one that is written."""
    assert f"The schema is at {SCHEMA_VERSION}." in TEXT
    numbers = r"^\| `(\w+)` \| (\w+) \| ([\d.e-]+)[^|]* \| ([\d.e-]+)"
    rows = re.findall(numbers, _section("Parity"), re.MULTILINE)
    found = {(precision, output): float(largest) for precision, output, largest, _ in rows}
    kinds = filter(None, map(DEPLOYMENTS.get, DEPLOYMENTS.names))
    assert found == {key: tolerance.largest for kind in kinds for key, tolerance in kind.tolerances.items()}


@pytest.mark.parametrize("chosen", [False, True])
def test_the_runtime_draws_the_same_samples(chosen: bool, conditional_model: Path, tmp_path: Path) -> None:
    """A stranger who writes a runtime from the two pages would get other pictures."""
    generator = Generator(conditional_model)
    (tmp_path / "model.onnx").write_bytes(conditional_model.read_bytes())
    (tmp_path / "streams.py").write_text(_programs("latents.md"), "utf-8")
    asked = generator.class_numbers[-1] if chosen else None
    program = f"{_programs('model-file.md')}\nnp.save('made.npy', sample(range(5, 21), 'ada', {asked!r}))\n"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    made = np.load(tmp_path / "made.npy").astype(np.int16)
    expected = generator.sample(16, seed="ada", start=5, labels=asked).astype(np.int16)
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() <= 1
