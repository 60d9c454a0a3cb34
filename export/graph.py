"""Convert a PyTorch generator to one self-contained ONNX model in float32 or float16."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import onnx
import torch
from torch import Tensor, nn

from .ending import Ending
from .errors import ExportError
from .fold import fold_batch_norms
from .naming import describe, rename

DEFAULT_OPSET = 20
OPSETS = range(18, 26)
"""What PyTorch's exporter and onnxscript's converter write themselves, without a fallback; the
matrix in benchmarks/export_matrix.py holds both ends to the gate and to parity."""


class DeployedGenerator(nn.Module):
    """The deployed generator in PyTorch, with which a file is compared."""

    def __init__(self, generator: nn.Module, ending: Ending) -> None:
        super().__init__()
        self.generator = generator
        self.ending = ending

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map float32 [batch, latent_dim], and int64 [batch] with classes, to the result of
        `Ending.apply`.
        """
        made: Tensor = self.generator(latents) if labels is None else self.generator(latents, labels)
        return self.ending.apply(made)


class _Traced(nn.Module):
    """The traced part: the generator alone, in its own arithmetic, between float32 values."""

    def __init__(self, generator: nn.Module, precision: str) -> None:
        super().__init__()
        self.in_half = precision == "fp16"
        self.generator = copy.deepcopy(generator).half() if self.in_half else generator

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        given = [latents.half() if self.in_half else latents] + ([] if labels is None else [labels])
        images: Tensor = self.generator(*given)
        return images.float()


def require_opset(opset: int) -> None:
    """Refuse an operator set that the exporter cannot write.

    Raises:
        ExportError: It is not one of `OPSETS`.
    """
    if opset not in OPSETS:
        raise ExportError(f"opset must be {OPSETS.start} to {OPSETS.stop - 1}, not {opset}")


def to_onnx(
    generator: nn.Module,
    latent_dim: int,
    ending: Ending,
    *,
    opset: int,
    classes: int = 0,
    precision: str = "fp32",
    about: str = "",
) -> onnx.ModelProto:
    """Trace a generator into an ONNX model with a dynamic batch.

    Args:
        generator: Generator in eval mode throughout, on the CPU. It maps latents, and labels with classes, to
            float32 samples [n, *shape] that the ending accepts.
        latent_dim: Components of a latent.
        ending: The conversion after the generator.
        opset: Version of the ONNX operator set.
        classes: Number of classes, 0 without labels.
        precision: ``fp32`` or ``fp16``, the arithmetic of the generator between float32 latents
            and the ending, which stays in float32.
        about: A sentence about the generator for the file's reader.

    Returns:
        Model with input ``latents``, with classes also ``labels``, and the ending's output. It contains
        nothing about where it was made.

    Raises:
        ExportError: A part of the generator is in train mode, or it does not fit the ending or the opset.
    """
    require_opset(opset)
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
            output_names=[ending.value],
            dynamic_shapes={name: {0: batch} for name in example},
            opset_version=opset,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    if model.opset_import[0].version != opset or len(model.opset_import) != 1:
        raise ExportError(f"PyTorch's exporter cannot write opset {opset} for this generator: try another")
    shape = tuple(entry.dim_value for entry in model.graph.output[0].type.tensor_type.shape.dim[1:])
    ending.require(shape)
    fold_batch_norms(model)
    rename(model, prefix="generator.")
    ending.append(model, shape)
    describe(model, about, ending, classes)
    # the lowest that has these operators, so that older runtimes take the file too
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import)
    onnx.checker.check_model(model, full_check=True)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's messages about its own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
