"""Augmentation that both networks see, and through which the generator learns."""

import pytest
import torch
from torch import nn

from dropgan.train.objective.augment import augment


@pytest.mark.parametrize(
    "policy", [("colour",), ("translation",), ("cutout",), ("colour", "translation", "cutout")]
)
def test_augmentation_is_random_repeatable_and_differentiable(policy: tuple[str, ...]) -> None:
    """The generator learns through it; a resumed run must draw the same changes."""
    images = (torch.rand(6, 3, 16, 12) * 2 - 1).requires_grad_()
    outs = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        outs.append(augment(images, policy))
    assert torch.equal(outs[0], outs[1])
    assert not torch.equal(outs[0], outs[2])
    assert outs[0].shape == images.shape
    (gradient,) = torch.autograd.grad(outs[0].square().sum(), images)
    assert gradient.abs().sum((1, 2, 3)).min() > 0
    one = torch.ones(6, 1, 16, 16)
    torch.manual_seed(0)
    changed = augment(one, policy)
    assert any(not torch.equal(changed[0], other) for other in changed[1:])  # each in its own way


def test_augmentation_off_is_nothing() -> None:
    """No copy, no random number: the recipes without it must train as before."""
    images, before = torch.rand(2, 1, 4, 4), torch.get_rng_state()
    assert augment(images, ()) is images
    assert torch.equal(torch.get_rng_state(), before)


def test_translation_moves_and_fills_with_grey() -> None:
    """Every image is the original moved by at most an eighth, nothing interpolated."""
    torch.manual_seed(0)
    image = torch.rand(1, 2, 16, 16) + 0.5
    moved = augment(image.expand(64, -1, -1, -1), ("translation",))
    padded = nn.functional.pad(image, (2, 2, 2, 2))
    wanted = [padded[0, :, y : y + 16, x : x + 16] for y in range(5) for x in range(5)]
    found = [next(i for i, one in enumerate(wanted) if torch.equal(one, other)) for other in moved]
    assert len(set(found)) > 15


def test_cutout_cuts_one_square() -> None:
    """At most half of each side, the rest untouched."""
    torch.manual_seed(0)
    cut = augment(torch.ones(200, 2, 12, 12), ("cutout",))
    hole = cut == 0
    assert torch.equal(hole[:, 0], hole[:, 1])
    assert ((cut == 0) | (cut == 1)).all()
    rows, columns = hole[:, 0].any(2).sum(1), hole[:, 0].any(1).sum(1)
    assert rows.max() == columns.max() == 6
    assert torch.equal(hole[:, 0].sum((1, 2)), rows * columns)
