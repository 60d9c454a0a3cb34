"""Recipe ``auto``: the data choose the recipe, and whether their labels are learned."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropgan.serve.reporter import Reporter
from dropgan.train import RecipeError, RunDirectory, RunError, change_recipe, load_recipe, resume, train
from dropgan.train.data import load_data
from dropgan.train.kinds import training_kind
from dropgan.train.networks import ARCHITECTURES
from dropgan.train.networks.conv import ConvGeneratorSettings
from dropgan.train.networks.size import require_room
from dropgan.train.recipes import Asked, asked_recipe
from dropgan.train.recipes.auto import ENOUGH, TABLE, ClassCount, Seen, choose
from dropgan.train.run.plan import Wanted
from dropgan.train.run.seen import seen_in
from dropgan.train.run.session import prepare
from dropgan.train.run.source import DataSource
from dropgan.train.run.start import Start, new_or_begun_run

FIXED: dict[str, Any] = {"device": "cpu", "precision": "fp32", "threads": 1}
SMALL = {
    "training.batch_size": 4,
    "generator.latent_dim": 8,
    "generator.hidden": [4],
    "discriminator.hidden": [4],
    "generator.dense": [],
    "discriminator.dense": [],
}
RANDOM = np.random.default_rng(0)


def _seen(*shape: int, count: int = 1000, **more: Any) -> Seen:
    """Of a shape as networks have it: (channels, height, width), or (columns,)."""
    kind = training_kind("images" if len(shape) == 3 else "vectors")
    return Seen(kind.spec((*shape[1:], shape[0]), 0, {}), count, **more)


def _graphs(*edge_types: str) -> Seen:
    about = {"node_types": ["node"], "edge_types": edge_types or ["edge"], "sizes_vary": False}
    return Seen(training_kind("graphs").spec((7, 7), 0, about), 853)


def _finest(asked: Asked, seen: Seen) -> int:
    generator = asked.settled(seen)[0].generator
    assert isinstance(generator, ConvGeneratorSettings)
    return generator.finest


def _classes(*counts: int) -> tuple[ClassCount, ...]:
    return tuple(ClassCount(name, count) for name, count in zip("abcdefgh", counts, strict=False))


@pytest.mark.parametrize(
    ("seen", "recipe", "reason"),
    [
        (_seen(1, 28, 28), "conv", "1,000 grey pictures of 28x28, since convolutions learn pictures best"),
        (_seen(3, 64, 48, count=10), "conv", "10 colour pictures of 48x64"),
        (_seen(3, 8, 64), "conv", "64x8"),
        (_seen(3, 8, 65), "mlp", "strips of 65x8 are mostly cut off"),
        (_seen(12, count=442), "mlp", "442 rows of 12 columns, since dense layers"),
        (_seen(1, 28, 28, architecture="mlp"), "mlp", "it begins from a run of them"),
        (_seen(1, 28, 28, architecture="resnet"), "conv", "convolutions learn"),
        (_graphs(), "graphs", "853 graphs of up to 7 nodes, since graph convolutions do not depend on"),
        (_graphs("single", "double"), "molecules", "types of nodes and edges hang together"),
    ],
)
def test_each_row_of_the_table(seen: Seen, recipe: str, reason: str) -> None:
    """Pictures would be drawn as blobs without a word, or a table would end in an error."""
    chosen = choose(seen)
    assert chosen.recipe == recipe
    assert reason in chosen.why
    assert "\n" not in chosen.why


def test_rows_name_what_there_is() -> None:
    """A row with a wrong name would fail only once data of its kind came."""
    for row in TABLE:
        assert load_recipe(row.recipe).generator.architecture == row.architecture
        assert row.architecture in [one.name for one in ARCHITECTURES]
    rows = {row.recipe for row in TABLE}
    assert rows == {"conv", "graphs", "mlp", "molecules"}, "a new row needs a case above"


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 4, 32), (1, 5, 7), (3, 31, 33), (1, 28, 28), (3, 512, 512)])
def test_the_chosen_recipe_can_be_built(shape: tuple[int, ...]) -> None:
    """A size that convolutions cannot take would be refused after it was chosen."""
    recipe = load_recipe(choose(_seen(*shape)).recipe)
    require_room(recipe, _seen(*shape).spec, 2**62, trained=False)


@pytest.mark.parametrize(
    ("classes", "used", "said"),
    [
        (_classes(ENOUGH, ENOUGH), True, f"2 classes of {ENOUGH} each"),
        (_classes(ENOUGH, 2586), True, f"2 classes of {ENOUGH} to 2,586 pictures"),
        (_classes(900, 5, 900), False, f"class b has 5 of the {ENOUGH} pictures that each class needs"),
        (_classes(900, 5, 7), False, "and 1 more are as small"),
        (_classes(1000), False, "convolutions learn pictures best"),
        ((), False, "convolutions learn pictures best"),
    ],
)
def test_labels_are_used_where_each_class_has_enough(
    classes: tuple[ClassCount, ...], used: bool, said: str
) -> None:
    """Labels halve the distance; a class of five pictures would be learned by heart and drawn as often."""
    seen = _seen(3, 32, 32, classes=classes)
    chosen = choose(seen)
    assert (chosen.conditional, chosen.clusters) == (True, 0 if used else 3), "clusters stand in for labels"
    assert said in chosen.why
    assert chosen.why.startswith("recipe conv with labels," if used else "recipe conv with clusters,")
    for asked in (True, False):
        said_so = choose(seen, asked)
        assert (said_so.conditional, said_so.clusters) == (asked, 0)


@pytest.mark.parametrize(("count", "clusters"), [(599, 0), (600, 2), (3786, 12), (4800, 16), (10**6, 16)])
def test_clusters_have_enough_pictures(count: int, clusters: int) -> None:
    """Few pictures would be learned by heart in clusters of a handful."""
    assert choose(_seen(3, 32, 32, count=count)).clusters == clusters
    assert choose(_seen(3, 32, 32, count=count)).conditional is (clusters > 0)
    assert choose(_seen(12, count=count)).clusters == 0, "rows of a table are no pictures"
    assert choose(_seen(3, 32, 32, count=count), None, 5).clusters == 5


def test_grey_clusters_have_a_layer_at_full_resolution() -> None:
    """It is worth a slower file only there. Training that starts from a generator keeps that one's layers, or
    they would begin anew. Whoever sets it is obeyed."""
    grey, colour = _seen(1, 28, 28, count=9000), _seen(3, 32, 32, count=9000)
    assert _finest(asked_recipe(), grey) == 8
    assert _finest(asked_recipe(settings={"generator.finest": 0}), grey) == 0
    assert _finest(asked_recipe(conditional=False), grey) == 0
    assert _finest(asked_recipe(), colour) == 0
    for earlier in (0, 8):
        assert _finest(asked_recipe(), replace(grey, finest=earlier)) == earlier
        assert _finest(asked_recipe(), replace(colour, finest=earlier)) == earlier
    assert "full resolution" in choose(grey).why
    assert "full resolution" not in choose(colour).why


def test_a_number_of_clusters_needs_no_word_about_labels() -> None:
    """`--set clusters=5` is enough, with a named recipe or the one for the data, and 0 turns them off."""
    seen = _seen(3, 32, 32, count=5000)
    for name in ("conv", "auto"):
        recipe, _ = asked_recipe(name, settings={"clusters": "5"}).settled(seen)
        assert (recipe.clusters, recipe.conditional) == (5, True)
    recipe, _ = asked_recipe(settings={"clusters": 0}).settled(seen)
    assert (recipe.clusters, recipe.conditional) == (0, False)
    with pytest.raises(RecipeError, match="2 or more, or 0 for none"):
        asked_recipe(settings={"clusters": 1})


def test_labels_of_a_table_are_used_on_request_alone() -> None:
    """A column would turn from data to classes unasked."""
    assert not choose(_seen(3, classes=_classes(900, 900))).conditional


def test_what_is_seen_in_data() -> None:
    """Counts without the class that has none, and by the names that the user knows."""
    images = RANDOM.integers(0, 256, (30, 8, 8), dtype=np.uint8)
    named = load_data(images, labels=["cat"] * 25 + ["dog"] * 5)
    assert seen_in(named).classes == (ClassCount("cat", 25), ClassCount("dog", 5))
    gaps = load_data(images, labels=[7] * 10 + [3] * 20)
    assert seen_in(gaps).classes == (ClassCount("3", 20), ClassCount("7", 10))
    negative = seen_in(load_data(images, labels=[-1] * 10 + [0] * 20))
    assert "label below 0" in negative.unusable
    assert not choose(negative).conditional
    assert "without labels" in choose(negative).why
    assert seen_in(load_data(images)).classes == ()


def test_a_setting_of_no_recipe_is_refused_before_data_are_read() -> None:
    """A typing error would be told after an hour of decoding."""
    with pytest.raises(RecipeError, match=r"no setting generator\.dropot; did you mean generator\.dropout"):
        asked_recipe(settings={"generator.dropot": 0.1})
    of_one = asked_recipe(settings={"discriminator.texture_weight": 1.0})
    with pytest.raises(RecipeError, match=r"in mlp.*recipe conv was chosen by the data: --recipe NAME"):
        of_one.settled(_seen(1, 28, 28))
    assert of_one.settled(_seen(4))[0].discriminator.texture_weight == 1.0  # type: ignore[attr-defined]
    spelled = asked_recipe(settings={"conditional": "true"})
    assert spelled.settled(_seen(1, 28, 28))[1].conditional


def test_a_run_records_what_was_chosen_and_goes_on_with_it(tmp_path: Path, image_file: Path) -> None:
    """Resuming, repeating and the same command again must not choose anew, nor lose the reason."""
    said: list[str] = []
    reporter = Reporter(say=said.append)
    settings = {**SMALL, "training.steps": 2}
    labels = np.arange(200) % 2
    images = np.load(image_file)[:, :12, :12]
    run = train(tmp_path / "a", data=images, labels=labels, settings=settings, reporter=reporter, **FIXED)
    recipe, facts = run.read_recipe()
    assert (recipe.name, recipe.conditional) == ("conv", True)
    assert facts.auto.recipe == "conv"
    assert facts.auto.why == said[0]
    assert resume(run, steps=3, data=images, labels=labels).read_recipe()[1].auto == facts.auto
    again = train(tmp_path / "b", like=run, data=images, labels=labels)
    assert again.read_recipe()[1].auto == facts.auto
    assert again.read_recipe()[0].conditional


def test_the_same_call_goes_on_with_what_was_chosen(tmp_path: Path, image_file: Path) -> None:
    """`dropgan run` again, and again with another recipe: the first goes on, the second is refused."""
    run, source = RunDirectory(tmp_path / "a"), DataSource(str(image_file))

    def again(*recipe: Any, **changes: Any) -> Start:
        asked = asked_recipe(*recipe, steps=1, settings={**SMALL, **changes})
        return new_or_begun_run(run, asked, source, Wanted("cpu", "fp32", 1))

    prepare(again())
    assert again().begun is not None
    with pytest.raises(RunError, match=r"generator\.dropout was 0\.03, now 0\.2"):
        again(**{"generator.dropout": 0.2})
    mlp = change_recipe(load_recipe("mlp"), {"training.steps": 1, "training.batch_size": 4})
    with pytest.raises(RunError, match="name was conv, now mlp"):
        new_or_begun_run(run, Asked(mlp), source, Wanted("cpu"))
    named = RunDirectory(tmp_path / "b")
    prepare(new_or_begun_run(named, Asked(mlp), source, Wanted("cpu", "fp32", 1)))
    with pytest.raises(RunError, match="recipe was mlp, now auto"):
        new_or_begun_run(named, Asked(), source, Wanted("cpu"))


def test_fine_tuning_takes_the_recipe_whose_weights_fit(tmp_path: Path, image_file: Path) -> None:
    """`--init-from` a run of dense layers would be refused, as none of them fits convolutions."""
    mlp = {"training.steps": 1, "training.batch_size": 4}
    first = train(tmp_path / "a", "mlp", data=str(image_file), settings=mlp, **FIXED)
    tuned = train(tmp_path / "b", init_from=first, data=str(image_file), settings=mlp, **FIXED)
    assert RunDirectory(tuned).read_recipe()[0].name == "mlp"


def test_a_wrong_value_of_a_setting_that_one_recipe_has_is_what_is_said() -> None:
    """Someone with graphs read that the setting does not exist, from the recipe of pictures."""
    with pytest.raises(RecipeError, match=r"generator\.edge_limits: .*, not 'maybe'"):
        asked_recipe(settings={"generator.edge_limits": "maybe"})
    with pytest.raises(RecipeError, match=r"there is no setting generator\.edge_limit; did you mean"):
        asked_recipe(settings={"generator.edge_limit": "maybe"})
