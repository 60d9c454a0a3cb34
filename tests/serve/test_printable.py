"""Text of strangers, made fit to be shown."""

import tomllib

import pytest

from dropgan.serve.parsing import MAX_DEPTH, parse_json, parse_toml
from dropgan.serve.printable import as_text, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ankle boot", "Ankle boot"),
        ("größe, 猫, 👩‍👧, नमस्ते", "größe, 猫, 👩‍👧, नमस्ते"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("a\nerror: forged", r"a\nerror: forged"),
        ("50%\r100%", r"50%\r100%"),
        ("\x9b31m", r"\x9b31m"),
        ("exe\u202egnp.txt", r"exe\u202egnp.txt"),
        ("\u2066x\u2069\u200e\u200f\u061c", r"\u2066x\u2069\u200e\u200f\u061c"),
        ("a\u200bb\ufeff\u00ad", r"a\u200bb\ufeff\xad"),
        ("\u2028\u2029\x00\x7f", r"\u2028\u2029\x00\x7f"),
        ("\U000e0041", r"\U000e0041"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_what_would_act_is_shown_as_an_escape(text: str, shown: str) -> None:
    """A name cannot rewrite the terminal, forge a line, reverse what follows, or end in an encoding error."""
    assert printable(text) == shown
    printable(text).encode()


def test_every_character_is_safe_or_escaped() -> None:
    """No code point is left that moves the cursor or the reading direction, in any Unicode."""
    bidirectional = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    for code in (*range(0x20), *range(0x7F, 0xA0), *map(ord, bidirectional), *range(0xD800, 0xE000, 97)):
        assert printable(chr(code)).startswith("\\"), hex(code)
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    assert len(printable(everything).splitlines()) == 1


def test_names_that_are_kept_lose_only_what_utf8_cannot_hold() -> None:
    """A name in a card is data: an escape in it stays, and is made visible where it is shown."""
    assert as_text("a\x1b\u202e") == "a\x1b\u202e"
    assert as_text(b"caf\xe9".decode("utf-8", "surrogateescape")) == r"caf\xe9"


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 100_000])
def test_deep_json_is_an_error_and_no_recursion(opening: str, depth: int) -> None:
    """Whatever depth the parser of this Python allows itself, what comes back can be walked."""
    closing = "]" if opening == "[" else "}"
    with pytest.raises(ValueError, match="deep"):
        parse_json(opening * depth + "1" + closing * depth)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 20_000])
@pytest.mark.parametrize("form", ["list", "table", "dots"])
def test_deep_toml_is_an_error_and_no_recursion(form: str, depth: int) -> None:
    """Dotted keys make depth without a bracket."""
    if form == "dots" and depth > 900:
        pytest.skip("tomllib takes quadratic time for one key")
    text = {
        "list": "a = " + "[" * depth + "]" * depth,
        "table": "a = " + "{b = " * depth + "1" + "}" * depth,
        "dots": ".".join("a" * depth) + " = 1",
    }[form]
    with pytest.raises(ValueError, match="deep"):
        parse_toml(text)


def test_a_number_of_more_digits_than_python_reads() -> None:
    """Of a recipe or an option; tomllib's own error is none of its own kind."""
    with pytest.raises(tomllib.TOMLDecodeError, match="too many digits"):
        parse_toml("steps = " + "9" * 5000)


def test_what_is_not_deep_is_read() -> None:
    """The limit is far above what dropgan writes."""
    assert parse_json("[" * 50 + "]" * 50)
    assert parse_json(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    assert parse_toml("a.b.c = [[1], [2]]") == {"a": {"b": {"c": [[1], [2]]}}}
