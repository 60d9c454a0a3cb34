"""What --help shows: every word of it, on a terminal of 80 columns."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from dropgan.cli import options
from dropgan.cli.command import PANELS
from dropgan.cli.examples import EXAMPLES
from dropgan.cli.main import app

from .conftest import Dropgan

COMMANDS = sorted(command.callback.__name__ for command in app.registered_commands if command.callback)
_APP: Any = typer.main.get_command(app)


def _parameters(command: str) -> list[Any]:
    return list(_APP.commands[command].params)


def _squeezed(text: str) -> str:
    """Without white space, since lines are broken where the terminal ends."""
    return "".join(text.split())


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_word_of_help_is_shown(dropgan: Dropgan, command: str) -> None:
    """Rich's markup swallowed 21 texts in square brackets: defaults, shapes, ranges."""
    answer = dropgan(command, "--help")
    assert answer.code == 0
    shown = _squeezed(answer.out)
    assert _squeezed((_APP.commands[command].help or "").split("\f")[0]) in shown
    for parameter in _parameters(command):
        assert parameter.help, f"{command} {parameter.name} has no help"
        assert _squeezed(parameter.help) in shown, f"{command} {parameter.name}"
        for name in (*parameter.opts, *parameter.secondary_opts):
            assert not name.startswith("-") or re.search(rf"(?m)^ .*{name}\b", answer.out), (
                f"{command} {name}"
            )


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal(dropgan: Dropgan, command: str) -> None:
    """At 80 columns names of options were cut off with an ellipsis, and so were their values."""
    answer = dropgan(*filter(None, [command]), "--help")
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "…" not in answer.out
    assert "...\n" not in answer.out.replace("[ARGS]...\n", "")
    assert "int range" not in answer.out  # no reader's word for a number
    assert "x>=" not in answer.out
    assert "<=x" not in answer.out


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_shown_and_can_be_typed(dropgan: Dropgan, command: str) -> None:
    """An example with an option that is gone, or that is broken over two lines, cannot be copied."""
    shown = dropgan(command, "--help").out.partition("\nExamples:\n")[2].splitlines()
    assert [line.strip() for line in shown if line.strip()] == list(EXAMPLES[command])
    for line in EXAMPLES[command]:
        program, name, *arguments = shlex.split(line)
        assert (program, name) == ("dropgan", command)
        _APP.commands[command].make_context(name, arguments)


def test_the_list_of_commands_is_whole(dropgan: Dropgan) -> None:
    """Each with its whole first sentence; `dropgan` alone shows it too, and is no error."""
    answer = dropgan()
    assert answer.code == 0
    shown = " ".join(answer.out.split())
    for command in COMMANDS:
        first = " ".join((_APP.commands[command].help or "").split("\n\n")[0].split())
        assert f"{command} {first}" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_few_options_are_left_without_a_heading(command: str) -> None:
    """What is not under a heading is what has a place of its own in no group."""
    plain = [
        parameter.opts[0]
        for parameter in _parameters(command)
        if parameter.param_type_name == "option" and not parameter.rich_help_panel
    ]
    assert len(plain) <= 6, plain


def test_every_heading_is_in_order() -> None:
    """A heading that command.py does not know would leave its options out."""
    headings = {
        parameter.rich_help_panel
        for command in COMMANDS
        for parameter in _parameters(command)
        if parameter.param_type_name == "option" and parameter.rich_help_panel
    }
    assert headings <= set(PANELS)


@pytest.mark.parametrize("command", ["run", "train"])
def test_options_stand_under_headings(dropgan: Dropgan, command: str) -> None:
    """28 options in one list are no help; a heading says what they are about."""
    out = dropgan(command, "--help").out
    places = [out.index(f"\n{panel}:\n") for panel in ("Data", "Model", "Training", "Machine", "Output")]
    assert places == sorted(places)
    assert places[1] < out.index("--generator-dropout") < places[2]
    assert places[3] < out.index("--threads") < places[4]


def test_bounds_are_those_of_the_library() -> None:
    """--help names them without importing PyTorch; a number that only one of the two refuses is worse."""
    from dropgan.export.graph import OPSETS
    from dropgan.train.data.options import MAX_SIDE, MIN_SIDE

    assert (options.MIN_SIDE, options.MAX_SIDE) == (MIN_SIDE, MAX_SIDE)
    (opset,) = (option.type for option in _parameters("export") if option.name == "opset")
    assert (opset.min, opset.max) == (OPSETS[0], OPSETS[-1])


def test_version_has_a_short_form(dropgan: Dropgan) -> None:
    """-V, as everywhere."""
    assert dropgan("-V").out == dropgan("--version").out
    assert dropgan("-V").out.startswith("dropgan ")


def _completed(line: str) -> list[str]:
    """What a bash offers after ``line``, by the protocol that the installed completion script speaks."""
    words = line.split(" ")
    environment = {
        "_DROPGAN_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "PATH": "/usr/bin:/bin",
    }
    script = str(Path(sys.executable).parent / "dropgan")
    answer = subprocess.run([script], capture_output=True, text=True, check=False, env=environment)
    return answer.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dropgan ex", {"export"}),
        ("dropgan train --precision ", {"auto", "fp32", "bf16", "fp16", "tf32"}),
        (
            "dropgan train --recipe ",
            {
                "auto",
                "capsule",
                "conv",
                "dcgan",
                "graph",
                "graphs",
                "mlp",
                "molecules",
                "projected",
                "r3gan",
                "resnet",
                "seed",
            },
        ),
        ("dropgan train --recipe co", {"conv"}),
        ("dropgan run --device ", {"auto", "cpu", "cuda"}),
        ("dropgan run --data ", {"fashion-mnist", "fashion-mnist-10k"}),
        ("dropgan export --precision ", {"auto", "fp32", "fp16", "int8"}),
        ("dropgan export --checkpoint ", {"auto", "best", "last"}),
        ("dropgan export --layout r", {"rgb-nchw"}),
        ("dropgan package --target ", {"wheel", "web"}),
    ],
)
def test_a_shell_completes_values(line: str, offered: set[str]) -> None:
    """Tab shows what an option takes."""
    assert set(_completed(line)) >= offered
