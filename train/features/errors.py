"""The error of feature networks."""

from dropgan.serve.errors import DropganError


class FeatureError(DropganError):
    """A feature network is not available, or does not accept images of this shape."""
