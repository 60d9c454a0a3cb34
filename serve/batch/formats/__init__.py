"""The shard formats, one per module: the module's name is the format's name, and its `FORMAT` the format."""

from typing import TYPE_CHECKING

from ...errors import InputError
from ...registry import Registry

if TYPE_CHECKING:  # the command line wants the names at once, numpy only to sample
    from ...card import Card
    from ..format import Format

FORMATS: "Registry[Format]" = Registry(__name__, "FORMAT")


def format_named(name: str) -> "Format":
    """Return the format of a name.

    Raises:
        InputError: There is no format of that name.
    """
    found = FORMATS.get(name)
    if found is None:
        raise InputError(f"the format must be one of {', '.join(FORMATS.names)}, not {name!r}")
    return found


def view_for(format_: "Format", card: "Card") -> str:
    """Return the view in which a format holds a model's samples.

    Raises:
        InputError: The format cannot hold them. The message lists the formats that can.
    """
    view = format_.view(card)
    if view is None:
        from ...kinds import kind_of

        reason = kind_of(card).lacks(card, next(iter(format_.ways)))
        fitting = [name for name in FORMATS.names if format_named(name).view(card) is not None]
        raise InputError(
            f"format {format_.name} holds {' or '.join(format_.ways)}, this model {reason};"
            f" formats for it: {', '.join(fitting)}"
        )
    return view
