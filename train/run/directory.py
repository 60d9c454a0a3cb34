"""The run directory: the files of a training run and their names."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomli_w

from dropgan.serve.atomic import write_text
from dropgan.serve.errors import DropganError, OutputError
from dropgan.serve.lock import Lock
from dropgan.serve.ordinary import read_text
from dropgan.serve.outputs import local_path, require_writable
from dropgan.serve.parsing import parse_toml
from dropgan.serve.printable import as_text
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.serve.temporary import remove_all_dead_temporaries

from ..data import TrainingData
from ..distributed.ranks import current_ranks
from ..recipes import Recipe, RecipeError, parse_recipe
from .facts import RunFacts
from .metrics import read_rows
from .source import DataSource
from .stop import Interrupted

_LOCK = ".lock"


class RunError(DropganError):
    """A run directory is missing, in use, or damaged."""


class RunDirectory(os.PathLike[str]):
    """Paths and files of one run. It is a path itself, so you can pass it wherever a run directory is taken.

    If several processes train together, only the leader writes.

    Attributes:
        path: The directory.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"RunDirectory({str(self.path)!r})"

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def previous_checkpoint(self) -> Path:
        """The checkpoint before the last, in case the last is damaged."""
        return self.path / "checkpoints" / "previous.safetensors"

    @property
    def best_checkpoint(self) -> Path:
        """Averaged generator and discriminator with the best score; training cannot resume from it."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def recipe_file(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def samples_directory(self) -> Path:
        return self.path / "samples"

    @property
    def curves_file(self) -> Path:
        """Losses, accuracies and scores over steps."""
        return self.path / "curves.png"

    @property
    def animation_file(self) -> Path:
        """Animation of the sample pictures."""
        return self.path / "training.webp"

    def sample_file(self, step: int) -> Path:
        """The sample grid after ``step`` steps."""
        return self.samples_directory / f"step-{step:07d}.png"

    @contextmanager
    def locked(self, patience: float = 1.0) -> Iterator[None]:
        """Hold the run's lock: no other process trains here. With several processes, the leader holds it.

        The directory is created, and removed again if nothing was written into it. A run that fails before
        the first line of metrics leaves nothing, so that a corrected command can use the same directory.

        Args:
            patience: Seconds to wait for a process that is about to end.

        Raises:
            TakenError: Another process trains here.
            OutputError: Nothing can be written.
        """
        if not current_ranks().leader:
            yield
            return
        local_path(self.path)
        missing = [place for place in (self.path, *self.path.parents) if not place.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise OutputError(
                f"{self.path} is not a directory, which a run needs: choose another name"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error
        lock = Lock(self.path / _LOCK, patience=patience)
        new = self._is_empty()
        try:
            for folder in (self.path, self.last_checkpoint.parent, self.samples_directory):
                remove_all_dead_temporaries(folder)
            yield
        except Interrupted:  # who stops it is told how to go on
            raise
        except BaseException:
            if new and not self.metrics_file.exists() and not self.previous_checkpoint.exists():
                self._clear()
            raise
        finally:
            lock.release()
            with suppress(OSError):  # there is something in it
                for place in missing:
                    place.rmdir()

    def require_new(self) -> None:
        """Refuse a directory that is not empty.

        Raises:
            RunError: It holds a run, or other files.
            OutputError: The directory cannot be written.
        """
        if not current_ranks().leader:  # the leader may have begun to write
            return
        if self.recipe_file.exists():
            raise RunError(
                f"{self.path} already holds a run: continue it with dropgan train --resume -o {self.path}, or"
                f" with dropgan run -o {self.path} and the same settings, which then exports and scores; or"
                " choose another directory"
            )
        if self.path.exists() and not self._is_empty():
            raise RunError(f"{self.path} exists and is not empty: choose another directory")
        if as_text(str(self.path.resolve())) != str(self.path.resolve()):
            raise RunError(f"{self.path} has a name that is not UTF-8: rename it")
        require_writable(self.path, directory=True)

    def _is_empty(self) -> bool:
        return self.path.is_dir() and all(entry.name == _LOCK for entry in self.path.iterdir())

    def _clear(self) -> None:
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != _LOCK:
                entry.unlink(missing_ok=True)

    def write_recipe(self, recipe: Recipe, facts: RunFacts) -> None:
        """Write recipe.toml: every setting resolved, and the facts under ``[run]``.

        Raises:
            OutputError: It cannot be written.
        """
        document = {**recipe.model_dump(mode="json"), "run": facts.as_table()}
        if current_ranks().leader:
            write_text(self.recipe_file, tomli_w.dumps(document))

    def read_recipe(self) -> tuple[Recipe, RunFacts]:
        """Read recipe.toml back.

        Raises:
            RunError: The directory is not a run, or its recipe.toml is damaged or not of this dropgan.
        """
        try:
            document = parse_toml(read_text(self.recipe_file))
            facts = RunFacts.from_table(document.pop("run"))
        except FileNotFoundError as error:
            raise RunError(f"{self.path} is not a run: dropgan train -o {self.path} makes one") from error
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise RunError(f"{self.recipe_file} is damaged: {reason}") from error
        try:
            return parse_recipe(document, str(self.recipe_file)), facts
        except RecipeError as error:  # the file is the run's, nobody's wrong usage
            raise RunError(f"{self.path} cannot be read: {error}") from error

    def read_data(self, reporter: Reporter = LOGGED) -> TrainingData:
        """Read the run's training data in the same way again.

        Raises:
            RunError: The directory is not a run.
            DropganError: As for `dropgan.train.load_data`: the data is gone, or was in memory.
        """
        return DataSource.of(self.read_recipe()[1]).read(reporter)

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl."""
        with self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """Read the lines of metrics.jsonl, leaving out invalid ones.

        Raises:
            RunError: It cannot be read.
        """
        try:
            return read_rows(self.metrics_file)
        except OSError as error:
            raise RunError(f"cannot read {self.metrics_file}: {error.strerror or error}") from error

    def rewind_metrics(self, step: int, rollbacks: int) -> None:
        """Drop the lines that a resumed run will write again.

        These are the lines after ``step``, and those of rollbacks beyond the first ``rollbacks``.
        """
        kept = [
            row for row in self.read_metrics() if row["step"] <= step and row.get("rollback", 0) <= rollbacks
        ]
        if current_ranks().leader:
            write_text(self.metrics_file, "".join(json.dumps(row) + "\n" for row in kept))
