"""What evaluation refuses."""

from dropgan.serve.errors import DropganError


class FeatureError(DropganError):
    """A feature network that cannot be had, or images that it cannot look at."""
