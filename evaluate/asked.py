"""A request to `evaluate` with everything that it needs. Each kind of data has a function that answers it."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from dropgan.serve import Generator
from dropgan.serve.reporter import Reporter
from dropgan.train.data import TrainingData
from dropgan.train.run.source import DataSource

from .features import FeatureNetwork


@dataclass(frozen=True)
class Asked:
    """A requested evaluation."""

    generator: Generator
    """The model."""
    data: TrainingData
    """Real samples of its kind."""
    source: DataSource
    """Where those are from: held-out ones are read in the same way."""
    held_out: object
    """As of `dropgan.evaluate`."""
    samples: int
    """Generated samples."""
    seed: int
    """Seed of the samples."""
    features: str | FeatureNetwork
    """As of `dropgan.evaluate`."""
    device: str
    """Where feature networks run."""
    run: Path | None
    """The model's run directory."""
    name: str
    """Name of the model in the report."""
    report: str | PathLike[str] | None
    """An HTML file to write."""
    reporter: Reporter
    """Told what is being done."""
