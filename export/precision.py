"""Which arithmetic a file gets, and which of its layers."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from dropgan.serve.providers import CPU, load_onnxruntime

from .graph import ExportError
from .half import LARGEST, measure_reach
from .inputs import Feed, Inputs, rows
from .postprocessing import simplify_postprocessing
from .quantize import Layer, calibrate, find_layers, quantize
from .speed import rates

PRECISIONS = ("fp32", "fp16", "int8", "auto")
TARGETS = ("cpu", "cuda")

_SAMPLES = 2048
_BATCH = 256
# Of the mean difference; the score, where there is one, has the last word (price.py).
_BUDGET = {"pixels": 3.0, "float": 3.0 / 127.5}  # under parity's mean, for other latents than these
_WORTHWHILE = 1.2


@dataclass(frozen=True)
class Quantised:
    """An int8 model and how it came about.

    Attributes:
        model: The model.
        float_layers: Layers that onnxruntime could run on bytes and that were left in float32.
        mean_difference: From the float32 file, over 2,048 samples, in units of the output.
    """

    model: onnx.ModelProto
    float_layers: tuple[str, ...]
    mean_difference: float


class Quantiser:
    """Makes int8 models of one float32 model, with ever fewer layers on bytes."""

    def __init__(
        self, model: onnx.ModelProto, *, latent_dim: int, output: str, seed: int, classes: int = 0
    ) -> None:
        self._model = model
        self._layers = find_layers(model)
        if not self._layers:
            raise ExportError(
                "int8 needs dense layers or convolutions with constant weights, which this has none of:"
                " use --precision fp32"
            )
        inputs = Inputs(latent_dim, classes)
        self._ranges = calibrate(model, self._layers, inputs=inputs, seed=seed)
        # other latents than those of the calibration: the price must hold for what was not fitted
        self._feed = inputs(_SAMPLES, seed=seed, start=_SAMPLES * 4)
        self._exact = _run(model, self._feed)
        self._budget = _BUDGET[output]
        self._chosen = list(self._layers)

    def best(self) -> Quantised:
        """All layers on bytes but those that the pixels need in float32.

        While the mean difference is over the budget, the layer whose return to float32 mends most
        goes back. The choice depends on the weights and the latent stream alone, so that one run
        always gives one file.

        Raises:
            ExportError: No layer can be on bytes.
        """
        made = self._make(self._chosen)
        while made.mean_difference > self._budget:
            made = self.without_worst()
        return made

    def without_worst(self) -> Quantised:
        """The same with one more layer in float32.

        Raises:
            ExportError: None would be left on bytes.
        """
        if len(self._chosen) < 2:
            raise ExportError("int8 costs this generator too much quality: use --precision fp32")
        options = [[layer for layer in self._chosen if layer is not left] for left in self._chosen]
        results = [(self._make(option), option) for option in options]
        best, self._chosen = min(results, key=lambda result: result[0].mean_difference)
        return best

    def _make(self, chosen: list[Layer]) -> Quantised:
        model = quantize(self._model, chosen, self._ranges)
        simplify_postprocessing(model)
        difference = np.abs(_run(model, self._feed).astype(np.float32) - self._exact)
        left = tuple(layer.name for layer in self._layers if layer not in chosen)
        return Quantised(model, left, float(difference.mean(dtype=np.float64)))


def choose_precision(
    target: str,
    fp32: onnx.ModelProto,
    generator: nn.Module,
    *,
    latent_dim: int,
    output: str,
    seed: int,
    classes: int = 0,
) -> str:
    """The precision that suits a target, by measurement here.

    Args:
        target: ``cpu``: int8 where it is at least 1.2 times as fast as float32 on one thread of this
            machine at a bearable difference. ``cuda``: fp16 where float16 holds every value.
        fp32: The float32 model.
        generator: The same in PyTorch.
        latent_dim: Components of a latent.
        output: ``pixels`` or ``float``.
        seed: Of the latents and labels measured with.
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
        made = Quantiser(fp32, latent_dim=latent_dim, output=output, seed=seed, classes=classes).best()
    except ExportError:
        return "fp32"
    slow, fast = rates(
        [fp32.SerializeToString(), made.model.SerializeToString()], latent_dim, classes=classes
    )
    return "int8" if fast > _WORTHWHILE * slow else "fp32"


def _run(model: onnx.ModelProto, feed: Feed) -> NDArray[np.float32]:
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CPU])
    parts = [
        session.run(None, rows(feed, first, _BATCH))[0] for first in range(0, len(feed["latents"]), _BATCH)
    ]
    return np.concatenate(parts).astype(np.float32)
