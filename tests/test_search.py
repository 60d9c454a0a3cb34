"""The search for a better recipe asks for settings that there are."""

import pytest
import torch

from benchmarks.search import PIECES, changes
from benchmarks.search_parts import SanHead, register
from dropgan.train import change_recipe, load_recipe
from dropgan.train.networks import ARCHITECTURES
from dropgan.train.objective.losses import LOSSES


@pytest.mark.parametrize("piece", PIECES)
def test_every_piece_is_a_recipe(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting would end a search of hours when its turn comes."""
    monkeypatch.setattr(ARCHITECTURES, "_things", dict(ARCHITECTURES._things))
    register()
    change_recipe(load_recipe("conv"), changes(piece))


def test_later_pieces_win() -> None:
    """Or a table would name a run by settings that it did not have."""
    assert changes("narrow + wide") == PIECES["wide"]
    assert changes("as it is") == {}


def test_a_normalised_last_layer_trains_features_and_direction_apart() -> None:
    """A candidate that is built wrongly would be counted out for nothing."""
    torch.manual_seed(0)
    head, labels = SanHead(6, 3), torch.arange(8) % 3
    features = torch.randn(8, 6, requires_grad=True)
    real, generated = head(features, labels).chunk(2)
    LOSSES["non-saturating"].discriminator(real, generated).backward()

    weight = (head.weight + head.embedding(labels)).detach()  # type: ignore[misc]
    direction = torch.nn.functional.normalize(weight, dim=1)
    again = features.detach().requires_grad_(True)
    plain = (direction * again).sum(1, keepdim=True) + head.bias.detach()
    LOSSES["non-saturating"].discriminator(*plain.chunk(2)).backward()
    torch.testing.assert_close(features.grad, again.grad)

    free = head.weight.detach().expand(8, -1).clone().requires_grad_(True)
    turned = torch.nn.functional.normalize(free + head.embedding(labels).detach(), dim=1)  # type: ignore[misc]
    wasserstein = (turned * features.detach()).sum(1)
    (wasserstein[4:].mean() - wasserstein[:4].mean()).backward()
    torch.testing.assert_close(head.weight.grad, free.grad.sum(0, keepdim=True))
