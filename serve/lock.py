"""One writer at a time: advisory locks on files in the output (flock(2); POSIX only).

A lock belongs to the open file, which worker processes inherit: it is free only when the process
that took it and all its workers are gone, however they ended. Where the file system knows no locks
(some mounts of object storage) or the system has no flock (Windows) there is no protection but that of
single files: temporary names that nobody shares, and a rename.

The package filelock holds a lock alone; here several may hold one shared, workers inherit it, and who
holds it is said.
"""

import contextlib
import errno
import os
import socket
import time
from pathlib import Path

from .errors import OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class TakenError(OutputError):
    """Another process holds a lock."""


_PATIENCE = 5.0  # seconds for the workers of a killed process to notice


class Lock:
    """A lock file, held."""

    def __init__(self, path: Path, *, shared: bool = False, patience: float | None = None) -> None:
        """Take the lock, waiting some seconds (or ``patience``) for a process that is about to end.

        Raises:
            TakenError: Another process holds it.
            OutputError: The file cannot be made.
        """
        self.path = path
        deadline = time.monotonic() + (_PATIENCE if patience is None else patience)
        while True:
            try:
                self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
            except OSError as error:
                raise OutputError(f"cannot write {path.parent}: {error.strerror}") from error
            if self._take(shared=shared) and self._is_current():
                break
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            holder = os.read(self._descriptor, 200).decode(errors="replace").strip()
            os.close(self._descriptor)
            if time.monotonic() > deadline:
                raise TakenError(
                    f"another process is writing to {path.parent} ({holder or 'unknown'}): wait for it, or"
                    " choose another output"
                )
            time.sleep(0.05)
        if not shared:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    @property
    def descriptor(self) -> int:
        """The open file, for workers to inherit."""
        return self._descriptor

    def share(self) -> None:
        """Let others hold it too, shared."""
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Let go, and remove the file if nobody else holds it."""
        with contextlib.suppress(OSError):
            if self._take(shared=False) and self._is_current():
                self.path.unlink()
        os.close(self._descriptor)

    def _take(self, *, shared: bool) -> bool:
        if fcntl is None:
            return True
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
        return True

    def _is_current(self) -> bool:
        """Whether the path still names this file: its last holder may have removed it meanwhile."""
        try:
            here, there = os.fstat(self._descriptor), self.path.stat()
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
