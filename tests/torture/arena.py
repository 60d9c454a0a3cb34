"""Where attacks happen: one command in one process of its own, with bounds, and what it has to be like."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEMORY = 8 * 2**30
"""Address space of an attacked command: what it asks for beyond that fails, as on a full machine."""
SECONDS = 120
"""A command that takes longer hangs. Generous, since other work may share the processors."""
ACTING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys in place of showing them; tabs and carriage returns are progress's."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    arguments: tuple[str, ...]
    code: int | None
    """Exit code, negative for a signal, None where it had to be stopped."""
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        ended = "hung" if self.code is None else f"ended with {self.code}"
        return f"dropgan {' '.join(self.arguments)}\n{ended} after {self.seconds:.1f} s\n{self.err[-3000:]}"


def attack(
    *arguments: object,
    folder: Path,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a command in a fork of this process, in which everything is imported already.

    Args:
        arguments: What stands behind ``dropgan``.
        folder: The working directory.
        seconds: When to stop it.
        memory: Bytes of address space that it may have.
        environment: Variables to set.
    """
    words = tuple(
        os.fsdecode(argument) if isinstance(argument, bytes) else str(argument) for argument in arguments
    )
    out, err = folder / ".out", folder / ".err"
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_command(words, folder, out, err, memory, environment or {})
    code = _wait(child, began + seconds)
    spent = time.monotonic() - began
    said, complained = (path.read_text("utf-8", "replace") for path in (out, err))
    for path in (out, err):
        path.unlink()
    return Outcome(words, code, said, complained, spent)


def _be_the_command(
    words: tuple[str, ...], folder: Path, out: Path, err: Path, memory: int, environment: Mapping[str, str]
) -> None:
    """What the child does; it never returns."""
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        os.environ.update(environment)
        for number, path in ((0, os.devnull), (1, out), (2, err)):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(path, flags, 0o600), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        sys.argv = ["dropgan", *words]
        from dropgan.cli.main import main

        main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException:  # noqa: BLE001 - a traceback is what the attack looks for
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _wait(child: int, deadline: float) -> int | None:
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def require_civil(outcome: Outcome) -> None:
    """Insist that a command did its work, or said in one line what is wrong and what to do.

    Whatever it was given: no traceback, no signal, no hang, nothing that acts on the terminal.
    """
    assert outcome.code in (0, 1, 2), outcome
    assert "Traceback" not in outcome.err, outcome
    assert not ACTING.search(outcome.out + outcome.err), f"{outcome}\n{outcome.out!r}"
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == (outcome.code != 0 and "verify" not in outcome.arguments[0]), outcome
    assert all(len(line) < 2000 and len(line) > len("error: ") for line in errors), outcome


def program(*arguments: object) -> list[str]:
    """The installed command in a process of its own, as a shell starts it."""
    return [str(Path(sys.executable).parent / "dropgan"), *map(str, arguments)]


def start(
    *arguments: object, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start the installed command; its own session, so that it can be killed with what it started."""
    return subprocess.Popen(
        program(*arguments),
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]", seconds: float = SECONDS) -> Outcome:
    """Wait for a started command."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=seconds)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = None
    words = process.args
    assert isinstance(words, list)
    return Outcome(tuple(map(str, words[1:])), code, out, err, time.monotonic() - began)
