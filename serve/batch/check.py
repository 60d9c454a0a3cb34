"""Comparing an output with its manifest, by size and digest."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError
from .files import is_hidden, size_and_digest
from .job import Job
from .output import JOB_FILE, MANIFEST, Line, read_job, read_manifests

_THREADS = 4  # hashing frees the interpreter; more readers than this only help on a network


@dataclass(frozen=True)
class VerifyReport:
    """What became of a job's output.

    Attributes:
        job: The description that it carries.
        shards: How many shards the job has.
        whole: How many are there, byte for byte as the manifest says.
        samples: Samples in those.
        bytes: Bytes in those.
        problems: One line for each shard that is not, and for each file that is not of the job.
    """

    job: dict[str, Any]
    shards: int
    whole: int
    samples: int
    bytes: int
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the job is complete and nothing else is there."""
        return not self.problems


def verify(path: Path | str, *, progress: Callable[[int, int], None] | None = None) -> VerifyReport:
    """Hold a job's whole output against its manifest, reading every byte.

    Args:
        path: The output directory.
        progress: Called with the number of shards read so far and in all.

    Raises:
        OutputError: There is no job, or its description cannot be read.
    """
    path = Path(path)
    raw = read_job(path)
    job = _job_of(raw, path)
    lines = read_manifests(path)
    expected = {shard.number: shard for shard in job.shards()}
    problems = []
    known = {JOB_FILE, MANIFEST}
    listed = []
    for number, shard in expected.items():
        if number not in lines:
            problems.append(f"{job.name(shard)} is not in the manifest: it was not made")
            known.add(job.name(shard))
        else:
            known.update(entry["name"] for entry in lines[number]["files"])
            if lines[number] != job.line(shard, lines[number]["samples"], lines[number]["files"]):
                problems.append(f"{job.name(shard)} has a line in the manifest that is not of this job")
            else:
                listed.append(lines[number])
    problems += [
        f"shard {number} is in the manifest and not in the job" for number in lines.keys() - expected
    ]
    whole, samples, size = 0, 0, 0
    for line, problem in compare(path, listed):
        if problem:
            problems.append(problem)
        else:
            whole += 1
            samples += line["samples"]
            size += sum(entry["bytes"] for entry in line["files"])
        if progress:
            progress(whole + len(problems), len(expected))
    for entry in sorted(path.iterdir()):
        part = entry.name.startswith("manifest-part-") and entry.suffix == ".jsonl"
        if entry.name not in known and not part and not is_hidden(entry.name):
            problems.append(f"{entry.name} is not of the job")
    return VerifyReport(raw, len(expected), whole, samples, size, tuple(problems))


def compare(path: Path, lines: Iterable[Line]) -> Iterator[tuple[Line, str | None]]:
    """Each line and what is wrong with its files, or None where they are as it says."""
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
        sound = json.loads(job.to_json()) == raw and job.shard_size > 0 and job.count > 0
    except (KeyError, TypeError, InputError) as error:
        raise OutputError(f"{path / JOB_FILE} does not describe a job of this version: {error}") from error
    if not sound:
        raise OutputError(f"{path / JOB_FILE} does not describe a job of this version")
    return job
