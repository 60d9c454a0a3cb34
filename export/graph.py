"""From a PyTorch generator to one self-contained ONNX model in float32 or float16."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import onnx
import torch
from torch import Tensor, nn

from dropgan.serve.errors import DropganError
from dropgan.train.data.pixels import to_pixels

from .fold import fold_batch_norms
from .naming import describe, rename
from .postprocessing import append_postprocessing, append_units
from .units import Units

OUTPUTS = ("pixels", "float")
LAYOUTS = ("nhwc", "nchw", "rgb-nchw")
DEFAULT_OPSET = 20
OPSETS = range(18, 26)
"""What PyTorch's exporter and onnxscript's converter write themselves, without a fallback; the
matrix in benchmarks/export_matrix.py holds both ends to the gate and to parity."""


class ExportError(DropganError):
    """The generator cannot be exported as asked."""


class DeployedGenerator(nn.Module):
    """The generator as it leaves the house, in PyTorch: what a file is compared with."""

    def __init__(
        self, generator: nn.Module, output: str, layout: str = "", units: Units | None = None
    ) -> None:
        super().__init__()
        self.units = units
        self.generator = generator
        self.output = output
        self.layout = layout or default_layout(output)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """float32 [batch, latent_dim], and int64 [batch] with classes, to images: uint8 pixels or
        float32 -1 to 1, [batch, height, width, channels] or [batch, channels, height, width] as the
        layout says; or to vectors float32 [batch, columns] in their own units, not rounded."""
        images: Tensor = self.generator(latents) if labels is None else self.generator(latents, labels)
        if self.units is not None:
            return _in_units(images, self.units)
        if self.output == "pixels":
            images = to_pixels(images).permute(0, 3, 1, 2)
        if self.layout == "nhwc":
            return images.permute(0, 2, 3, 1)
        return images.expand(-1, 3, -1, -1) if self.layout == "rgb-nchw" else images


def _in_units(vectors: Tensor, units: Units) -> Tensor:
    """What `append_units` appends, but for the rounding."""
    scale, mean = torch.from_numpy(units.scale), torch.from_numpy(units.mean)
    rows = vectors * scale + mean
    if units.mass is not None and units.width is not None:
        mass, above = torch.from_numpy(units.mass), torch.from_numpy(units.mass + units.width)
        rows = torch.minimum(rows, mass) + (rows - above).clamp_min(0)
    if units.low is not None and units.high is not None:
        rows = torch.minimum(torch.maximum(rows, torch.from_numpy(units.low)), torch.from_numpy(units.high))
    return rows


class _Traced(nn.Module):
    """What is traced: the generator alone, in its own arithmetic, between float32 values."""

    def __init__(self, generator: nn.Module, precision: str) -> None:
        super().__init__()
        self.in_half = precision == "fp16"
        self.generator = copy.deepcopy(generator).half() if self.in_half else generator

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        given = [latents.half() if self.in_half else latents] + ([] if labels is None else [labels])
        images: Tensor = self.generator(*given)
        return images.float()


def default_layout(output: str) -> str:
    """Channels last for pixels, as pictures are shown and stored; first for floats, as tools expect;
    ``nd`` for vectors."""
    return {"pixels": "nhwc", "float": "nchw", "vectors": "nd"}[output]


def require_options(output: str, layout: str, opset: int) -> None:
    """Refuse options that no file can have.

    Raises:
        ExportError: One is out of its range.
    """
    if output not in OUTPUTS:
        raise ExportError(f"output must be pixels or float, not {output!r}")
    if layout and layout not in LAYOUTS:
        raise ExportError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    if opset not in OPSETS:
        raise ExportError(f"opset must be {OPSETS.start} to {OPSETS.stop - 1}, not {opset}")


def to_onnx(
    generator: nn.Module,
    latent_dim: int,
    *,
    output: str,
    opset: int,
    classes: int = 0,
    layout: str = "",
    precision: str = "fp32",
    about: str = "",
    units: Units | None = None,
) -> onnx.ModelProto:
    """Trace a generator into an ONNX model with a dynamic batch.

    Args:
        generator: In eval mode throughout, on the CPU; latents, and labels with classes, in; float32
            images out [n, channels, height, width], -1 to 1, or standardised vectors [n, columns].
        latent_dim: Components of a latent.
        output: ``pixels``, ``float`` or ``vectors``.
        opset: Version of the ONNX operator set.
        classes: Number of classes, 0 without labels.
        layout: ``nhwc``, ``nchw`` or ``rgb-nchw`` (grey repeated into three channels); empty for
            the output's usual one.
        precision: ``fp32`` or ``fp16``, the arithmetic of the generator between float32 latents
            and the scaling to pixels, which stays in float32.
        about: A sentence on the generator for the file's reader.
        units: Of vectors.

    Returns:
        Model with input ``latents``, with classes also ``labels``, and output ``images`` or
        ``vectors``, free of traces of where it was made.

    Raises:
        ExportError: A part of the generator is in train mode, or an option is out of range.
    """
    if units is None:
        require_options(output, layout, opset)
    training = [name or type(part).__name__ for name, part in generator.named_modules() if part.training]
    if training:
        raise ExportError(f"the generator is in train mode ({', '.join(training[:3])}): call eval() first")
    example = {"latents": torch.zeros(2, latent_dim)}
    if classes:
        example["labels"] = torch.zeros(2, dtype=torch.int64)
    batch = torch.export.Dim("batch")
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            _Traced(generator, precision).eval(),
            tuple(example.values()),
            input_names=list(example),
            output_names=["images" if units is None else "vectors"],
            dynamic_shapes={name: {0: batch} for name in example},
            opset_version=opset,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    if model.opset_import[0].version != opset or len(model.opset_import) != 1:
        raise ExportError(f"PyTorch's exporter cannot write opset {opset} for this generator: try another")
    shape = [entry.dim_value for entry in model.graph.output[0].type.tensor_type.shape.dim[1:]]
    if units is not None and shape == [len(units.mean)]:
        fold_batch_norms(model)
        rename(model, prefix="generator.")
        append_units(model, units)
        return _finished(model, about, "nd", classes)
    if len(shape) != 3 or min(shape) < 1:
        raise ExportError(f"the generator must make images [n, channels, height, width], not [n, {shape}]")
    layout = layout or default_layout(output)
    if layout == "rgb-nchw" and shape[0] not in (1, 3):
        raise ExportError(f"layout rgb-nchw is for grey or RGB images, not {shape[0]} channels")
    fold_batch_norms(model)
    rename(model, prefix="generator.")
    append_postprocessing(model, (shape[0], shape[1], shape[2]), output=output, layout=layout)
    return _finished(model, about, layout, classes)


def _finished(model: onnx.ModelProto, about: str, layout: str, classes: int) -> onnx.ModelProto:
    describe(model, about, layout, classes)
    # the lowest that has these operators, so that older runtimes take the file too
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)
    onnx.checker.check_model(model, full_check=True)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks on its own workings from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
