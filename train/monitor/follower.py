"""What stands in a monitor's place in every process but the leader."""

from types import TracebackType

from ..run.stop import StopRequest
from ..steps.step import StepOutcome
from .monitor import Ending


class Follower:
    """Writes nothing and decides nothing: its process follows the leader's `Monitor`."""

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
        """Nothing to make up for."""
        return None

    def add(self, step: StepOutcome) -> None:
        """Not counted here."""

    def after_step(self, stop: StopRequest) -> Ending | None:
        """Never ends by itself."""
        return None

    def finish(self) -> None:
        """Nothing to draw."""
