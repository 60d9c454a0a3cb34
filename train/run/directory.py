"""The run directory: where everything of a training run lies, and under which name."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from dropgan.serve.atomic import write_text
from dropgan.serve.errors import DropganError
from dropgan.serve.outputs import require_writable
from dropgan.serve.parsing import parse_json, parse_toml
from dropgan.serve.printable import as_text

from ..data import DataOptions, TrainingData, Watcher, load_data
from ..distributed.ranks import current_ranks
from ..recipes import Recipe, parse_recipe


class RunError(DropganError):
    """A run directory that is missing, taken, or damaged."""


@dataclass(frozen=True)
class InitFacts:
    """What a fine-tuned run began from."""

    source: str = ""
    """The file that the first weights are of; empty in a run that began with random ones."""
    fingerprint: str = ""
    """SHA-256 of that file."""
    fresh: tuple[str, ...] = ()
    """Layers that were not taken from it and began with random weights."""


@dataclass(frozen=True)
class RunFacts:
    """What a run was started with beside its recipe; resuming keeps to it."""

    data: str
    """What stood after ``--data``."""
    data_dir: str
    """What stood after ``--data-dir``, or empty."""
    fingerprint: str
    """Fingerprint of the data."""
    device: str
    """``cpu`` or ``cuda:N``."""
    precision: str
    """``fp32``, ``tf32``, ``bf16`` or ``fp16``."""
    threads: int
    """CPU threads of PyTorch."""
    processes: int = 1
    """How many trained it together in the beginning."""
    data_options: DataOptions = field(default_factory=DataOptions)
    """How the data was read."""
    init: InitFacts = field(default_factory=InitFacts)
    """What the first weights are of."""
    labels: str = ""
    """Fingerprint of the labels of a class-conditional run, else empty."""

    def load_data(self, watch: Watcher | None = None) -> TrainingData:
        """The run's training data, read as it was.

        Raises:
            DropganError: As for `dropgan.train.data.load_data`.
        """
        folder = Path(self.data_dir) if self.data_dir else None
        return load_data(self.data, folder, options=self.data_options, watch=watch or Watcher())


class RunDirectory:
    """Paths and files of one run. Of several processes that train together only the leader writes.

    Attributes:
        path: The directory.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def previous_checkpoint(self) -> Path:
        """The one before the last, for when the last is damaged."""
        return self.path / "checkpoints" / "previous.safetensors"

    @property
    def best_checkpoint(self) -> Path:
        """Averaged generator and discriminator of the best score; training cannot go on from it."""
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
        """The sample pictures one after the other."""
        return self.path / "training.webp"

    def sample_file(self, step: int) -> Path:
        """The sample grid after ``step`` steps."""
        return self.samples_directory / f"step-{step:07d}.png"

    def require_new(self) -> None:
        """Refuse a directory in which there is something already.

        Raises:
            RunError: It holds a run, or other files.
            OutputError: Nothing can be written there.
        """
        if not current_ranks().leader:  # the leader may have begun to write
            return
        if self.recipe_file.exists():
            raise RunError(
                f"{self.path} already holds a run: go on with --resume, or choose another directory"
            )
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(f"{self.path} exists and is not empty: choose another directory")
        if as_text(str(self.path.resolve())) != str(self.path.resolve()):
            raise RunError(
                f"{self.path} has a name that is not UTF-8, which checkpoints cannot have: rename it"
            )
        require_writable(self.path, directory=True)

    def write_recipe(self, recipe: Recipe, facts: RunFacts) -> None:
        """Write recipe.toml: every setting resolved, and the facts under ``[run]``.

        Raises:
            OutputError: It cannot be written.
        """
        document = {**recipe.model_dump(mode="json"), "run": asdict(facts)}
        if current_ranks().leader:
            write_text(self.recipe_file, tomli_w.dumps(document))

    def read_recipe(self) -> tuple[Recipe, RunFacts]:
        """Read recipe.toml back.

        Raises:
            RunError: The directory holds no run, or its recipe.toml is damaged.
            RecipeError: A setting in it is impossible.
        """
        try:
            document = parse_toml(self.recipe_file.read_text("utf-8"))
            run = document.pop("run")
            run["data_options"] = DataOptions(**run.get("data_options", {}))
            init = run.get("init", {})
            run["init"] = InitFacts(**init | {"fresh": tuple(init.get("fresh", ()))})
            facts = RunFacts(**run)
        except FileNotFoundError as error:
            raise RunError(f"{self.path} holds no run: dropgan train -o {self.path} makes one") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self.recipe_file} is damaged: {error}") from error
        return parse_recipe(document, str(self.recipe_file)), facts

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl."""
        with self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; a last line cut off by a crash is left out."""
        rows = []
        if self.metrics_file.exists():
            for line in self.metrics_file.read_text("utf-8").splitlines():
                try:
                    rows.append(parse_json(line))
                except ValueError:
                    continue
        return rows

    def rewind_metrics(self, step: int, rollbacks: int) -> None:
        """Drop the lines after ``step``, which a resumed run will write again, and those of rollbacks
        beyond the first ``rollbacks``, which it will repeat."""
        kept = [
            row for row in self.read_metrics() if row["step"] <= step and row.get("rollback", 0) <= rollbacks
        ]
        if current_ranks().leader:
            write_text(self.metrics_file, "".join(json.dumps(row) + "\n" for row in kept))
