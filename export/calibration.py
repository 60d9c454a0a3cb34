"""Measure the inputs and outputs of a float32 model's layers over the latent stream."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import helper

from .inputs import Inputs
from .layers import Layer
from .scales import Range, fit_range
from .sessions import cpu_session

CALIBRATION_SAMPLES = 2048
_BATCH = 256
_KEPT = 1 << 18  # numbers of an activation that its range is fitted to
_POSITIONS = 16  # of a sample's convolution that its moments are taken from
_MANTISSA = 4  # binary digits of the scale of what a convolution makes for float32 to read


@dataclass(frozen=True)
class Calibration:
    """Measured ranges and moments.

    Attributes:
        ranges: Conversion to bytes of each activation that a layer reads or a convolution makes.
        moments: Second moments of each layer's inputs by name, float64 [k, k]: the means of products of any
            two of the k inputs that one of its outputs sums.
    """

    ranges: dict[str, Range]
    moments: dict[str, NDArray[np.float64]]


def calibrate(model: onnx.ModelProto, layers: list[Layer], *, inputs: Inputs, seed: int) -> Calibration:
    """Run the first 2,048 samples through a model and measure its layers.

    Args:
        model: The float32 model.
        layers: From `find_layers`.
        inputs: Inputs of the model.
        seed: Seed of the streams.
    """
    read = list(dict.fromkeys(layer.input for layer in layers))
    made = [layer.output for layer in layers if layer.op == "Conv" and layer.output not in read]
    inner = [name for name in read + made if name != model.graph.input[0].name]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inner
    )
    session = cpu_session(probe.SerializeToString())
    seen: dict[str, list[NDArray[np.float32]]] = {name: [] for name in read + made}
    moments: dict[str, Any] = {layer.name: 0.0 for layer in layers}
    for start in range(0, CALIBRATION_SAMPLES, _BATCH):
        feed = inputs(_BATCH, seed=seed, start=start)
        values = {**feed, **(dict(zip(inner, session.run(inner, feed), strict=True)) if inner else {})}
        for name, kept in seen.items():
            value = values[name]
            step = max(1, value.size * CALIBRATION_SAMPLES // _BATCH // _KEPT)
            kept.append(value.reshape(-1)[::step])
            kept.append(np.array([value.min(), value.max()], dtype=np.float32))
        for layer in layers:
            summed = _summed(values[layer.input], layer)
            moments[layer.name] += summed.T @ summed / len(summed)
    ranges = {name: fit_range(np.concatenate(seen[name]), 1) for name in read}
    ranges |= {name: fit_range(np.concatenate(seen[name]), _MANTISSA) for name in made}
    batches = CALIBRATION_SAMPLES // _BATCH
    return Calibration(ranges, {name: total / batches for name, total in moments.items()})


def _summed(value: NDArray[np.float32], layer: Layer) -> NDArray[np.float64]:
    """Return rows of the inputs that outputs of a layer sum, float64 [n, k]; a few places per sample for a
    convolution.
    """
    if layer.window is None:
        return value.reshape(-1, value.shape[-1]).astype(np.float64)
    top, left, bottom, right = layer.window.pads
    padded = np.pad(value, ((0, 0), (0, 0), (top, bottom), (left, right)))
    patches = sliding_window_view(padded, layer.window.kernel, axis=(2, 3))
    height, width = patches.shape[2:4]
    places = np.unique(np.linspace(0, height * width - 1, _POSITIONS).astype(int))
    some = patches[:, :, places // width, places % width]  # [n, channels, places, *kernel]
    return np.moveaxis(some, 2, 1).reshape(len(value) * len(places), -1).astype(np.float64)
