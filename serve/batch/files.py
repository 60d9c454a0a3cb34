"""Write shard files under a hidden temporary name, hash them while writing, then rename them."""

import ctypes
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..atomic import sync_directory
from ..errors import OutputError
from ..ordinary import open_ordinary
from ..outputs import require_replaceable

_TEMPORARY = re.compile(r"^\.(?P<name>[^/]+?)\.(?P<tag>whole|part-\d+-of-\d+)\.[0-9a-f]{8}\.tmp$")
_OTHER_TEMPORARY = re.compile(r"^\.(job\.json|manifest(-part-\d+-of-\d+)?\.jsonl)\.\w+\.tmp$")
_BLOCK = 2**20


@dataclass(frozen=True)
class Written:
    """A complete output that still has its temporary name."""

    temporary: Path
    name: str
    bytes: int
    sha256: str
    """SHA-256 of a file; for a folder, that of what ``sha256sum *`` prints in it."""

    def entry(self) -> dict[str, Any]:
        """The output as an entry of the manifest."""
        return {"name": self.name, "bytes": self.bytes, "sha256": self.sha256}

    def publish(self) -> None:
        """Flush the output to disk and rename it into place, replacing an earlier one.

        Raises:
            OutputError: The name belongs to something that is not an ordinary file or folder, such as a link.
        """
        final = self.temporary.parent / self.name
        if self.temporary.is_dir():
            _sync_tree(self.temporary)
            if final.is_symlink() or (final.exists() and not final.is_dir()):
                raise OutputError(f"cannot write {final}: it is not a folder, remove it")
            if final.exists():
                remove(final)  # a folder cannot be renamed over another; the manifest has no line for it
        else:
            require_replaceable(final)
            with self.temporary.open("rb") as file:
                os.fsync(file.fileno())
        self.temporary.replace(final)
        sync_directory(final.parent)


class HashingFile:
    """A new file that hashes (SHA-256) what is written to it. pyarrow accepts it as a file object."""

    def __init__(self, path: Path, file: BinaryIO | None = None) -> None:
        """Create a file at ``path``, or write into ``file``, which must be open and unbuffered."""
        self.path = path
        self._file: BinaryIO = path.open("xb", buffering=0) if file is None else file
        self._digest = hashlib.sha256()
        self._size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Write all of ``data`` and return its length in bytes."""
        view = memoryview(data)
        if not view.nbytes:  # which cannot be cast
            return 0
        view = view.cast("B")
        self._digest.update(view)
        self._size += len(view)
        size = len(view)
        while len(view):
            view = view[self._file.write(view) :]
        return size

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._size

    def flush(self) -> None:
        """Do nothing, because nothing is buffered."""

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._file.close()

    def written(self, name: str) -> Written:
        """Close the file and return its entry under ``name``."""
        self.close()
        return Written(self.path, name, self._size, self._digest.hexdigest())


def temporary_path(directory: Path, name: str, tag: str) -> Path:
    """Return the temporary path of output ``name``; ``tag`` identifies the part of the job."""
    return directory / f".{name}.{tag}.{os.urandom(4).hex()}.tmp"


def tidy(directory: Path, tag: str | None) -> None:
    """Remove what killed processes left behind: for the part ``tag``, or for every part if it is None."""
    for path in directory.iterdir():
        match = _TEMPORARY.match(path.name)
        if (match and tag in (None, match["tag"])) or (tag is None and _OTHER_TEMPORARY.match(path.name)):
            remove(path)


def is_hidden(name: str) -> bool:
    """Return True for the name of one of dropgan's temporary files or locks."""
    return bool(_TEMPORARY.match(name) or _OTHER_TEMPORARY.match(name) or name.startswith(".lock"))


def remove(path: Path) -> None:
    """Remove a file or a folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def size_and_digest(path: Path, update: Callable[[int], None] = lambda _: None) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 of an output, as `Written` defines them.

    Raises:
        OSError: It cannot be read.
    """
    if not path.is_dir():
        return _file_digest(path, update)
    total, lines = 0, []
    for file in sorted(path.iterdir()):
        size, digest = _file_digest(file, update)
        total += size
        lines.append(folder_line(file.name, digest))
    return total, hashlib.sha256(b"".join(lines)).hexdigest()


def folder_line(name: str, digest: str) -> bytes:
    """Return the line that ``sha256sum`` prints for a file."""
    return f"{digest}  {name}\n".encode()


def _file_digest(path: Path, update: Callable[[int], None]) -> tuple[int, str]:
    digest, total = hashlib.sha256(), 0
    with open_ordinary(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            total += len(block)
            update(len(block))
    return total, digest.hexdigest()


def _sync_tree(folder: Path) -> None:
    """Flush a folder of thousands of files, with one call if the system has one, otherwise file by file."""
    descriptor = os.open(folder, os.O_RDONLY) if os.name == "posix" else -1
    try:
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):
                if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) == 0:
                    return
        for path in folder.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        sync_directory(folder)
    finally:
        if descriptor >= 0:
            os.close(descriptor)
