"""What onnxruntime makes of a graph is held to the graph in the file, also where the file rounds."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dropgan.export import sessions
from dropgan.export.postprocessing import append_units
from dropgan.export.sessions import optimised_difference
from dropgan.export.units import Units

WHOLE = np.array([True, False])
COUNT = 1024


def rows_as_they_are() -> bytes:
    """A file whose generator gives its latents: two columns, of which the first is rounded."""
    latents = helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["batch", 2])
    samples = helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["batch", 2])
    weight = numpy_helper.from_array(np.eye(2, dtype=np.float32), "weight")
    node = helper.make_node("MatMul", ["latents", "weight"], ["samples"], "layer")
    graph = helper.make_graph([node], "graph", [latents], [samples], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    append_units(model, Units(np.zeros(2, np.float32), np.ones(2, np.float32), whole=WHOLE))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def difference(values: np.ndarray) -> float:
    return optimised_difference(rows_as_they_are(), {"latents": values.astype(np.float32)}, 1.0, WHOLE)


class _Shifted:
    """An optimised session whose first column is off by one in some rows."""

    def __init__(self, session: Any, wrong: np.ndarray) -> None:
        self._session, self._wrong = session, wrong

    def run(self, names: Any, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        (made,) = self._session.run(names, feed)
        made[:, 0] += self._wrong[: len(made)]
        self._wrong = self._wrong[len(made) :]
        return [made]


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the optimised graph, and not the plain one, give other whole numbers in some rows."""
    real = sessions.cpu_session

    def by(wrong: np.ndarray) -> None:
        def opened(model: bytes, *, optimised: bool = True, threads: int = 0) -> Any:
            session = real(model, optimised=optimised, threads=threads)
            return _Shifted(session, wrong.astype(np.float32)) if optimised else session

        monkeypatch.setattr(sessions, "cpu_session", opened)

    return by


def test_a_graph_that_is_not_changed_differs_by_nothing() -> None:
    """A column of whole numbers must not need an allowance of its own."""
    assert difference(np.random.default_rng(0).normal(scale=9, size=(COUNT, 2))) == 0


def test_one_wrong_whole_number_is_seen(shift: Any) -> None:
    """One value in a thousand that is off by exactly 1 counted as rounding, wherever it lay."""
    values = np.random.default_rng(0).normal(scale=9, size=(COUNT, 2))
    values[17, 0] = 3.2
    shift(np.arange(COUNT) == 17)
    assert difference(values) == pytest.approx(0.3, abs=1e-4)  # 4 is right from 3.5 on


def test_a_value_next_to_a_half_may_round_either_way(shift: Any) -> None:
    """Another order of a sum moves a value by 1e-6: both neighbours are what the file says."""
    values = np.full((COUNT, 2), 2.5 - 1e-6)
    shift(np.ones(COUNT))
    assert difference(values) < 2e-6


def test_a_column_that_is_not_rounded_is_seen(shift: Any) -> None:
    """An optimised graph that lost its rounding would give 2.7 children."""
    shift(np.full(COUNT, 0.25))
    assert difference(np.ones((COUNT, 2))) == np.inf
