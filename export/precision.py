"""Choose the precision of a file, and of its layers."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from .calibration import Calibration, calibrate
from .ending import Ending
from .errors import ExportError
from .half import LARGEST, measure_reach
from .inputs import Inputs
from .layers import Layer, find_layers
from .postprocessing import simplify_postprocessing
from .quantize import quantize
from .rounding import Rounded, round_weights
from .sessions import cpu_session, optimised_difference, outputs
from .speed import rates
from .tolerances import optimised_tolerance

PRECISIONS = ("fp32", "fp16", "int8", "auto")
TARGETS = ("cpu", "cuda")

_SAMPLES = 2048
# Of the mean difference; the score, where there is one, has the last word (price.py).
_BUDGET = 6 / 7  # of the mean that parity allows, for other latents than these
_WORTHWHILE = 1.2


@dataclass(frozen=True)
class Quantised:
    """An int8 model and how it was made.

    Attributes:
        model: The model.
        float_layers: Layers that onnxruntime could run on bytes but that stay in float32.
        mean_difference: Mean difference from the float32 file over 2,048 samples, in units of the output.
    """

    model: onnx.ModelProto
    float_layers: tuple[str, ...]
    mean_difference: float


class Quantiser:
    """Makes int8 models of one float32 model, with ever fewer layers on bytes."""

    def __init__(
        self, model: onnx.ModelProto, *, latent_dim: int, ending: Ending, seed: int, classes: int = 0
    ) -> None:
        self._model = model
        self._layers = find_layers(model)
        if not self._layers:
            raise ExportError(
                "int8 needs dense layers or convolutions with constant weights, and this file has none:"
                " use --precision fp32"
            )
        inputs = Inputs(latent_dim, classes)
        found = calibrate(model, self._layers, inputs=inputs, seed=seed)
        self._ranges = found.ranges
        self._weights = {layer.name: _rounded(model, layer, found) for layer in self._layers}
        # other latents than those of the calibration: the price must hold for what was not fitted
        self._feed = inputs(_SAMPLES, seed=seed, start=_SAMPLES * 4)
        self._exact = self._run(model)
        self._budget = ending.tolerances["int8", ending.output].mean * _BUDGET
        self._apart = optimised_tolerance(ending.tolerances, "int8", ending.output)
        self._chosen = list(self._layers)

    def best(self) -> Quantised:
        """Return the model with all layers on bytes except those that the pixels need in float32.

        While the mean difference exceeds the budget, or onnxruntime's optimised graph differs from the file,
        the layer whose return to float32 helps most is returned. The choice depends only on the weights and
        the latent stream, so one run always gives one file.

        Raises:
            ExportError: No layer can be on bytes.
        """
        made = self._make(self._chosen)
        holds = self._runs_as_written(made)
        while made.mean_difference > self._budget or not holds:
            made, holds = self.without_worst(), True
        return made

    def without_worst(self) -> Quantised:
        """Return the model with one more layer in float32, or more if one is not enough to run as written.

        Raises:
            ExportError: No layer would be left on bytes.
        """
        if len(self._chosen) < 2:
            raise ExportError("int8 costs this generator too much quality: use --precision fp32")
        options = [[layer for layer in self._chosen if layer is not left] for left in self._chosen]
        results = [(self._make(option), option) for option in options]
        results.sort(key=lambda result: result[0].mean_difference)
        for made, option in results:
            if self._runs_as_written(made):
                self._chosen = option
                return made
        self._chosen = results[0][1]
        return self.without_worst()

    def _runs_as_written(self, made: Quantised) -> bool:
        """Return True if the optimised graph gives the values of the plain one.

        It may not where a float32 product becomes bytes, because the product may be summed in another order
        and rounded differently.
        """
        return optimised_difference(made.model.SerializeToString(), self._feed) <= self._apart

    def _make(self, chosen: list[Layer]) -> Quantised:
        model = quantize(self._model, chosen, self._ranges, self._weights)
        simplify_postprocessing(model)
        difference = np.abs(self._run(model) - self._exact)
        left = tuple(layer.name for layer in self._layers if layer not in chosen)
        return Quantised(model, left, float(difference.mean(dtype=np.float64)))

    def _run(self, model: onnx.ModelProto) -> NDArray[np.float32]:
        return outputs(cpu_session(model.SerializeToString()), self._feed).astype(np.float32)


def _rounded(model: onnx.ModelProto, layer: Layer, found: Calibration) -> Rounded:
    """Return a layer's weights as whole numbers; for a convolution, ones that fit the bytes that it makes."""
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == layer.weight)
    made = found.ranges.get(layer.output) if layer.op == "Conv" else None
    return round_weights(
        numpy_helper.to_array(weights), layer.axis, found.moments[layer.name], made.scale if made else 1.0
    )


def choose_precision(
    target: str,
    fp32: onnx.ModelProto,
    generator: nn.Module,
    *,
    latent_dim: int,
    ending: Ending,
    seed: int,
    classes: int = 0,
) -> str:
    """Return the precision that suits a target, measured on this machine.

    Args:
        target: ``cpu``: int8 if it is at least 1.2 times as fast as float32 on one thread of this
            machine at an acceptable difference. ``cuda``: fp16 if float16 can represent every value.
        fp32: The float32 model.
        generator: The same generator in PyTorch.
        latent_dim: Components of a latent.
        ending: The conversion after the generator in the model.
        seed: Seed of the latents and labels for the measurement.
        classes: Number of classes, 0 without labels.

    Raises:
        ExportError: The target is unknown.
    """
    if target not in TARGETS:
        raise ExportError(f"precision auto needs a target: {' or '.join(TARGETS)}, not {target!r}")
    if target == "cuda":
        reach = measure_reach(generator, latent_dim, seed=seed, classes=classes)
        return "fp16" if reach.value * 4 <= LARGEST else "fp32"
    try:
        made = Quantiser(fp32, latent_dim=latent_dim, ending=ending, seed=seed, classes=classes).best()
    except ExportError:
        return "fp32"
    slow, fast = rates(
        [fp32.SerializeToString(), made.model.SerializeToString()], latent_dim, classes=classes
    )
    return "int8" if fast > _WORTHWHILE * slow else "fp32"
