"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

MIN_SIDE, MAX_SIDE = 4, 512  # as in train/data/options.py, which --help need not import

Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DATA",
        help="fashion-mnist-10k (comes with dropgan), fashion-mnist (whole), a folder of pictures (with a"
        " subfolder a class or without), a .npy, .npz or .parquet file, a directory of IDX files, or"
        " hf:NAME[:SPLIT] of a Hugging Face data set; docs/data.md has the rules.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        metavar="S",
        min=MIN_SIDE,
        max=MAX_SIDE,
        help="Make the images S pixels high and wide: the square in the middle, resized with antialiasing."
        "  [default: the size that all have]",
        show_default=False,
    ),
]
Colour = Annotated[
    bool | None,
    typer.Option(
        "--colour/--grey",
        help="Channels of the images.  [default: grey if every one is grey]",
        show_default=False,
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Stop at a picture that cannot be read, in place of leaving it out."),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label-column",
        metavar="NAME",
        help="The column of labels in a table.  [default: label or another usual name]",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where the four files of the whole Fashion-MNIST lie; also the environment variable"
        " DROPGAN_FASHION_MNIST. Default: Debian's folder, else a checked download.",
    ),
]
RecipeName = Annotated[
    str,
    typer.Option("--recipe", metavar="NAME|FILE", help="A recipe that comes with dropgan, or a TOML file."),
]
GeneratorDropout = Annotated[
    float | None,
    typer.Option(
        "--generator-dropout",
        metavar="P",
        help="Probability of dropping a unit of the generator in training.  [default: the recipe's]",
    ),
]
DiscriminatorDropout = Annotated[
    float | None,
    typer.Option(
        "--discriminator-dropout",
        metavar="P",
        help="Probability of dropping a unit of the discriminator in training.  [default: the recipe's]",
    ),
]
Conditional = Annotated[
    bool | None,
    typer.Option(
        "--conditional/--unconditional",
        help="Learn the data's classes too, so that samples can be asked for by class."
        "  [default: the recipe's]",
        show_default=False,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", min=1, help="Training steps in all.  [default: the recipe's]"),
]
TrainingSeed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Of weights, order, latents.  [default: the recipe's]")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change any setting of the recipe; may be repeated."),
]
InitFrom = Annotated[
    Path | None,
    typer.Option(
        "--init-from",
        metavar="RUN|FILE",
        help="Begin from the weights of a run, a checkpoint .safetensors or a model.onnx: every layer that"
        " fits is taken, the others are named.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda or cuda:N.")]
Precision = Annotated[
    str, typer.Option("--precision", help="auto (the faster, measured), fp32, bf16, fp16, or tf32 (CUDA).")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads.  [default: the faster number, measured]")
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience",
        min=0,
        metavar="N",
        help="End early after N scores (one a sample grid) without a better one; 0: never."
        "  [default: the recipe's]",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        metavar="M",
        help="Stop after this time, everything saved; the same directory goes on later.",
        show_default=False,
    ),
]
TensorBoard = Annotated[
    bool,
    typer.Option("--tensorboard", help="Also log for TensorBoard, into RUN/tensorboard; needs its extra."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only results and errors.")]
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that dropgan export wrote.")]
