"""dropgan export"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import options
from .inspect import speed_of, unit_of
from .output import result, result_json, result_row
from .terminal import terminal

if TYPE_CHECKING:
    from dropgan.serve.card import Card


def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run directory, made by dropgan train or run.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="ONNX file to write.",
            callback=options.output,
            rich_help_panel=options.OUTPUT,
        ),
    ] = Path("model.onnx"),
    checkpoint: Annotated[
        Literal["auto", "best", "last"],
        typer.Option(
            "--checkpoint",
            help="Which weights to export: best by the score in training, last, or auto, which is best if the"
            " run was scored.",
            rich_help_panel=options.MODEL,
        ),
    ] = "auto",
    precision: Annotated[
        Literal["fp32", "fp16", "int8", "auto"],
        typer.Option(
            "--precision",
            help="Arithmetic of the file: fp16 is for CUDA, int8 for CPUs; auto measures which is faster on"
            " --target.",
            rich_help_panel=options.MODEL,
        ),
    ] = "fp32",
    target: Annotated[
        Literal["cpu", "cuda"] | None,
        typer.Option(
            "--target",
            help="Device for which --precision auto chooses; both options go together.",
            show_default=False,
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    output: Annotated[
        Literal["pixels", "float", "vectors"] | None,
        typer.Option(
            "--output",
            help="pixels are uint8, ready to show; float is -1 to 1.  [default: pixels; for a run on vectors,"
            " vectors]",
            show_default=False,
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    layout: Annotated[
        Literal["nhwc", "nchw", "rgb-nchw"] | None,
        typer.Option(
            "--layout",
            help="Order of the output's axes; rgb-nchw repeats grey three times.  [default: nhwc for pixels,"
            " nchw for float]",
            show_default=False,
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    opset: Annotated[
        int,
        typer.Option(
            "--opset",
            min=18,
            max=25,
            metavar="N",
            help="Version of the ONNX operator set; older runtimes need a lower one.",
            rich_help_panel=options.MODEL,
        ),
    ] = 20,
    clip: Annotated[
        bool,
        typer.Option(
            "--clip/--no-clip",
            help="For vectors: keep every column within the range of the training data.",
            rich_help_panel=options.MODEL,
        ),
    ] = True,
    round_whole: Annotated[
        bool,
        typer.Option(
            "--round/--no-round",
            help="For vectors: round the columns that are whole numbers in the training data.",
            rich_help_panel=options.MODEL,
        ),
    ] = True,
    score: Annotated[
        bool,
        typer.Option(
            "--score/--no-score",
            help="Score the file on the run's data, if its images can be scored.",
        ),
    ] = True,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Export a run's generator to one ONNX file, proven free of dropout and compared with PyTorch."""
    from dropgan.evaluate.file_scorer import file_scorer
    from dropgan.export import export as export_run
    from dropgan.serve.outputs import require_writable

    if (precision == "auto") != (target is not None):
        raise typer.BadParameter("--precision auto and --target go together: --precision auto --target cpu")
    require_writable(out)
    with terminal(quiet=quiet) as reporter:
        scored = score and output in (None, "pixels") and layout != "rgb-nchw"
        card = export_run(
            run,
            out,
            output=output or "",
            layout=layout or "",
            opset=opset,
            precision=precision,
            target=target or "",
            scorer=file_scorer(run, reporter) if scored else None,
            checkpoint=checkpoint,
            clip=clip,
            round_whole=round_whole,
            reporter=reporter,
        )
    if json:
        result_json({"model": str(out), "card": dataclasses.asdict(card)})
        return
    result(f"weights    of step {card.training.steps}{_chosen(run, checkpoint)}")
    for name, text in _lines(out, card):
        if name == "next":  # a command to copy: in one piece
            result(f"{name:<11}{text}")
        else:
            result_row(f"{name:<11}", text)


def _chosen(run: Path, checkpoint: str) -> str:
    """Return which of a run's weights were exported, and why."""
    from dropgan.train import RunDirectory

    if checkpoint == "last":
        return ", the last"
    if checkpoint == "best" or RunDirectory(run).best_checkpoint.exists():
        return ", the best by the score in training (--checkpoint last exports the last)"
    return ", the last, because nothing was scored in training"


def _lines(out: Path, card: "Card") -> list[tuple[str, str]]:
    from dropgan.serve.write import shown_as

    parity, price = card.export.parity, card.export.price
    unit = unit_of(card)
    lines = [
        (
            "model",
            f"{out} ({out.stat().st_size / 1e6:.2f} MB, {card.export.precision}, opset {card.export.opset})",
        ),
        ("gate", "inference-only: no dropout, no random operator, equal runs"),
        (
            "parity",
            f"{parity.samples:,} samples at batches {', '.join(map(str, parity.batches))}: from PyTorch"
            f" {parity.max_difference:g} at most, {parity.mean_difference:.2g} on average"
            f" (allowed {parity.tolerance:g} and {parity.mean_tolerance:.2g}{unit})",
        ),
    ]
    if card.export.float_layers:
        lines.append(("left float", ", ".join(card.export.float_layers)))
    if card.export.speed.processor:
        lines.append(("speed", speed_of(card)))
    if price.score_name:
        lines.append(
            (
                "price",
                f"{price.score_name} {price.score:.3f}, in fp32 {price.score_fp32:.3f} (lower is better)",
            )
        )
    lines += [
        ("score", f"{score.name} {score.value:.3f} ({score.samples:,} samples against {score.reference})")
        for score in card.scores
    ]
    return [*lines, ("next", f"dropgan sample {out} -n 64 -o samples{shown_as(card).suffix}")]
