"""Where dropgan keeps what it can make again."""

import os
from pathlib import Path


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/dropgan``, by default ``~/.cache/dropgan``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dropgan"
