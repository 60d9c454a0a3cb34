"""The Open Inference Protocol v2."""

from typing import Any

from .limits import Limits
from .models import Models
from .samples import SampleRoutes


def add_inference(app: Any, models: Models, samples: SampleRoutes, limits: Limits) -> None:
    """Add ``/v2`` to a FastAPI application."""
