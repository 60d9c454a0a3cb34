"""Compare an output with its manifest, by size and digest."""

import json
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError
from ..reporter import LOGGED, Progress, Reporter
from .files import is_hidden, size_and_digest
from .job import Job
from .output import JOB_FILE, MANIFEST, Line, read_job, read_manifests

_THREADS = 4  # hashing frees the interpreter; more readers than this only help on a network


@dataclass(frozen=True)
class VerifyReport:
    """Result of checking a job's output.

    Attributes:
        job: The job's description.
        shards: Number of shards of the job.
        whole: Number of shards that match the manifest byte for byte.
        samples: Samples in the shards that match.
        bytes: Bytes in the shards that match.
        problems: One line for each shard that does not match, each range of missing shards, and
            each file that does not belong to the job.
    """

    job: dict[str, Any]
    shards: int
    whole: int
    samples: int
    bytes: int
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Return True if every shard matches and there are no other files."""
        return not self.problems


def verify(path: Path | str, *, reporter: Reporter = LOGGED) -> VerifyReport:
    """Check a job's output against its manifest. Every byte is read.

    Args:
        path: The output directory.
        reporter: Receives the progress.

    Raises:
        OutputError: ``path`` holds no job, or the job's description cannot be read.
    """
    path = Path(path)
    raw = read_job(path)
    job = _job_of(raw, path)
    lines = read_manifests(path)
    numbers = job.shards().numbers
    problems, listed = [], []
    known = {JOB_FILE, MANIFEST}
    for number in sorted(lines):
        line = lines[number]
        known.update(entry["name"] for entry in line["files"])
        if number not in numbers:
            problems.append(f"shard {number} is in the manifest and not in the job")
        elif line != job.line(job.shard(number), line["samples"], line["files"]):
            problems.append(f"{_name(job, number)} has a line in the manifest that is not of this job")
        else:
            listed.append(line)
    problems += [_not_made(job, gap) for gap in _gaps(numbers, lines.keys())]
    whole, samples, size = 0, 0, 0
    for done, (line, problem) in enumerate(compare(path, listed), 1):
        if problem:
            problems.append(problem)
        else:
            whole += 1
            samples += line["samples"]
            size += sum(entry["bytes"] for entry in line["files"])
        reporter.progress(Progress("checking", done, len(listed), "shards"))
    for entry in sorted(path.iterdir()):
        part = entry.name.startswith("manifest-part-") and entry.suffix == ".jsonl"
        shard_number = job.number(entry.name)
        unlisted = shard_number is not None and shard_number not in lines
        if entry.name not in known and not part and not unlisted and not is_hidden(entry.name):
            problems.append(f"{entry.name} is not of the job")
    return VerifyReport(raw, len(numbers), whole, samples, size, tuple(problems))


def _name(job: Job, number: int) -> str:
    return job.name(job.shard(number))


def _gaps(numbers: range, made: Collection[int]) -> Iterator[range]:
    """Yield the ranges of ``numbers`` that are missing from ``made``, at most ``len(made) + 1`` of them."""
    first = numbers.start
    for number in [*sorted(number for number in made if number in numbers), numbers.stop]:
        if number > first:
            yield range(first, number)
        first = number + 1


def _not_made(job: Job, gap: range) -> str:
    if len(gap) == 1:
        return f"{_name(job, gap[0])} is not in the manifest: it was not made"
    return (
        f"{_name(job, gap[0])} to {_name(job, gap[-1])} are not in the manifest: {len(gap):,} shards were"
        " not made"
    )


def compare(path: Path, lines: Iterable[Line]) -> Iterator[tuple[Line, str | None]]:
    """Yield each line with a text that says what is wrong with its files, or None if they match."""
    listed = list(lines)
    with ThreadPoolExecutor(_THREADS) as pool:
        yield from zip(listed, pool.map(lambda line: _problem(path, line), listed), strict=True)


def _problem(path: Path, line: Line) -> str | None:
    for entry in line["files"]:
        name = Path(str(entry["name"])).name  # a name from a file that anybody may have written
        try:
            size, digest = size_and_digest(path / name)
        except FileNotFoundError:
            return f"{name} is missing"
        except OSError as error:
            return f"{name} cannot be read: {error.strerror}"
        if (size, digest) != (entry["bytes"], entry["sha256"]):
            return f"{name} is damaged: its bytes are not those that were written"
    return None


def _job_of(raw: dict[str, Any], path: Path) -> Job:
    try:
        job = Job.from_dict(raw)
    except InputError as error:
        raise OutputError(f"{path / JOB_FILE} does not describe a job of this version: {error}") from error
    if json.loads(job.to_json()) != raw:
        raise OutputError(f"{path / JOB_FILE} does not describe a job of this version")
    return job
