"""Advisory locks on files in an output directory, so that only one process writes (flock(2); POSIX only).

A lock belongs to the open file, which worker processes inherit. It is free once the process that took it and
all of its workers are gone, however they ended. On file systems without locks (some mounts of object storage)
and on Windows, only single files are protected, by unique temporary names and a rename.

The package filelock supports only exclusive locks. Here several processes may share a lock, workers inherit
it, and an error names the holder.
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
    """A held lock file."""

    def __init__(self, path: Path, *, shared: bool = False, patience: float | None = None) -> None:
        """Take the lock. Wait some seconds (or ``patience`` seconds) for a process that is about to end.

        Raises:
            TakenError: Another process holds it.
            OutputError: The lock file cannot be created.
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
        """Descriptor of the open file, for workers to inherit."""
        return self._descriptor

    def share(self) -> None:
        """Downgrade to a shared lock, which others can hold too."""
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Release the lock, and remove the file if no other process holds it."""
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
        """Return True if the path still names this file, which its previous holder may have removed."""
        try:
            here, there = os.fstat(self._descriptor), self.path.stat()
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
