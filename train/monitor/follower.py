"""The monitor's replacement in every process except the leader."""

from types import TracebackType

from ..run.stop import StopRequest
from ..steps.step import StepOutcome
from .monitor import Ending


class Follower:
    """Writes nothing and decides nothing, because its process follows the leader's `Monitor`."""

    def __enter__(self) -> "Follower":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def begin(self) -> Ending | None:
        """Do nothing."""
        return None

    def add(self, step: StepOutcome) -> None:
        """Do nothing."""

    def after_step(self, stop: StopRequest) -> Ending | None:
        """Return None: this process never ends training by itself."""
        return None

    def finish(self) -> None:
        """Do nothing."""
