"""The validation metric of training on graphs."""

from collections.abc import Callable
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.serve.graphs.convert import are_molecules
from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train import Recipe
from dropgan.train.data import GraphData
from dropgan.train.data.graph_limits import connected
from dropgan.train.networks.graphs.discrete import types_of
from dropgan.train.networks.spec import GraphTypes

from ..graphs.descriptors import summaries
from ..graphs.identity import graph_keys
from ..graphs.molecules import as_molecules
from .size import MOST_REAL, SAMPLES, SEED

_BATCH = 512


class GraphMetric:
    """The shortfall from real graphs: 1 - valid x unique x alike, 0 at best and 1 at worst.

    - *valid*: share of valid graphs, divided by that of the real ones, at most 1. A valid graph is connected;
      for molecules, if rdkit is installed, no atom may have too many bonds.
    - *unique*: number of different graphs among the valid samples, divided by that among equally many draws
      from the real ones, at most 1. A generator that makes few different graphs, however perfect, scores
      badly.
    - *alike*: the overlap of the distributions of graphs if the data have few enough to be counted; otherwise
      the geometric mean of the overlaps of numbers that describe graphs (`summaries`).

    Attributes:
        name: Name of the value.
    """

    def __init__(
        self, data: GraphData, latent_dim: int, *, labels: NDArray[np.int64] | None, samples: int, seed: int
    ) -> None:
        """Prepare the metric.

        Args:
            data: The real graphs.
            latent_dim: Components of a latent.
            labels: int64 [samples] for a class-conditional generator, otherwise None.
            samples: Number of generated samples for a score.
            seed: Seed of the samples.
        """
        self._data, self._samples = data, samples
        self._types = GraphTypes(len(data.node_types), len(data.edge_types), sizes_vary=True)
        self._latents = torch.from_numpy(LatentStream(latent_dim)(samples, seed=seed))
        self._labels = None if labels is None else torch.from_numpy(labels)
        molecules = are_molecules(data.node_types, data.edge_types) and find_spec("rdkit") is not None
        self._valid: Callable[[NDArray[np.uint8]], NDArray[np.bool_]] = (
            self._possible if molecules else connected
        )
        self.name = f"{'molecule' if molecules else 'graph'}_shortfall_{samples}"

    @torch.inference_mode()
    def __call__(self, generator: nn.Module) -> dict[str, float]:
        """Score a generator's samples.

        Args:
            generator: Generator in eval mode: latents float32 [n, latent_dim], and labels int64 [n] if it is
                conditional, to logits [n, channels, nodes, nodes].
        """
        device = next(generator.parameters()).device
        made = []
        for first in range(0, self._samples, _BATCH):
            given = [
                part[first : first + _BATCH].to(device)
                for part in (self._latents, self._labels)
                if part is not None
            ]
            made.append(types_of(generator(*given), self._types).cpu().numpy())
        return {self.name: self.shortfall(np.concatenate(made))}

    def shortfall(self, graphs: NDArray[np.uint8]) -> float:
        """Return the shortfall of graphs uint8 [samples, nodes, nodes]."""
        real_valid, drawn, real_keys, real_summaries = self._real
        keys, possible = graph_keys(graphs), self._valid(graphs)
        valid = min(1.0, float(possible.mean()) / max(real_valid, 1e-9))
        of_real = len(np.unique(drawn[: int(possible.sum())]))
        unique = min(1.0, len(np.unique(keys[possible])) / max(of_real, 1))
        told: list[tuple[NDArray[Any], NDArray[Any]]] = [(real_keys, keys)]
        if len(np.unique(real_keys)) > len(keys) // 2:  # too many different ones to be counted
            told = list(zip(real_summaries.T, self._summaries(graphs).T, strict=True))
        alike = np.exp(np.mean([np.log(max(overlap(one, other), 1e-6)) for one, other in told]))
        return float(1 - valid * unique * alike)

    def _possible(self, graphs: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return as_molecules(graphs, self._data.node_types, self._data.edge_types).possible

    def _summaries(self, graphs: NDArray[np.uint8]) -> NDArray[np.int64]:
        return summaries(graphs, self._types.node_types, self._types.edge_types)

    @cached_property
    def _real(self) -> tuple[float, NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
        rows = np.linspace(0, len(self._data) - 1, min(len(self._data), MOST_REAL)).astype(np.int64)
        graphs = np.asarray(self._data.graphs[rows])
        keys = graph_keys(graphs)
        drawn = np.random.default_rng(SEED).choice(keys, self._samples)
        some = graphs[:: max(1, len(graphs) // self._samples)]
        return float(self._valid(some).mean()), drawn, keys, self._summaries(graphs)


def overlap(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Return 1 minus the total variation distance of two samples' distributions over the occurring values."""
    values, places = np.unique(np.concatenate((one, other)), return_inverse=True)
    first = np.bincount(places[: len(one)], minlength=len(values)) / len(one)
    second = np.bincount(places[len(one) :], minlength=len(values)) / len(other)
    return float(np.minimum(first, second).sum())


def graph_metric(
    data: GraphData, recipe: Recipe, labels: NDArray[np.int64] | None, _: Reporter = SILENT
) -> GraphMetric:
    """Return the metric for a run on graphs."""
    return GraphMetric(data, recipe.generator.latent_dim, labels=labels, samples=SAMPLES, seed=SEED)
