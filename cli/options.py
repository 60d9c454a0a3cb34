"""Options shared by several commands."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from dropgan.serve.cores import MAX_THREADS
from dropgan.serve.errors import OutputError
from dropgan.serve.outputs import local_path

_Path = TypeVar("_Path", Path, str, Path | None, str | None)

MIN_SIDE, MAX_SIDE = 4, 512  # as in train/data/options.py, which --help need not import

# The headings under which --help shows options, which command.py puts in order.
DATA, MODEL, TRAINING, MACHINE, OUTPUT = "Data", "Model", "Training", "Machine", "Output"
SWEEP = "Sweep"
SAMPLES, SCORES, FEATURES, SERVICE = "Samples", "Scores", "Features of your own", "Service"


def within(low: float, high: float, meaning: str) -> Callable[[float | None], float | None]:
    """Return a validator of numbers above ``low`` and at most ``high``, which refuses NaN."""

    def check(value: float | None) -> float | None:
        if value is not None and not (math.isfinite(value) and low < value <= high):
            raise typer.BadParameter(f"{value:g} is not {meaning}")
        return value

    return check


def probability(value: float | None) -> float | None:
    """Validate a probability of dropping."""
    if value is not None and not 0 <= value < 1:  # which no NaN is
        raise typer.BadParameter(f"{value:g} is not a probability from 0 to below 1")
    return value


def rate(value: str | None) -> str | None:
    """Validate a probability of dropping, or auto."""
    if value is None or value == "auto":
        return value
    try:
        probability(float(value))
    except ValueError:
        raise typer.BadParameter(f"{value} is neither a probability from 0 to below 1 nor auto") from None
    return value


def output(value: _Path) -> _Path:
    """Validate that an output is a local path and not an address."""
    if value is not None:
        try:
            local_path(value)
        except OutputError as error:
            raise typer.BadParameter(str(error)) from error
    return value


def _seed(value: int) -> int:
    """Validate a seed of the latent stream."""
    if value >= 2**64:
        raise typer.BadParameter(f"{value} is not a seed: use a number from 0 to 2^64 - 1")
    return value


def _recipes() -> list[str]:
    """Return the recipes that come with dropgan, for shell completion, without importing torch."""
    folder = Path(__file__).parents[1] / "train" / "recipes"
    return ["auto", *sorted(path.stem for path in folder.glob("*.toml"))]


def _devices() -> list[str]:
    return ["auto", "cpu", "cuda"]


def data_sets() -> list[str]:
    """Return the data sets that have names, for shell completion."""
    return ["fashion-mnist-10k", "fashion-mnist"]


Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DATA",
        autocompletion=data_sets,
        help="Data to train on: fashion-mnist-10k (comes with dropgan), fashion-mnist (all of it), a folder"
        " of pictures (with or without a subfolder for each class), a .npy, .npz, .parquet or .csv file, a"
        " folder of IDX files, or hf:NAME[:SPLIT] for a Hugging Face data set. See docs/data.md.",
        rich_help_panel=DATA,
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        metavar="S",
        min=MIN_SIDE,
        max=MAX_SIDE,
        help="Crop images to the centred square and resize them to S pixels a side; leave out graphs of more"
        " than S nodes.  [default: their common size]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Colour = Annotated[
    bool | None,
    typer.Option(
        "--colour/--grey",
        help="Convert images to three channels or to one.  [default: grey if all are grey]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Stop at a picture that cannot be read, instead of leaving it out.",
        rich_help_panel=DATA,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label-column",
        metavar="NAME",
        help="Column of a table that holds the labels.  [default: with pictures, label or another common"
        " name; in tables of numbers, none]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first row of a .csv or .tsv file holds the column names.  [default: detected]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        "--separator",
        metavar="C",
        help="Column separator of a .csv or .tsv file: a character, tab, space, or none for a single"
        " column.  [default: detected]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        "--decimal",
        metavar=".|,",
        help="Decimal mark of a .csv or .tsv file.  [default: detected]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=2,
        help="Use only N samples, drawn at random. The draw is always the same, and a smaller N uses a"
        " subset of a larger one's.  [default: all]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Folder with the four files of Fashion-MNIST; you can also set DROPGAN_FASHION_MNIST."
        "  [default: Debian's folder, otherwise a verified download]",
        rich_help_panel=DATA,
    ),
]
RecipeName = Annotated[
    str,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        autocompletion=_recipes,
        help="A recipe that comes with dropgan, a TOML file, or auto: the recipe that suits the data.",
        rich_help_panel=MODEL,
    ),
]
GeneratorDropout = Annotated[
    float | None,
    typer.Option(
        "--generator-dropout",
        metavar="P",
        callback=probability,
        help="Dropout probability in the generator, 0 to below 1.  [default: the recipe's]",
        rich_help_panel=MODEL,
    ),
]
DiscriminatorDropout = Annotated[
    str | None,
    typer.Option(
        "--discriminator-dropout",
        metavar="P|auto",
        callback=rate,
        help="Dropout probability in the discriminator, 0 to below 1; auto adapts it to overfitting."
        "  [default: the recipe's]",
        rich_help_panel=MODEL,
    ),
]
Conditional = Annotated[
    bool | None,
    typer.Option(
        "--conditional/--no-conditional",
        help="Learn the data's classes, so that you can ask for samples of a class.  [default: the recipe's;"
        " with auto, if each class has enough pictures]",
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        metavar="N",
        help="Total number of training steps.  [default: the recipe's]",
        rich_help_panel=TRAINING,
    ),
]
TrainingSeed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        metavar="N",
        help="Seed of weights, data order and latents.  [default: the recipe's]",
        rich_help_panel=TRAINING,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change any setting of the recipe, as in --set training.loss=hinge. Can be repeated.",
        rich_help_panel=MODEL,
    ),
]
InitFrom = Annotated[
    Path | None,
    typer.Option(
        "--init-from",
        metavar="RUN|FILE",
        help="Start from the weights of a run, a checkpoint .safetensors or a model.onnx. Every layer that"
        " fits is copied; the others are listed.",
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="DEVICE",
        autocompletion=_devices,
        help="auto, cpu, cuda or cuda:N; auto is a GPU if one works.",
        rich_help_panel=MACHINE,
    ),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16", "tf32"],
    typer.Option(
        "--precision",
        help="Precision of matrix products. auto measures which is faster; tf32 needs CUDA.",
        rich_help_panel=MACHINE,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=MAX_THREADS,
        metavar="N",
        help="CPU threads.  [default: the fastest number, measured]",
        rich_help_panel=MACHINE,
    ),
]
Retune = Annotated[
    bool,
    typer.Option(
        "--retune",
        help="Measure threads and precision again, instead of using earlier measurements of this machine.",
        rich_help_panel=MACHINE,
    ),
]
Like = Annotated[
    Path | None,
    typer.Option(
        "--like",
        metavar="RUN",
        help="Repeat a run exactly: recipe, data, initial weights, device, precision and threads come from"
        " its recipe.toml.",
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience",
        min=0,
        metavar="N",
        help="End training after N scores in a row without improvement; 0 never does. There is a score with"
        " each sample grid.  [default: the recipe's]",
        rich_help_panel=TRAINING,
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        metavar="M",
        callback=within(0, 1e6, "a number of minutes: above 0, at most a million"),
        help="Train for M minutes: the number of steps is fitted to them. If it is known (--steps, --like,"
        " --resume), save and stop after M minutes.",
        show_default=False,
        rich_help_panel=TRAINING,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Only report the data, the recipe and the time that training would take, as dropgan data does.",
        rich_help_panel=TRAINING,
    ),
]
TensorBoard = Annotated[
    bool,
    typer.Option(
        "--tensorboard",
        help="Also write logs for TensorBoard to RUN/tensorboard; needs the extra [tensorboard].",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Show no progress, only results and errors.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print results as JSON on stdout.",
        rich_help_panel=OUTPUT,
    ),
]
Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A model file, written by dropgan export, or clothes, a model that comes with dropgan.",
    ),
]
SampleSeed = Annotated[
    int,
    typer.Option(
        "--seed",
        min=0,
        metavar="N",
        callback=_seed,
        help="Seed of the samples, 0 to 2^64 - 1.",
    ),
]
