"""Recipe files: layers, places in messages, comments, and what --show-recipe prints."""

from pathlib import Path

import pytest
import tomli_w
from pydantic.fields import FieldInfo

from dropgan.train import RecipeError, change_recipe, load_recipe, recipe_layers, recipe_names, show_recipe
from dropgan.train.networks import ARCHITECTURES
from dropgan.train.recipes.problems import settings_of
from dropgan.train.recipes.settings import recipe_type
from dropgan.train.recipes.show import recipes_with_descriptions
from dropgan.train.recipes.text import read_toml


def _file(folder: Path, text: str, name: str = "own.toml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def _every_setting() -> dict[str, FieldInfo]:
    """Those of every architecture."""
    found: dict[str, FieldInfo] = {}
    beside = ARCHITECTURES["mlp"]  # where an architecture has one network alone
    for architecture in ARCHITECTURES:
        generator = architecture.generator or beside.generator
        discriminator = architecture.discriminator or beside.discriminator
        assert generator is not None
        assert discriminator is not None
        found |= settings_of(recipe_type(generator.settings, discriminator.settings))
    return found


# What comes with dropgan


@pytest.mark.parametrize("name", recipe_names())
def test_every_setting_of_a_shipped_recipe_says_why(name: str) -> None:
    """A number without its reason cannot be changed with judgement."""
    layer = recipe_layers(name)[-1]
    description = recipes_with_descriptions()[name]
    assert len(description) > 30
    assert not description.endswith("al.")
    tables = {"generator", "discriminator", "penalty", "training", "output"}
    silent = [
        key
        for key, statement in layer.text.statements.items()
        if key not in {*tables, "name", "base"} and not (statement.behind or statement.above)
    ]
    assert silent == []


def test_every_setting_says_what_it_is() -> None:
    """--show-recipe and docs/training.md take it from there."""
    silent = [
        key for key, field in _every_setting().items() if "." in key and not (field.description or "").strip()
    ]
    assert silent == []


def test_docs_name_every_setting() -> None:
    """docs/training.md lists them; one that is forgotten there is not found by anyone."""
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    keys = [key for key in _every_setting() if "." in key or key in ("conditional",)]
    assert [key for key in keys if f"`{key}`" not in text] == []


# Layers


def test_a_file_gives_only_what_differs(tmp_path: Path) -> None:
    """The rest is the base's; the name is the file's own."""
    path = _file(tmp_path, 'base = "mlp"\n[generator]\ndropout = 0.1\n')
    recipe, base = load_recipe(path), load_recipe("mlp")
    assert recipe.name == "own"
    assert recipe == change_recipe(base, {"name": "own", "generator.dropout": 0.1})


def test_layers_upon_layers(tmp_path: Path) -> None:
    """A file based on a file beside it, from wherever it is read; the topmost value counts."""
    (tmp_path / "deep").mkdir()
    _file(tmp_path, 'base = "seed"\nname = "middle"\n[training]\nsteps = 5\nseed = 3\n', "middle.toml")
    path = _file(tmp_path / "deep", 'base = "../middle.toml"\n[training]\nsteps = 7\n', "top.toml")
    recipe = load_recipe(path)
    assert (recipe.name, recipe.training.steps, recipe.training.seed) == ("top", 7, 3)
    assert recipe.generator == load_recipe("seed").generator


def test_circles_and_wrong_bases_are_named(tmp_path: Path) -> None:
    """Rather than read for ever."""
    path = _file(tmp_path, 'base = "other.toml"\n')
    _file(tmp_path, 'base = "own.toml"\n', "other.toml")
    with pytest.raises(RecipeError, match=r"circle: .*own\.toml, .*other\.toml, .*own\.toml"):
        load_recipe(path)
    with pytest.raises(RecipeError, match=r"own\.toml: base names a recipe"):
        load_recipe(_file(tmp_path, "base = 3\n"))
    with pytest.raises(RecipeError, match="there is no recipe mpl"):
        load_recipe(_file(tmp_path, 'base = "mpl"\n'))


def test_a_runs_recipe_starts_another_run(tiny_run: Path) -> None:
    """recipe.toml of a run directory is a recipe too; [run] is about the other run."""
    assert load_recipe(str(tiny_run / "recipe.toml")).training.steps == 40


# Messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[generator]\n\ndropot = 0.1", r"line 4: .*generator\.dropot; did you mean generator\.dropout\?"),
        ("[training]\nr1_weight = 2", r"line 3: .*training\.r1_weight; did you mean penalty\.r1_weight\?"),
        ("[generatr]\nx = 1", r"line 2: there is no setting generatr; did you mean generator\?"),
        ("generator.droput = 0.1", r"line 2: .*did you mean generator\.dropout"),
        ('[training]\nsteps = "100"', r"line 3: training\.steps: .*valid integer, not '100'"),
        ("[generator]\ndropout = true", r"line 3: generator\.dropout: .*valid number, not True"),
        ("[generator]\ndropout = 2024-01-01", r"line 3: generator\.dropout: .*valid number"),
        (
            "[generator]\nhidden = [\n  8,\n  0,\n]",
            r"line 3: generator\.hidden\[1\]: .*greater than or equal",
        ),
        ("[training]\nschedule = 'cosine'", r"line 3: training\.schedule: .*'constant' or 'linear'"),
        ("generator = 5", r"line 2: generator is a table: write \[generator\]"),
        ('[training]\nloss = "wasserstein"', r"own\.toml: .*wgan_gp_weight.*is refused: the loss has no"),
    ],
)
def test_messages_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    """In a file of a hundred settings a key alone is not enough."""
    with pytest.raises(
        RecipeError, match=rf"own\.toml.*{message}" if message[0] == "l" else message
    ) as caught:
        load_recipe(_file(tmp_path, f'base = "mlp"\n{text}\n'))
    assert "\n" not in str(caught.value)


def test_messages_name_the_file_of_a_layer(tmp_path: Path) -> None:
    """The mistake is where it was made, not where it was noticed; all are named at once."""
    _file(tmp_path, 'base = "mlp"\n[training]\nbeta1 = 7\n', "base.toml")
    path = _file(tmp_path, 'base = "base.toml"\n[generator]\ndropout = -1\n')
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert "own.toml, line 3: generator.dropout" in str(caught.value)
    assert "base.toml, line 3: training.beta1" in str(caught.value)


def test_missing_settings_say_how_to_be_spared_of_them(tmp_path: Path) -> None:
    """A file of three lines is what most people want to write."""
    with pytest.raises(RecipeError, match=r'generator\.latent_dim is missing; base = "mlp"'):
        load_recipe(_file(tmp_path, "architecture = 'mlp'\n[generator]\nhidden = [4]\n"))


# Places and comments


def test_statements_are_found_by_line() -> None:
    """Lists and strings over several lines, # in strings, dotted and inline keys, quoted tables."""
    text = '''# head
# more
a = "x # y"  # why a

# about b
b = [
  1, # one
  2,
]  # why b
s = """
c = 3
# no comment
"""
[t]
"q k" = 1
u.v = {w = 2}  # inline
# last
z = 1
'''
    found = read_toml(text)
    lines = {key: statement.line for key, statement in found.statements.items()}
    assert found.head == ("head", "more")
    expected = {
        "a": 3,
        "b": 6,
        "s": 10,
        "t": 14,
        "t.q k": 15,
        "t.u": 16,
        "t.u.v": 16,
        "t.u.v.w": 16,
        "t.z": 18,
    }
    assert lines == expected
    assert found.statements["a"].behind == "why a"
    assert (found.statements["b"].above, found.statements["b"].behind) == (("about b",), "why b")
    assert found.statements["t.u.v.w"].behind == "inline"
    assert found.statements["t.z"].above == ("last",)


# --show-recipe


@pytest.mark.parametrize("name", recipe_names())
def test_a_shown_recipe_is_a_recipe(tmp_path: Path, name: str) -> None:
    """Saved and given back it says the same, comments included, however often."""
    recipe = load_recipe(name)
    text = show_recipe(recipe, recipe_layers(name))
    path = _file(tmp_path, text, "shown.toml")
    assert load_recipe(path) == recipe
    assert show_recipe(load_recipe(path), recipe_layers(path)) == text
    for statement in recipe_layers(name)[-1].text.statements.values():
        assert statement.behind in text


def test_a_changed_value_is_shown_without_the_reason_of_the_old_one(tmp_path: Path) -> None:
    """ "Worth more than anything else" must not stand behind 0."""
    layers = recipe_layers("mlp")
    recipe = change_recipe(load_recipe("mlp"), {"penalty.r1_weight": 0})
    line = next(line for line in show_recipe(recipe, layers).splitlines() if line.startswith("r1_weight"))
    assert line == "r1_weight = 0.0"
    path = _file(tmp_path, 'base = "mlp"\n[penalty]\n# ours\nr1_weight = 0.5 # half\n')
    text = show_recipe(load_recipe(path), recipe_layers(path))
    assert "# ours\n" in text
    assert "r1_weight = 0.5  # half\n" in text
    assert "worth more" not in text


def test_what_is_written_plainly_is_read_too(tmp_path: Path) -> None:
    """A recipe.toml without comments, as runs write it."""
    recipe = load_recipe("seed")
    path = _file(tmp_path, tomli_w.dumps(recipe.model_dump(mode="json")))
    assert load_recipe(path) == recipe
