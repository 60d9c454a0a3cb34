"""Write metrics and sample pictures for TensorBoard."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dropgan.serve.errors import MissingExtraError

from ..run.directory import RunDirectory

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


class TensorBoardLog:
    """Writes the metrics of a run to RUN/tensorboard; view them with ``tensorboard --logdir RUN``."""

    def __init__(self, run: RunDirectory) -> None:
        """Open the log.

        Raises:
            MissingExtraError: The package tensorboard is not installed.
        """
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            raise MissingExtraError(
                "--tensorboard needs the package tensorboard:"
                " install it with pip install 'dropgan[tensorboard]'"
            ) from error
        self._run = run
        self._writer: SummaryWriter | None = None

    def __call__(self, row: dict[str, Any]) -> None:
        """Log a line: its numbers as curves, its message as text, and the picture of its step if there is
        one.
        """
        step = int(row["step"])
        if row.get("event") == "rollback":
            self.close()  # a new file that says from where on the old ones no longer count
        writer = self._open(step)
        if "event" in row:
            writer.add_text("events", row["message"], step)
        elif row.get("score") is not None:
            writer.add_scalar(f"score/{row['score_name']}", row["score"], step)
        elif "generator_loss" in row:
            for key, value in row.items():
                if key != "step":
                    writer.add_scalar(f"training/{key}", value, step)
            if "spread" in row:
                writer.add_image("samples", self._picture(step), step, dataformats="HWC")
        writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, step: int) -> "SummaryWriter":
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._run.path / "tensorboard"), purge_step=step)
        return self._writer

    def _picture(self, step: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        from PIL import Image

        with Image.open(self._run.sample_file(step), formats=("PNG",)) as picture:
            return np.asarray(picture.convert("RGB"))
