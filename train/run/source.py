"""The source of a run's training data."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from dropgan.serve.reporter import Reporter

from ..data import DEFAULT_DATA, DataOptions, TrainingData, load_data, unchanging_name
from .facts import RunFacts


@dataclass(frozen=True)
class DataSource:
    """Where training data are, and how to read them."""

    data: object = None
    """As for `dropgan.train.data.load_data`; None if the user named nothing."""
    labels: object = None
    """Labels for data in memory that have none of their own."""
    data_dir: Path | None = None
    """Folder of the complete Fashion-MNIST, if it is not in a usual place."""
    options: DataOptions = field(default_factory=DataOptions)
    """How to read them."""

    @classmethod
    def of(cls, facts: RunFacts) -> "DataSource":
        """Return the source of a run's training data."""
        return cls(
            facts.data,
            data_dir=Path(facts.data_dir) if facts.data_dir else None,
            options=facts.data_options,
        )

    def or_default(self) -> "DataSource":
        """Return the same source, or the data that come with dropgan if none was given."""
        return replace(self, data=DEFAULT_DATA) if self.data is None else self

    @property
    def name(self) -> str:
        """The name that a run records."""
        return unchanging_name(self.data)

    def read(self, reporter: Reporter) -> TrainingData:
        """Read the data.

        Raises:
            DropganError: As for `dropgan.train.data.load_data`.
        """
        return load_data(
            self.data, self.data_dir, labels=self.labels, options=self.options, reporter=reporter
        )


NOTHING_SAID = DataSource()
