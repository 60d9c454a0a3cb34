"""What an export asks of a kind of data. The kinds are in `dropgan.export.kinds`, one a file."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from .ending import Ending, Tolerances


@dataclass(frozen=True)
class Wanted:
    """What the user asks of a file; empty for what is usual."""

    output: str = ""
    layout: str = ""
    precision: str = "fp32"
    clip: bool = True
    round_whole: bool = True


class Deployment(ABC):
    """How a kind of data leaves in a file. Loaded without PyTorch, since certificates need the tolerances.

    Attributes:
        name: As in a model's card; `dropgan.serve.kinds` has the runtime's side of the same name.
        tolerances: What its files are held to, by precision and output.
    """

    name: ClassVar[str]
    tolerances: ClassVar[Tolerances]

    @abstractmethod
    def ending(self, data: dict[str, Any], wanted: Wanted) -> Ending:
        """What follows the generator.

        Args:
            data: What a checkpoint says of the data.
            wanted: The options of the export.

        Raises:
            ExportError: No file of this kind can have one of them.
        """
