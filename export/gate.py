"""The inference-only gate: check that an ONNX file contains nothing that acts only in training.

It works on any ONNX file, whether dropgan made it or not, in two halves. The first reads the graph and
refuses operators that drop units, draw random numbers or normalise by the batch, in nodes, subgraphs or
functions. The second runs it twice on equal inputs, with graph optimisations off, and compares every bit. It
also catches what the first half does not know by name.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.errors import DropganError, ModelError
from dropgan.serve.loading import OnnxFile, read_onnx
from dropgan.serve.loading.onnx_file import Node

from .sessions import cpu_session

_RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
)
_DYNAMIC_SIZE = 3
_NUMPY_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


class GateError(DropganError):
    """The file is not inference-only."""


@dataclass(frozen=True)
class GateReport:
    """Result of the gate for one file.

    Attributes:
        violations: What is not allowed in the file, one line each; empty if the file passed.
        operators: Number of uses of each operator, including those in subgraphs and functions.
    """

    violations: tuple[str, ...]
    operators: dict[str, int]

    @property
    def passed(self) -> bool:
        """True if the file is inference-only."""
        return not self.violations

    def require(self, name: str) -> None:
        """Raise an error if the file did not pass.

        Raises:
            GateError: There are violations. The message lists them.
        """
        if self.violations:
            raise GateError(f"{name} is not inference-only: {'; '.join(self.violations)}")


def check_inference_only(model: bytes) -> GateReport:
    """Check an ONNX file with the inference-only gate.

    Args:
        model: The file's bytes.

    Raises:
        ModelError: The bytes are not a valid ONNX model, or onnxruntime cannot run it.
    """
    try:
        file = read_onnx(model)
    except ModelError as error:
        raise ModelError(f"not a readable ONNX file: {error}") from error
    operators: dict[str, int] = {}
    violations: list[str] = []
    for node, where in file.nodes():
        operators[node.op] = operators.get(node.op, 0) + 1
        reason = _objection(node)
        if reason:
            violations.append(f"{node.op} {node.name} in {where} {reason}".replace("  ", " "))
    violations += _stored_elsewhere(file)
    if not violations and not _two_runs_agree(model):
        violations.append("two runs on equal inputs differ")
    return GateReport(tuple(violations), dict(sorted(operators.items())))


def _objection(node: Node) -> str | None:
    """Return why a node does not belong in a file for inference, whatever its domain."""
    if "Dropout" in node.op:
        return "is dropout"
    if node.op in _RANDOM:
        return "draws random numbers"
    if node.op == "BatchNormalization" and (
        node.attributes.get("training_mode") or len([name for name in node.outputs if name]) > 1
    ):
        return "normalises by the batch, as in training"
    return None


def _stored_elsewhere(file: OnnxFile) -> list[str]:
    """Return what the file stores elsewhere or contains in addition that has nothing to do with inference."""
    found = [
        f"weight {tensor.name} is stored outside the file" for tensor in file.tensors() if tensor.external
    ]
    return [*found, "it carries a description of its training"] if file.training else found


def _two_runs_agree(model: bytes) -> bool:
    try:
        session = cpu_session(model, optimised=False)
        inputs = {entry.name: _some_input(entry) for entry in session.get_inputs()}
        first, second = session.run(None, inputs), session.run(None, inputs)
    except ModelError:
        raise
    except Exception as error:  # onnxruntime raises many kinds, all mean the same here
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"onnxruntime cannot run the file: {reason}") from error
    return all(
        np.asarray(one).tobytes() == np.asarray(other).tobytes()
        for one, other in zip(first, second, strict=True)
    )


def _some_input(entry: Any) -> NDArray[Any]:
    """Return a fixed, varied array that fits an input, with open dimensions of 3."""
    if entry.type not in _NUMPY_TYPES:
        raise ModelError(f"the gate cannot make an input of type {entry.type}")
    shape = [size if isinstance(size, int) and size > 0 else _DYNAMIC_SIZE for size in entry.shape]
    kind = np.dtype(_NUMPY_TYPES[entry.type])
    if kind.kind == "f":
        return np.random.default_rng(0).standard_normal(shape).astype(kind)
    return np.zeros(shape, dtype=kind)  # labels and switches: 0 is a class and a valid index
