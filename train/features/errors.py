"""What feature networks refuse."""

from dropgan.serve.errors import DropganError


class FeatureError(DropganError):
    """A feature network is not available, or not for images of this shape."""
