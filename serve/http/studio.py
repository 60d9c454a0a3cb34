"""The page at ``/``."""

from typing import Any


def add_studio(app: Any) -> None:
    """Add the page to a FastAPI application."""
