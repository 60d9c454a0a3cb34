"""What the attacks share: time, chance, figures, and something good to spoil."""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from .arena import attack

SEED = int(os.environ.get("DROPGAN_TORTURE_SEED", "0"))
MINUTES = float(os.environ.get("DROPGAN_TORTURE_MINUTES", "17"))
"""All attacks together. Those that have a list of cases share what the others leave of it."""
LEAST = 2
"""Cases of a list that are tried even where no time is left."""
SMALL = (
    "--recipe=mlp", "--steps=8", "--device=cpu", "--precision=fp32", "--threads=1",
    "--set", "training.batch_size=8", "--set", "generator.latent_dim=8", "--set", "generator.hidden=[16]",
    "--set", "discriminator.hidden=[16]", "--set", "output.log_interval=4",
    "--set", "output.sample_interval=4", "--set", "output.checkpoint_interval=4",
)  # fmt: skip

JOB = ("-n", "40", "--shard-size", "10", "--format", "npy", "--workers", "1", "--threads", "1")

Chance = Callable[[object], random.Random]
Cases = Callable[[int], Iterator[int]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attacks run by `make torture` alone; those without a list of cases come first and run whole."""
    ours = [item for item in items if "torture" in Path(item.fspath).parts]
    for item in ours:
        item.add_marker(pytest.mark.torture)
        item.add_marker(pytest.mark.timeout(60 * MINUTES))
    items.sort(key=lambda item: item.get_closest_marker("share") is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Share the time out among the tests that were chosen."""
    for item in session.items:
        marker = item.get_closest_marker("share")
        if marker is not None:
            CLOCK.shares[item.nodeid] = float(marker.args[0])


@pytest.fixture(scope="session")
def chance() -> Chance:
    """Randomness that is a function of the seed and of what it is for, whatever ran before."""
    return lambda what: random.Random(f"{SEED} {what}")


@dataclass
class Figures:
    """What the attacks counted, shown at the end: docs/reliability.md has them."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, attack: str, what: str, number: int = 1) -> None:
        """Add to a figure."""
        counts = self.counts.setdefault(attack, {})
        counts[what] = counts.get(what, 0) + number


FIGURES = Figures()


@pytest.fixture(scope="session")
def figures() -> Figures:
    return FIGURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES.counts:
        terminalreporter.section(f"torture, seed {SEED}")
        for name, counts in FIGURES.counts.items():
            shown = ", ".join(f"{number:,} {what}" for what, number in counts.items())
            terminalreporter.write_line(f"{name}: {shown}")


@dataclass
class Clock:
    """The time that is left, shared out among the lists of cases that are still to come."""

    end: float = field(default_factory=lambda: time.monotonic() + 60 * MINUTES)
    shares: dict[str, float] = field(default_factory=dict)
    """By test, parts of any whole; a test that is over has none."""

    def deadline(self, test: str) -> float:
        """When a test that begins now has to be over."""
        now, share = time.monotonic(), self.shares[test]
        total = sum(self.shares.values())
        self.shares[test] = 0
        return now + max(self.end - now, 0) * share / total


CLOCK = Clock()


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> Cases:
    """The numbers 0 to a total - 1, until the test's share of the time is spent; at least two of them.

    Which case a number is depends on the seed alone, so a slow machine does the first ones of the same.
    """
    deadline = CLOCK.deadline(request.node.nodeid)

    def numbers(total: int) -> Iterator[int]:
        for number in range(total):
            if number >= LEAST and time.monotonic() > deadline:
                return
            yield number

    return numbers


@dataclass(frozen=True)
class Good:
    """Everything that a user may hand to a command, made once and never changed."""

    folder: Path
    run: Path
    model: Path
    features: Path
    job: Path
    arrays: Path
    archive: Path
    table: Path
    parquet: Path
    idx: Path
    pictures: Path
    recipe: Path
    environment: dict[str, str]

    def copy(self, path: Path, to: Path) -> Path:
        """A copy to spoil."""
        return Path(shutil.copytree(path, to) if path.is_dir() else shutil.copy(path, to))


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    """Import once what every forked command would import: a case then takes a second less.

    dropgan comes first, since it switches onnxruntime's telemetry off.
    """
    ours = ("cli.main", "evaluate", "export.package", "serve.batch", "train")
    others = ("matplotlib.figure", "onnx", "onnxruntime", "torch", "torchmetrics")
    for name in (*(f"dropgan.{name}" for name in ours), *others):
        import_module(name)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    """A run, its model, and one small file of each kind."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    folder = tmp_path_factory.mktemp("good")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    random_ = np.random.default_rng(SEED)
    images = random_.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    labels = np.arange(40) % 3
    made = Good(
        folder=folder,
        run=folder / "run",
        model=folder / "model.onnx",
        features=folder / "features.safetensors",
        job=folder / "job",
        arrays=folder / "images.npy",
        archive=folder / "images.npz",
        table=folder / "table.csv",
        parquet=folder / "table.parquet",
        idx=folder / "idx",
        pictures=folder / "pictures",
        recipe=folder / "recipe.toml",
        environment={},
    )
    np.save(made.arrays, images)
    np.savez(made.archive, images=images, labels=labels, class_names=np.array(["a", "b", "c"]))
    rows = random_.normal(size=(40, 3))
    lines = ["a,b,c", *(",".join(f"{value:.3f}" for value in row) for row in rows)]
    made.table.write_text("\n".join(lines) + "\n")
    pq.write_table(pa.table({name: rows[:, place] for place, name in enumerate("abc")}), made.parquet)
    made.idx.mkdir()
    header = (0x803).to_bytes(4, "big") + b"".join(size.to_bytes(4, "big") for size in images.shape)
    (made.idx / "train-images-idx3-ubyte").write_bytes(header + images.tobytes())
    label_header = (0x801).to_bytes(4, "big") + len(labels).to_bytes(4, "big")
    (made.idx / "train-labels-idx1-ubyte").write_bytes(label_header + labels.astype(np.uint8).tobytes())
    for place, image in enumerate(images[:12]):
        path = made.pictures / "ab"[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    made.recipe.write_text('base = "mlp"\n\n[training]\nsteps = 3\nbatch_size = 8\nlearning_rate = 2e-4\n')
    for command in (
        ["train", "--data", made.archive, "--conditional", "-o", made.run, *SMALL],
        ["export", made.run, "-o", made.model, "--no-score"],
        ["evaluate", "--fit-features", made.features, "--data", made.archive, "--epochs", 1],
        [
            "sample",
            made.model,
            "-o",
            made.job,
            "-n",
            40,
            "--shard-size",
            10,
            "--format",
            "npy",
            "--workers",
            1,
        ],
    ):
        outcome = attack(*command, folder=folder, seconds=600)
        assert outcome.code == 0, outcome
    return made
