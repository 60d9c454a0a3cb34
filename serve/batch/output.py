"""The output directory of a job: its description, its manifest, and its locks."""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..atomic import write_text
from ..errors import DropganError, OutputError
from ..lock import Lock
from ..ordinary import open_ordinary
from ..parsing import parse_json
from .files import is_hidden, tidy
from .job import Job, Part

JOB_FILE = "job.json"
MANIFEST = "manifest.jsonl"

Line = dict[str, Any]


class OutputDirectory:
    """An output directory that this process has claimed for a job or for one part of it.

    Several processes may write parts of one job at the same time. Each part has its own manifest, and the
    process that finishes last joins them.

    Attributes:
        outdated: Shards of an unfinished job that were made with an earlier version of the filter. They
            are made again, because a job has one filter.
    """

    def __init__(self, path: Path, job: Job, part: Part | None) -> None:
        """Claim the output and write the job's description into it.

        Raises:
            OutputError: Another process is writing there, the directory holds another job or other
                files, or it cannot be written.
        """
        self.path, self._job, self._part = path, job, part
        self.outdated = 0
        self.tag = f"part-{part.index}-of-{part.of}" if part else "whole"
        self._locks: list[Lock] = []
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is a file, but a job needs a directory: choose another name")
        self._created = not path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from error
        try:
            self._claim()
        except BaseException:
            self._release()  # and touch nothing: it may be another process's
            raise
        tidy(path, self.tag if part else None)

    def __enter__(self) -> "OutputDirectory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def lock_descriptors(self) -> list[int]:
        """Return open file descriptors for workers to inherit; the output stays claimed while one worker
        lives.
        """
        return [lock.descriptor for lock in self._locks]

    @property
    def _manifest(self) -> Path:
        return self.path / (f"manifest-{self.tag}.jsonl" if self._part else MANIFEST)

    def begin(self, lines: list[Line]) -> None:
        """Start this part's manifest with the lines of its intact shards.

        Raises:
            OutputError: It cannot be written.
        """
        if lines or self._manifest.exists():
            write_text(self._manifest, _text(lines))

    def append(self, line: Line) -> None:
        """Append a shard to the manifest and flush it to disk.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            with self._manifest.open("ab", buffering=0) as file:
                file.write(_text([line]).encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self._manifest}: {error.strerror}") from error

    def finish(self) -> bool:
        """Sort the manifest and, once every shard of the job is listed, join the manifests of all parts.

        Returns:
            True if the whole job is done.

        Raises:
            OutputError: It cannot be written.
        """
        lines, whole = read_manifests(self.path), self._job.shards().numbers
        if sum(number in whole for number in lines) < len(whole):
            if self._part:
                mine = self._job.shards(self._part).numbers
                self.begin([lines[number] for number in sorted(lines) if number in mine])
            return False
        if self._part:  # the others, if any, are about to end too: become the only one
            self._release()
            self._locks = [Lock(self.path / ".lock", patience=60.0)]
        text = _text([lines[number] for number in sorted(lines)])
        if not (self.path / MANIFEST).exists() or (self.path / MANIFEST).read_text() != text:
            write_text(self.path / MANIFEST, text)
        for manifest in self.path.glob("manifest-part-*-of-*.jsonl"):
            manifest.unlink(missing_ok=True)
        for left in self.path.glob(".lock-part-*"):
            left.unlink(missing_ok=True)
        tidy(self.path, None)
        return True

    def close(self) -> None:
        """Remove unfinished files, and the description if no shard was made; then release the output."""
        with suppress(OSError):
            tidy(self.path, self.tag)
            if self._part is None and _is_vain(self.path):
                for name in (MANIFEST, JOB_FILE):
                    (self.path / name).unlink(missing_ok=True)
        self._release()
        if self._created:
            with suppress(OSError):  # it is not empty
                self.path.rmdir()

    def _release(self) -> None:
        for lock in reversed(self._locks):
            lock.release()
        self._locks = []

    def _claim(self) -> None:
        if self._part is None:
            self._locks.append(Lock(self.path / ".lock"))
            self._describe(alone=True)
            return
        alone = (
            not (self.path / JOB_FILE).exists()
            or _is_vain(self.path)
            or (self._has_another_filter(read_job(self.path)) and not self._is_finished())
        )
        if alone:
            try:
                self._locks.append(Lock(self.path / ".lock", patience=1.0))
            except OutputError:  # another part, which describes the job just now
                alone = False
        if not alone:
            self._locks.append(Lock(self.path / ".lock", shared=True))
        self._describe(alone=alone)
        if alone:
            self._locks[0].share()
        self._locks.append(Lock(self.path / f".lock-{self.tag}"))

    def _describe(self, *, alone: bool) -> None:
        """Write job.json, or compare the job with the existing one.

        An existing job without any shards is replaced if no other process (``alone``) uses it. An unfinished
        job whose filter was edited continues with the new filter, and all of its shards are filtered again.
        """
        there = self.path / JOB_FILE
        if there.exists() or there.is_symlink():
            raw = read_job(self.path)
            differences = self._job.differences(raw)
            if differences and alone and self._has_another_filter(raw) and not self._is_finished():
                self.outdated = len(read_manifests(self.path))
                for manifest in self.path.glob("manifest*.jsonl"):
                    manifest.unlink()
            elif differences and not (alone and _is_vain(self.path)):
                raise OutputError(
                    f"{self.path} holds another job: {'; '.join(differences)}."
                    " Choose another output, or repeat the command that began that one"
                )
            if not differences:
                return
        else:
            strangers = [entry.name for entry in self.path.iterdir() if not is_hidden(entry.name)]
            if strangers:
                raise OutputError(
                    f"{self.path} holds other files ({sorted(strangers)[0]}): choose a new or empty directory"
                )
        write_text(there, self._job.to_json())

    def _has_another_filter(self, raw: dict[str, Any]) -> bool:
        """Return True if the job in ``raw`` differs in the source of the filter and in nothing else."""
        keep, other = self._job.keep, raw.get("keep")
        return (
            keep is not None
            and isinstance(other, dict)
            and other.get("callable") == keep.callable
            and other.get("source_sha256") != keep.source_sha256
            and json.loads(self._job.to_json()) == {**raw, "keep": asdict(keep)}
        )

    def _is_finished(self) -> bool:
        whole = self._job.shards().numbers
        return sum(number in whole for number in read_manifests(self.path)) == len(whole)


def _is_vain(path: Path) -> bool:
    """Return True if an output holds only the description of a job without any shards."""
    try:
        Job.from_dict(read_job(path))
        others = [entry.name for entry in path.iterdir() if not is_hidden(entry.name)]
        known = all(name == JOB_FILE or name.startswith("manifest") for name in others)
        return known and not read_manifests(path)
    except (DropganError, OSError):
        return False


def read_job(path: Path) -> dict[str, Any]:
    """Read the description of the job in an output.

    Raises:
        OutputError: There is no description, or it is damaged.
    """
    try:
        job = parse_json(_text_of(path / JOB_FILE))
    except FileNotFoundError as error:
        raise OutputError(f"{path} is not a job: it has no {JOB_FILE}") from error
    except (OSError, ValueError) as error:
        raise OutputError(f"{path / JOB_FILE} cannot be read: {error}") from error
    if not isinstance(job, dict):
        raise OutputError(f"{path / JOB_FILE} does not describe a job")
    return job


def read_manifests(path: Path) -> dict[int, Line]:
    """Read the lines of an output's manifests, including those of parts, by shard number.

    A line that a crash cut short is ignored, so its shard is made again.

    Raises:
        OutputError: A manifest cannot be read.
    """
    for _ in range(5):  # a part that finishes may join and remove them between listing and reading
        lines: dict[int, Line] = {}
        try:
            for manifest in [*path.glob("manifest-part-*-of-*.jsonl"), *path.glob(MANIFEST)]:
                for text in _text_of(manifest).splitlines():
                    line = _line(text)
                    if line is not None:
                        lines[line["shard"]] = line
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OutputError(f"cannot read the manifest in {path}: {error.strerror}") from error
        return lines
    raise OutputError(f"the manifests in {path} disappeared while they were read")


def _text_of(path: Path) -> str:
    with open_ordinary(path) as file:
        return file.read().decode(errors="replace")


def _line(text: str) -> Line | None:
    """Parse a line of an untrusted manifest; None if it has another form."""
    try:
        line = parse_json(text)
        files = [(entry["name"], entry["bytes"], entry["sha256"]) for entry in line["files"]]
        numbers = [line["shard"], line["samples"], *(size for _, size, _ in files)]
    except (ValueError, KeyError, TypeError):
        return None
    sound = all(type(number) is int and number >= 0 for number in numbers) and all(
        isinstance(name, str) and isinstance(digest, str) for name, _, digest in files
    )
    return line if files and sound else None


def _text(lines: list[Line]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
