"""From a PyTorch generator to the bytes of one self-contained ONNX file."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import onnx
import torch
from torch import Tensor, nn

from ..serve.errors import DropganError
from ..train.pixels import to_pixels

OUTPUTS = ("pixels", "float")
DEFAULT_OPSET = 20
OPSETS = range(18, 24)
"""The operator sets that the exporter is held to by tests."""


class ExportError(DropganError):
    """The generator cannot be exported as asked."""


class DeployedGenerator(nn.Module):
    """The generator as it leaves the house: latents in, pixels out."""

    def __init__(self, generator: nn.Module, output: str) -> None:
        super().__init__()
        self.generator = generator
        self.output = output

    def forward(self, latents: Tensor) -> Tensor:
        """float32 [batch, latent_dim] to uint8 [batch, height, width, channels], or, for float
        output, to float32 [batch, channels, height, width], -1 to 1."""
        images: Tensor = self.generator(latents)
        return to_pixels(images) if self.output == "pixels" else images


def to_onnx(generator: nn.Module, latent_dim: int, *, output: str, opset: int) -> onnx.ModelProto:
    """Trace a generator into an ONNX model with a dynamic batch.

    Args:
        generator: In eval mode throughout, on the CPU.
        latent_dim: Components of a latent.
        output: ``pixels`` or ``float``.
        opset: Version of the ONNX operator set.

    Returns:
        Model with input ``latents`` and output ``images``, free of traces of where it was made.

    Raises:
        ExportError: A part of the generator is in train mode, or an option is out of range.
    """
    if output not in OUTPUTS:
        raise ExportError(f"output must be pixels or float, not {output!r}")
    if opset not in OPSETS:
        raise ExportError(f"opset must be {OPSETS.start} to {OPSETS.stop - 1}, not {opset}")
    training = [name or type(part).__name__ for name, part in generator.named_modules() if part.training]
    if training:
        raise ExportError(f"the generator is in train mode ({', '.join(training[:3])}): call eval() first")
    deployed = DeployedGenerator(generator, output).eval()
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            deployed,
            (torch.zeros(2, latent_dim),),
            input_names=["latents"],
            output_names=["images"],
            dynamic_shapes={"latents": {0: torch.export.Dim("batch")}},
            opset_version=opset,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _anonymise(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def _anonymise(model: onnx.ModelProto) -> None:
    """Remove the stack traces and paths that the exporter leaves behind, and names of its own."""
    model.producer_name, model.producer_version = "dropgan", ""
    model.domain, model.doc_string = "", ""
    graphs = [model.graph]
    graphs[0].name = "generator"
    del model.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output]:
        value.doc_string = ""
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
        tensor.name, old = tensor.name.removeprefix("generator."), tensor.name
        for node in model.graph.node:
            for place, name in enumerate(node.input):
                if name == old:
                    node.input[place] = tensor.name


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
