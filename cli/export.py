"""dropgan export"""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .output import result, result_json


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that dropgan train made.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The .onnx file to write.")] = Path(
        "model.onnx"
    ),
    output: Annotated[
        str,
        typer.Option("--output", help="pixels (uint8, NHWC, ready to show) or float (NCHW, -1 to 1)."),
    ] = "pixels",
    opset: Annotated[int, typer.Option("--opset", help="Version of the ONNX operator set.")] = 20,
    json: options.Json = False,
) -> None:
    """Export a run's generator to one ONNX file, proven free of dropout and equal to PyTorch's."""
    from ..export import export as export_run

    card = export_run(run, out, output=output, opset=opset)
    if json:
        result_json({"model": str(out), "card": dataclasses.asdict(card)})
        return
    parity = card.export.parity
    result(f"model      {out} ({out.stat().st_size / 1e6:.2f} MB, opset {card.export.opset})")
    result("gate       inference-only: no dropout, no random operator, equal runs")
    result(
        f"parity     {parity.samples:,} samples at batches {', '.join(map(str, parity.batches))}: largest"
        f" difference from PyTorch {parity.max_difference:g}, allowed {parity.tolerance:g}"
        f" {'level(s) of 255' if output == 'pixels' else ''}".rstrip()
    )
    result(f"next       dropgan sample {out} -n 64 -o grid.png")
