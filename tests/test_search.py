"""The search for a better recipe asks for settings that there are."""

import pytest

from benchmarks.search import PIECES, changes
from dropgan.train import change_recipe, load_recipe


@pytest.mark.parametrize("piece", PIECES)
def test_every_piece_is_a_recipe(piece: str) -> None:
    """A misspelt setting would end a search of hours when its turn comes."""
    change_recipe(load_recipe("conv"), changes(piece))


def test_later_pieces_win() -> None:
    """Or a table would name a run by settings that it did not have."""
    assert changes("narrow + wide") == PIECES["wide"]
    assert changes("as it is") == {}
