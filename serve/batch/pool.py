"""Worker processes on one machine.

They are processes rather than threads because encoding a small picture takes microseconds. Two threads that
exchange the interpreter lock that often are slower than one.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from ..cores import usable_cores
from ..errors import OutputError, told
from .job import Job, Shard
from .output import Line, OutputDirectory
from .paths import search_path

_START = f"""
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from {__package__}.worker import main
main()
"""
_SHARDS_EACH = 2  # handed to a worker at once: the next must be known for its stages to overlap


def make_with_workers(
    shards: Iterable[Shard],
    *,
    model: bytes,
    job: Job,
    output: OutputDirectory,
    device: str,
    workers: int,
    threads: int,
    batch_size: int | None,
    on_line: Callable[[Line], None],
    on_samples: Callable[[int], None],
) -> None:
    """Make shards with ``workers`` processes of ``threads`` threads each.

    Raises:
        DropganError: A worker raised it. It is an OutputError if a worker was killed.
    """
    setup = {
        "model_bytes": len(model),
        "sys_path": search_path(with_here=job.keep is not None),
        "job": asdict(job),
        "device": device,
        "threads": threads,
        "directory": str(output.path),
        "tag": output.tag,
        "batch_size": batch_size,
        "overlap": device != "cpu" or workers * threads < usable_cores(),
    }
    start = json.dumps(setup).encode() + b"\n" + model
    todo = iter(shards)
    answers: queue.Queue[tuple[int, dict[str, Any] | None]] = queue.Queue()
    pool = [_Worker(start, output.lock_descriptors, place, answers) for place in range(workers)]
    try:
        for worker in pool * _SHARDS_EACH:
            worker.give(todo)
        running = len(pool)
        while running:
            place, answer = answers.get()
            worker = pool[place]
            if answer is None:
                running -= 1
                if worker.process.wait() != 0 or worker.owes:
                    raise OutputError(_ended(worker.process.returncode))
            elif "samples" in answer:
                on_samples(answer["samples"])
            elif "line" in answer:
                worker.owes -= 1
                worker.give(todo)
                on_line(answer["line"])
            else:
                raise told(answer["error"], answer["message"])
    finally:
        for worker in pool:
            worker.end()


def _ended(status: int) -> str:
    if status < 0:
        return (
            f"a worker process was ended from outside (signal {-status}), most likely for want of memory:"
            " repeat the command, with fewer --workers"
        )
    return f"a worker process ended with status {status} before its work was done: what it said is above"


class _Worker:
    """A worker process and the thread that reads from it."""

    def __init__(self, start: bytes, descriptors: list[int], place: int, answers: Any) -> None:
        self.owes = 0
        self._ended = False
        # -P: what lies in the current directory must not be taken for a module of Python's or ours
        command = [sys.executable, "-P", "-c", _START, json.dumps(search_path())]
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=descriptors if sys.platform != "win32" else (),
        )
        self._send(start)
        threading.Thread(target=self._listen, args=(place, answers), daemon=True).start()

    def give(self, todo: Iterator[Shard]) -> None:
        """Send the next shard, or tell the worker that there is none."""
        shard = next(todo, None)
        if shard is not None:
            self.owes += 1
            self._send(f"{shard.number}\n".encode())
        elif not self._ended:
            self._ended = True
            self._send(b"end\n")

    def end(self) -> None:
        """Stop the process if it still runs, and wait for it."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:
                continue

    def _send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except OSError:  # it has ended; the listener says so
            return

    def _listen(self, place: int, answers: "queue.Queue[tuple[int, dict[str, Any] | None]]") -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                answers.put((place, json.loads(line)))
        except ValueError:  # closed under us
            pass
        answers.put((place, None))
