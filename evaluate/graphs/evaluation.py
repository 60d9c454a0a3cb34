"""Scores of generated graphs, compared with those of models without a network.

- ``validity``: share of connected graphs; for molecules, of those that are also chemically valid (rdkit).
- ``uniqueness``: share of different graphs among the valid ones.
- ``novelty``: share of the different valid graphs that are not in the training data.
- ``copies``: share of the samples that are in the training data.
- ``degree_mmd``, ``clustering_mmd``, ``spectrum_mmd``: distances of distributions (`mmd`).
- If all possible graphs are known (`known_world`): ``coverage`` of them; ``held_out_coverage``, the share of
  those outside the training data that were made; and ``total_variation``, the distance to the uniform
  distribution over all of them.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import Card, ScoreCard
from dropgan.serve.errors import InputError
from dropgan.serve.graphs.convert import are_molecules
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train.data import GraphData
from dropgan.train.data.graph_limits import connected

from ..copies import CopyTest
from ..finding import GOOD, NOTE, PROBLEM, Finding, verdict, worst_first
from .baselines import fit_blocks
from .descriptors import clustering, degrees, spectrum
from .identity import graph_keys
from .mmd import mmd
from .molecules import PROPERTIES, as_molecules, property_distances
from .world import World, known_world

FEATURES = "graphs"
"""The name of what scores are taken in."""
_MOST_REAL, _MOST_MOLECULES = 10_000, 2_000
_VALID, _UNIQUE, _OFTEN = 0.8, 0.3, 3


@dataclass(frozen=True)
class Drawings:
    """The drawings of a report."""

    real: NDArray[np.uint8]
    made: NDArray[np.uint8]
    often: NDArray[np.uint8]
    """The graphs that are made far too often, the worst first."""


@dataclass(frozen=True)
class GraphEvaluation:
    """Result of an evaluation of graphs."""

    better: ClassVar[str] = "higher"
    """Which values of the first score are better: ``lower`` or ``higher``."""

    model: str
    """Name of the file or run."""
    card: Card
    """The card of the file."""
    features: str
    """Space of the scores."""
    samples: int
    """Generated samples."""
    seed: int
    """Seed of the samples."""
    verdict: str
    """One line."""
    findings: tuple[Finding, ...]
    """Findings in sentences, problems first."""
    scores: tuple[ScoreCard, ...]
    """Scores of the deployed file."""
    held_out_scores: tuple[ScoreCard, ...]
    """Scores of held-out real graphs in place of samples."""
    baselines: dict[str, dict[str, float]]
    """The same scores of models that need no network, fitted to the same data."""
    mistakes: dict[str, float]
    """The most frequent mistakes, and their share of all samples."""
    properties: dict[str, float]
    """Distance of each molecular property's distribution from the real one, in standard deviations."""
    left_out: dict[str, str]
    """Measurements that were left out, and why."""
    drawings: Drawings = field(repr=False)
    """Graphs for the report."""

    @property
    def floor(self) -> str:
        """Text that names the real graphs scored like samples; empty without held-out ones."""
        return f"{self.held_out_scores[0].samples:,} held-out graphs" if self.held_out_scores else ""

    @property
    def copies(self) -> tuple[CopyTest, ...]:
        """An empty tuple: equal graphs are counted among the scores, so there is no copy test."""
        return ()

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for ``--json``."""
        names = [entry.name for entry in dataclasses.fields(self) if entry.name != "drawings"]
        plain = dataclasses.asdict(self)
        return {name: plain[name] for name in names}


def evaluate_graphs(
    model: Generator,
    data: GraphData,
    *,
    samples: int = 10_000,
    seed: int = 1,
    held_out: GraphData | None = None,
    name: str = "",
    reporter: Reporter = LOGGED,
) -> GraphEvaluation:
    """Evaluate an exported generator of graphs against real ones.

    Args:
        model: The generator.
        data: The real graphs to compare with, usually those the model was trained on.
        samples: Number of generated samples.
        seed: Seed of the samples.
        held_out: Graphs that the model never saw. They show what real graphs score.
        name: Name of the model.
        reporter: Receives progress and messages.

    Raises:
        InputError: The types or sizes of model and data differ.
    """
    for given in (data, *([] if held_out is None else [held_out])):
        _require_fit(model, given)
    reporter.say(f"comparing {samples:,} graphs with {len(data):,} of {data.name}")
    split = "training" if data.fingerprint == model.card.data.fingerprint else "other"
    space = Space(data)
    made = model.sample(samples, seed=seed)
    found = space.scores(made)
    left_out: dict[str, str] = dict(space.left_out)
    unseen: dict[str, float] = {}
    if held_out is None:
        left_out["held-out graphs"] = "there are none: --held-out shows what real graphs score"
    else:
        unseen = space.scores(held_out.graphs)
    baselines = {
        title: space.scores(fit_blocks(data, blocks).sample(samples, seed))
        for title, blocks in (("Erdős-Rényi model", 1), ("stochastic block model", 2))
    }

    def cards(values: dict[str, float], mode: str, count: int) -> tuple[ScoreCard, ...]:
        return tuple(
            ScoreCard(
                name=f"{metric}_graphs",
                value=value,
                samples=count,
                reference=space.references[metric],
                reference_samples=len(data),
                features=FEATURES,
                split=split,
                mode=mode,
                seed=seed,
            )
            for metric, value in values.items()
        )

    findings = _findings(found, baselines, space.world)
    shown = np.linspace(0, len(data) - 1, min(len(data), 24)).astype(np.int64)
    return GraphEvaluation(
        model=name,
        card=model.card,
        features=FEATURES,
        samples=samples,
        seed=seed,
        verdict=verdict(findings, "graph"),
        findings=findings,
        scores=cards(found, "deployed", samples),
        held_out_scores=cards(unseen, "real", 0 if held_out is None else len(held_out)),
        baselines=baselines,
        mistakes=space.mistakes(made),
        properties=space.properties(made),
        left_out=left_out,
        drawings=Drawings(np.asarray(data.graphs[shown]), made[:24], space.too_often(made)),
    )


class Space:
    """Real graphs, against which others are scored.

    Attributes:
        world: The set of all possible graphs, or None.
        left_out: Scores that are not possible, and why.
        references: The reference of each score.
    """

    def __init__(self, data: GraphData) -> None:
        self.data = data
        self.left_out: dict[str, str] = {}
        rows = np.linspace(0, len(data) - 1, min(len(data), _MOST_REAL)).astype(np.int64)
        self._real = np.asarray(data.graphs[rows])
        self._keys = np.unique(graph_keys(data.graphs))
        self._molecules = are_molecules(data.node_types, data.edge_types)
        self.world = known_world(data)
        if self.world is None:
            self.left_out["coverage of all graphs"] = "how many there are of such graphs is not known"
        whole, some = f"{len(data):,} of {data.name}", f"{len(rows):,} of {data.name}"
        self.references = dict.fromkeys(("novelty", "copies"), whole)
        self.references |= dict.fromkeys(("degree_mmd", "clustering_mmd", "spectrum_mmd"), some)
        self.references |= {
            "validity": "chemistry" if self._molecules else "one piece",
            "uniqueness": "itself",
        }
        named = self.world.name if self.world else ""
        self.references |= dict.fromkeys(("coverage", "held_out_coverage", "total_variation"), named)

    def valid(self, graphs: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which graphs are valid."""
        if not self._molecules:
            return connected(graphs)
        return as_molecules(graphs, self.data.node_types, self.data.edge_types).possible

    def scores(self, graphs: NDArray[np.uint8]) -> dict[str, float]:
        """Return all scores of graphs uint8 [n, nodes, nodes]."""
        valid, keys = self.valid(graphs), graph_keys(graphs)
        different = np.unique(keys[valid])
        known = np.isin(different, self._keys)
        found = {
            "validity": float(valid.mean()),
            "uniqueness": len(different) / max(int(valid.sum()), 1),
            "novelty": float((~known).mean()) if len(different) else 0.0,
            "copies": float(np.isin(keys, self._keys).mean()),
        }
        for title, histogram in (("degree", degrees), ("clustering", clustering), ("spectrum", spectrum)):
            found[f"{title}_mmd"] = mmd(histogram(graphs[:_MOST_MOLECULES]), histogram(self._real))
        return found | dict(self.world.scores(keys) if self.world else {})

    def mistakes(self, graphs: NDArray[np.uint8]) -> dict[str, float]:
        """Return the reasons why graphs are invalid, most frequent first, and the share of each."""
        if self._molecules:
            some = graphs[:_MOST_MOLECULES]
            wrong = as_molecules(some, self.data.node_types, self.data.edge_types).wrong
            return {why: count / len(some) for why, count in wrong.most_common(_OFTEN)}
        in_pieces = float((~connected(graphs)).mean())
        return {"is in several pieces": in_pieces} if in_pieces else {}

    def properties(self, graphs: NDArray[np.uint8]) -> dict[str, float]:
        """Return the distances of molecules' properties, see `property_distances`.

        The result is empty for other graphs, and if no molecule is valid.
        """
        if not self._molecules:
            return {}
        types = self.data.node_types, self.data.edge_types
        made, real = (as_molecules(_spread(some), *types) for some in (graphs, self._real))
        if not len(made.properties) or not len(real.properties):
            return {}
        assert len(PROPERTIES) == made.properties.shape[1]
        return property_distances(made.properties, real.properties)

    def too_often(self, graphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return up to eight graphs that are made most often, most frequent first."""
        _, places, counts = np.unique(graph_keys(graphs), return_index=True, return_counts=True)
        return graphs[places[np.argsort(-counts, kind="stable")[:8]]]


def _spread(graphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 2,000 graphs from all over a set: QM9 begins with its smallest molecules."""
    return graphs[np.linspace(0, len(graphs) - 1, min(len(graphs), _MOST_MOLECULES)).astype(np.int64)]


def _findings(
    found: dict[str, float], baselines: dict[str, dict[str, float]], world: World | None
) -> tuple[Finding, ...]:
    validity, uniqueness = found["validity"], found["uniqueness"]
    findings = [
        Finding(
            "quality",
            PROBLEM if validity < _VALID else GOOD,
            f"{validity:.1%} of the samples are possible graphs.",
        )
    ]
    if world is None:
        findings.append(
            Finding(
                "variety",
                PROBLEM if uniqueness < _UNIQUE else GOOD,
                f"{uniqueness:.1%} of the possible samples are different graphs;"
                f" {found['novelty']:.0%} of these are not in the training data.",
            )
        )
    else:
        best = min(scores["total_variation"] for scores in baselines.values())
        apart = found["total_variation"]
        findings.append(
            Finding(
                "variety",
                GOOD if apart < best else PROBLEM,
                f"Of {world.name}, {found['coverage']:.0%} are made. The total variation distance to all"
                f" being as likely is {apart:.3f}; fitted models without a network have {best:.3f}.",
            )
        )
        if "held_out_coverage" in found:
            findings.append(
                Finding(
                    "copies",
                    GOOD if found["held_out_coverage"] > 0 else PROBLEM,
                    f"{found['held_out_coverage']:.0%} of the graphs that are not in the training data are"
                    f" made; {found['copies']:.0%} of the samples are in it, and {world.known.mean():.0%} of"
                    " all graphs are.",
                )
            )
    if found["spectrum_mmd"] > min(scores["spectrum_mmd"] for scores in baselines.values()):
        findings.append(
            Finding(
                "distance",
                NOTE,
                "Spectra are no nearer to the data's than those of models without a network.",
            )
        )
    return worst_first(findings)


def _require_fit(model: Generator, data: GraphData) -> None:
    card = model.card.data
    if (card.node_types, card.edge_types) != (data.node_types, data.edge_types):
        raise InputError(
            f"the model makes graphs of {', '.join(card.node_types[:9])} ({', '.join(card.edge_types[:9])}),"
            f" {data.name} has {', '.join(data.node_types[:9])} ({', '.join(data.edge_types[:9])})"
        )
    if model.sample_shape != data.shape:
        raise InputError(
            f"the model makes graphs of up to {model.sample_shape[0]} nodes, {data.name} has up to"
            f" {data.shape[0]}"
        )
