"""Build wheels whose bytes depend only on their content (PEP 427, PEP 376)."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping

_FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that zip knows
_PLAIN_FILE = 0o100644 << 16
_UNIX = 3


def wheel_bytes(files: Mapping[str, bytes], dist_info: str) -> bytes:
    """Return a wheel of these files and their RECORD.

    The files are stored without compression. Weights hardly shrink, and compressed bytes would differ between
    versions of zlib.

    Args:
        files: Path in the wheel to content.
        dist_info: Name of the metadata folder, which goes last as PEP 427 recommends.
    """
    record = f"{dist_info}/RECORD"
    ordered = sorted(files, key=lambda name: (name.startswith(dist_info), name))
    lines = [f"{name},sha256={_digest(files[name])},{len(files[name])}" for name in ordered]
    content = {**{name: files[name] for name in ordered}}
    content[record] = "\n".join([*lines, f"{record},,"]).encode() + b"\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _FIRST_DATE)
            entry.external_attr, entry.create_system = _PLAIN_FILE, _UNIX
            archive.writestr(entry, data)
    return buffer.getvalue()


def wheel_tags(version: str) -> bytes:
    """Return the WHEEL file of a pure Python wheel made by this version of ``dropgan``."""
    return (
        f"Wheel-Version: 1.0\nGenerator: dropgan ({version})\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ).encode()


def _digest(data: bytes) -> str:
    """Return the SHA-256 in the form that RECORD uses."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
