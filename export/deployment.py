"""The export's interface of a kind of data. Each module of `dropgan.export.kinds` is one kind."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from .ending import Ending, Tolerances


@dataclass(frozen=True)
class Wanted:
    """The user's options for a file; empty means the default."""

    output: str = ""
    layout: str = ""
    precision: str = "fp32"
    clip: bool = True
    round_whole: bool = True


class Deployment(ABC):
    """How a kind of data leaves in a file. It is imported without PyTorch, because certificates need the
    tolerances.

    Attributes:
        name: Name as in a model's card. `dropgan.serve.kinds` has the runtime's side of the same name.
        tolerances: Tolerances of its files by precision and output.
    """

    name: ClassVar[str]
    tolerances: ClassVar[Tolerances]

    @abstractmethod
    def ending(self, data: dict[str, Any], wanted: Wanted) -> Ending:
        """Return the nodes that follow the generator.

        Args:
            data: Facts about the data in a checkpoint.
            wanted: The options of the export.

        Raises:
            ExportError: Files of this kind cannot have one of the options.
        """
