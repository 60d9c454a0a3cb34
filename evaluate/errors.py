"""What evaluation refuses."""

from dropgan.serve.errors import DropganError, InputError


class FeatureError(DropganError):
    """A feature network that cannot be had, or images that it cannot look at."""


class OptionError(InputError):
    """An option that has no meaning for this kind of model."""

    exit_code = 2
