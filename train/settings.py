"""The base class of settings; the tables are defined where they are used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from dropgan.serve.errors import DropganError

Probability = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


class RecipeError(DropganError):
    """A recipe cannot be read, or has an impossible setting."""

    exit_code = 2


class Settings(BaseModel):
    """A table of a recipe. The docstring below a field is what `--show-recipe` says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


@dataclass(frozen=True)
class Incompatible:
    """A combination of settings that is refused."""

    combination: str
    """The combination as text."""
    why: str
    """One line."""
    found: Callable[[Any], bool]
    """Returns True if a `dropgan.train.Recipe` has the combination."""
