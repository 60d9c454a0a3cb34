"""Every numeric option of every command, with every number that somebody might type."""

from pathlib import Path
from typing import Any

import pytest
import typer

from dropgan.cli.main import app

from .arena import attack, require_civil
from .conftest import SMALL, Cases, Chance, Figures, Good

VALUES = (
    "-1", "0", "1", "1.5", "nan", "-nan", "inf", "-inf", "1e400", "1e-400", "100000", "2147483648",
    "9223372036854775808", "18446744073709551616", "10000000000000", "-9223372036854775809", "1e10",
    "0x10", "1_000", "", " 3 ", "٣", "三", "1,5", "1/0", "4/3", "0/0", "-0.0", "9" * 5000,
)  # fmt: skip
TEXTS = {  # options that take a number inside a text
    "sample": ("--part", "--truncation", "--labels"),
    "train": ("--set training.steps=", "--set training.batch_size=", "--set training.learning_rate=",
              "--set generator.latent_dim=", "--set generator.hidden=", "--set training.seed=",
              "--set output.log_interval=", "--set generator.dropout="),
}  # fmt: skip


def _lines(good: Good) -> dict[str, list[object]]:
    """A command of each name that works, to which one option is added."""
    return {
        "data": ["data", good.archive, *(word for word in SMALL if not word.startswith("--steps"))],
        "train": ["train", "--data", good.archive, "-o", "out", "--minutes", "0.02", "--no-score", *SMALL],
        "run": ["run", "--data", good.archive, "-o", "out", "--minutes", "0.02", *SMALL],
        "export": ["export", good.run, "-o", "out.onnx", "--no-score"],
        "inspect": ["inspect", good.model, "--against", good.model],
        "sample": [
            "sample",
            good.model,
            "-o",
            "out",
            "--format",
            "npy",
            "--workers",
            "1",
            "--batch-size",
            "8",
        ],
        "evaluate": ["evaluate", good.model, "--data", good.archive, "--features", good.features],
    }


def _options() -> list[tuple[str, str]]:
    group: Any = typer.main.get_command(app)
    found = []
    for name, command in sorted(group.commands.items()):
        for parameter in command.params:
            kind = parameter.type.name.lower()
            if parameter.param_type_name == "option" and ("int" in kind or "float" in kind):
                found.append((name, max(parameter.opts, key=len)))
        found += [(name, option) for option in TEXTS.get(name, ())]
    return found


OPTIONS = _options()


def test_there_are_numeric_options() -> None:
    """The list is made from the commands themselves, so that a new option is attacked too."""
    assert {("train", "--threads"), ("sample", "--count"), ("inspect", "--seed")} <= set(OPTIONS)
    assert len(OPTIONS) > 20


@pytest.mark.share(0.2)
def test_numbers(good: Good, tmp_path: Path, chance: Chance, cases: Cases, figures: Figures) -> None:
    """No number ends in a traceback, a hang, or a machine that is out of memory or threads."""
    lines = _lines(good)
    pairs = [(option, value) for option in OPTIONS if option[0] in lines for value in VALUES]
    chance("numbers").shuffle(pairs)
    problems = []
    for number in cases(len(pairs)):
        (command, option), value = pairs[number]
        folder = tmp_path / str(number)
        folder.mkdir()
        given = (
            [*option.split(" ")[:-1], option.split(" ")[-1] + value]
            if "=" in option
            else [f"{option}={value}"]
        )
        outcome = attack(*lines[command], *given, folder=folder)
        figures.count("numbers", f"ended with {outcome.code}")
        try:
            require_civil(outcome)
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n\n".join(problems)


@pytest.mark.parametrize(
    "variable", ["DROPGAN_FASHION_MNIST", "XDG_CACHE_HOME", "OMP_NUM_THREADS", "WORLD_SIZE", "RANK"]
)
@pytest.mark.parametrize("value", ["", "-1", "nan", "/dev/null", "99999999999", "\x1b[2J"])
def test_environment(good: Good, tmp_path: Path, figures: Figures, variable: str, value: str) -> None:
    """Variables are input too."""
    outcome = attack(
        "train", "--data", good.pictures, "-o", "out", "--no-score", *SMALL,
        folder=tmp_path, environment={variable: value},
    )  # fmt: skip
    figures.count("environment", f"ended with {outcome.code}")
    require_civil(outcome)
