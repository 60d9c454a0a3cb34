"""The entry point of the command line: the app, and how errors are reported."""

import io
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from dropgan.serve.errors import DropganError
from dropgan.serve.version import VERSION

from .command import Command, Group
from .data import data
from .doctor import doctor
from .evaluate import evaluate
from .examples import EXAMPLES
from .export import export
from .inspect import inspect
from .memory import is_out_of_memory, out_of_memory
from .output import result, say
from .package import package
from .run import run
from .sample import sample
from .serve import serve
from .sweep import sweep
from .train import train

_LONGEST = 1000  # letters of an error
_TRAIN_PACKAGES = (
    "torch",
    "onnx",
    "onnxscript",
    "pydantic",
    "safetensors",
    "tomli_w",
    "torchmetrics",
    "jinja2",
    "matplotlib",
)

app = typer.Typer(
    name="dropgan",
    help="Train a GAN with dropout, export its generator to one verified ONNX file, and sample from it"
    " anywhere.",
    cls=Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (data, run, train, sweep, export, inspect, sample, evaluate, package, serve, doctor):
    app.command(cls=Command, epilog="\n".join(EXAMPLES[command.__name__]))(command)

# Typer exports the wrong uses that commands raise themselves, not their base, which parsing raises.
_WrongUse: Any = typer.BadParameter.__bases__[0]


def _version(wanted: bool) -> None:
    if wanted:
        result(f"dropgan {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version and stop."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options before any command; main() reads --debug wherever it is given."""


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"note: {message}")


def _process() -> int:
    """Return the rank of this process if torchrun started it; 0 otherwise."""
    number = os.environ.get("RANK", "0")
    return int(number) if number.isdecimal() else 0


def _of_process() -> str:
    return f"process {_process()}: " if os.environ.get("WORLD_SIZE", "1") != "1" else ""


def main() -> None:
    """Run the command line: 0 done, 1 failed with one line, 2 wrong usage, 130 on Ctrl-C."""
    debug = "--debug" in sys.argv[1:]
    warnings.showwarning = _show_warning
    # a chart shows a box for a letter that its font lacks; tables and pages have the letter
    warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a pipe may have an encoding without the letters of a name
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        sys.exit(app(args=arguments or ["--help"], prog_name="dropgan", standalone_mode=False))
    except _WrongUse as error:
        _say_error(error.format_message().removeprefix("Invalid value: "))
        say(f"       {error.ctx.command_path if error.ctx else 'dropgan'} -h shows all options")
        sys.exit(2)
    except typer.Abort:
        say("stopped")
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        sys.exit(_failure(error, arguments))


def _failure(error: Exception, arguments: list[str]) -> int:
    """Report an error in one line and return the exit code; a bug is raised again."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if is_out_of_memory(error):
        command = next((argument for argument in arguments if not argument.startswith("-")), "")
        _say_error(f"{_of_process()}{out_of_memory(error, command)}")
    elif isinstance(error, DropganError):
        if error.exit_code <= 2 or _process() == 0:
            (say if error.exit_code > 2 else _say_error)(f"{_of_process()}{error}")
        if error.leave_at_once:
            os._exit(error.exit_code)
        return error.exit_code
    elif missing and missing.split(".")[0] in _TRAIN_PACKAGES:
        _say_error(f"this command needs {missing}: install it with pip install 'dropgan[train]'")
    elif isinstance(error, OSError):
        _say_error(f"{_of_process()}{error}")
    else:
        raise error
    return 1


def _say_error(text: str) -> None:
    """Print the one line of an error, shortened to a readable length."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    say(f"error: {text}")
