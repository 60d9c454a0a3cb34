"""Shard files on their way: a hidden temporary name, a digest taken while writing, then a rename."""

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
        """The output as the manifest names it."""
        return {"name": self.name, "bytes": self.bytes, "sha256": self.sha256}

    def publish(self) -> None:
        """Flush it to the disk and give it its name, in place of an earlier one.

        Raises:
            OutputError: A link, a device or the like has the name.
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
    """A new file that knows the SHA-256 of what was written; for pyarrow, a file object."""

    def __init__(self, path: Path, file: BinaryIO | None = None) -> None:
        """Make a file at ``path``, or write into ``file``, which is open and unbuffered."""
        self.path = path
        self._file: BinaryIO = path.open("xb", buffering=0) if file is None else file
        self._digest = hashlib.sha256()
        self._size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Append bytes, all of them."""
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
        """Bytes written so far."""
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._file.close()

    def written(self, name: str) -> Written:
        """Close the file and say what it is."""
        self.close()
        return Written(self.path, name, self._size, self._digest.hexdigest())


def temporary_path(directory: Path, name: str, tag: str) -> Path:
    """Where the output ``name`` grows; ``tag`` says for which part of a job."""
    return directory / f".{name}.{tag}.{os.urandom(4).hex()}.tmp"


def tidy(directory: Path, tag: str | None) -> None:
    """Remove what killed processes left: of the part ``tag``, or (None) of any."""
    for path in directory.iterdir():
        match = _TEMPORARY.match(path.name)
        if (match and tag in (None, match["tag"])) or (tag is None and _OTHER_TEMPORARY.match(path.name)):
            remove(path)


def is_hidden(name: str) -> bool:
    """Whether a name in an output is one of dropgan's temporary files or locks."""
    return bool(_TEMPORARY.match(name) or _OTHER_TEMPORARY.match(name) or name.startswith(".lock"))


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def size_and_digest(path: Path, update: Callable[[int], None] = lambda _: None) -> tuple[int, str]:
    """Bytes and SHA-256 of an output as `Written` defines them.

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
    """What ``sha256sum`` prints for a file."""
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
    """Flush a folder of thousands of files at once where the system can, else file by file."""
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
