"""Combinations that no run begins with: each is refused, its neighbours are not, and the docs say so."""

import re
from pathlib import Path

import pytest

from dropgan.train import RecipeError, change_recipe, load_recipe
from dropgan.train.objective.penalties import PENALTIES, Penalty
from dropgan.train.recipes.incompatible import rules

Settings = dict[str, object]
BATCH: Settings = {
    "discriminator.normalisation": "batch",
    "discriminator.dropout": 0.0,
    "penalty.r1_weight": 0.0,
}
HINGE: Settings = {"training.loss": "hinge"}
AUTO: Settings = {"discriminator.dropout": "auto"}
CRITIC: Settings = {"training.loss": "wasserstein", "penalty.r1_weight": 0.0}

CASES: dict[str, tuple[Settings, Settings]] = {
    "batch norm and dropout": (
        {"generator.normalisation": "batch"},
        {"generator.normalisation": "batch", "generator.dropout_layers": "last"},
    ),
    "batch norm in the discriminator": ({**BATCH, "penalty.wgan_gp_weight": 10.0}, BATCH),
    "batch norm and spectral norm": (
        {**BATCH, "discriminator.spectral_norm": True},
        {**BATCH, "generator.spectral_norm": True},
    ),
    '`loss = "wasserstein"` without': (CRITIC, {**CRITIC, "discriminator.spectral_norm": True}),
    "`wgan_gp_weight` with": (
        {"penalty.wgan_gp_weight": 10.0},
        {"penalty.wgan_gp_weight": 10.0, "penalty.r1_weight": 0.0},
    ),
    "`approximate_r1_weight` with": (
        {"penalty.approximate_r1_weight": 100.0},
        {"penalty.approximate_r1_weight": 100.0, "penalty.r1_weight": 0.0, "penalty.r2_weight": 1.0},
    ),
    '`dropout = "auto"` with a': (
        {**AUTO, "discriminator.dropout_schedule": "late"},
        {**AUTO, "generator.dropout_schedule": "late"},
    ),
    "`held_out` without": ({"discriminator.held_out": 0.1}, {**AUTO, "discriminator.held_out": 0.1}),
    "`clusters` without": ({"clusters": 4}, {"clusters": 4, "conditional": True}),
    "`consistency_weight` without": (
        {"penalty.consistency_weight": 1.0, "discriminator.dropout": 0.0},
        {"penalty.consistency_weight": 1.0},
    ),
    '`dropout = "auto"` without': (
        {**AUTO, "training.loss": "relativistic"},
        {**AUTO, "training.loss": "relativistic", "discriminator.held_out": 0.1},
    ),
    "`label_smoothing` with": (
        {**HINGE, "training.label_smoothing": 0.1},
        {"training.loss": "minimax", "training.label_smoothing": 0.1},
    ),
}


@pytest.mark.parametrize("start", CASES)
def test_refused_and_its_neighbour_taken(start: str) -> None:
    """The message names the combination and why; the nearest sensible setting trains."""
    (rule,) = [rule for rule in rules() if rule.combination.startswith(start)]
    bad, good = CASES[start]
    with pytest.raises(RecipeError) as caught:
        change_recipe(load_recipe("mlp"), bad)
    assert f"{rule.combination} is refused: {rule.why}" in str(caught.value)
    change_recipe(load_recipe("mlp"), good)


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: penalty.weight)
def test_rules_of_penalties_hold_for_each(penalty: Penalty) -> None:
    """A penalty that was added must not slip past the rules that hold for all of them."""
    key = f"penalty.{penalty.weight}"
    with pytest.raises(RecipeError, match="batch norm in the discriminator"):
        change_recipe(load_recipe("mlp"), {**BATCH, key: 1.0})
    if penalty.slope is None:
        return
    other = "penalty.wgan_gp_weight" if penalty.slope == 0 else "penalty.r2_weight"
    with pytest.raises(RecipeError, match=r"`wgan_gp_weight` with .*`r2_weight`"):
        change_recipe(load_recipe("mlp"), {"penalty.r1_weight": 0.0, key: 1.0, other: 1.0})


@pytest.mark.parametrize("name", ["hinge", "wasserstein", "relativistic", "margin"])
def test_a_rule_that_losses_share_holds_for_each(name: str) -> None:
    """And says which they are."""
    settings = {"training.loss": name, "training.label_smoothing": 0.1, "discriminator.spectral_norm": True}
    with pytest.raises(RecipeError, match=f'`label_smoothing` with .*`loss = "{name}"`'):
        change_recipe(load_recipe("mlp"), settings)


def test_every_refusal_has_its_case() -> None:
    """A rule that nothing meets is no rule."""
    met = [rule.combination for start in CASES for rule in rules() if rule.combination.startswith(start)]
    assert sorted(met) == sorted(rule.combination for rule in rules())


def test_docs_have_the_same_table() -> None:
    """docs/training.md is where a user looks before trying."""
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    section = text.partition("## Refused combinations")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    assert rows[0] == ("refused", "why")
    assert rows[1:] == [(rule.combination, rule.why) for rule in rules()]
