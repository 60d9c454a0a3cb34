"""The source of samples on the command line: a model file or a service, and a seed."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dropgan.serve.errors import InputError

from .output import say

if TYPE_CHECKING:
    from dropgan.serve import Client


def source(model: str) -> "Path | Client":
    """Return the named file or service."""
    from dropgan.serve.client import KEY_VARIABLE, Client, is_address

    return Client(model, key=os.environ.get(KEY_VARIABLE)) if is_address(model) else Path(model)


def seed_of(seed: str, *, quiet: bool) -> int:
    """Return the number of a seed. The number of a word is reported, for programs that take only numbers."""
    from dropgan.serve.seeds import seed_number

    try:
        number = seed_number(seed)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
    if seed.lstrip("0") != str(number).lstrip("0"):
        say(f"seed {seed!r} is text and stands for {number}", quiet=quiet)
    return number
