"""What an address says; a wrong one is refused rather than guessed."""

import hashlib

import pytest

from dropgan.serve import InputError
from dropgan.serve.http.addresses import NotFound, parse
from dropgan.serve.seeds import seed_number


def test_an_address_in_full() -> None:
    """Every part is taken for what it is."""
    found = parse(b"7", b"10-19.tar", b"label=Bag&truncation=0.5")
    assert (found.seed, found.start, found.count, found.single) == (7, 10, 10, False)
    assert (found.suffix, found.label, found.truncation, found.scale) == ("tar", "Bag", 0.5, 1)
    assert parse(b"7", b"3.png", b"scale=4").scale == 4


@pytest.mark.parametrize("text", ["ada", "Grüße", "猫", "0x10", "-1", "1.5", str(2**64), " 7", "٣"])
def test_a_word_is_a_seed(text: str) -> None:
    """A picture of a user's name must be the same in every program and release."""
    expected = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    assert seed_number(text) == expected
    quoted = "".join(f"%{byte:02X}" for byte in text.encode()).encode()
    assert parse(quoted, b"0.png", b"").seed == expected


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("007", 7), (str(2**64 - 1), 2**64 - 1)])
def test_digits_are_a_number(text: str, number: int) -> None:
    """`--seed 7` and the address /7/ are the same samples."""
    assert seed_number(text) == number
    assert seed_number(number) == number


@pytest.mark.parametrize(
    "last", [b"7", b"7.gif", b"x.png", b"-1.png", b"07.png", b"1-.png", b"1-2.webp", b"7.tar", b"7.png/", b""]
)
def test_what_is_no_address(last: bytes) -> None:
    """One thing has one address: nothing is read as something near it."""
    with pytest.raises(NotFound):
        parse(b"1", last, b"")


@pytest.mark.parametrize(
    ("last", "query"),
    [
        (b"5-4.png", b""),
        (b"%d.png" % 2**60, b""),
        (b"0-%d.npy" % 2**60, b""),
        (b"0.png", b"scale=0"),
        (b"0.png", b"scale=33"),
        (b"0.png", b"scale=1.5"),
        (b"0.npy", b"scale=2"),
        (b"0.png", b"truncation=0"),
        (b"0.png", b"truncation=1.1"),
        (b"0.png", b"truncation=nan"),
        (b"0.png", b"truncation=1e-1"),
        (b"0.png", b"v=2"),
        (b"0.png", b"scale"),
        (b"0.png", b"scale=2&scale=2"),
        (b"0.png", b"label=%FF"),
    ],
)
def test_what_is_out_of_range(last: bytes, query: bytes) -> None:
    """A query that means nothing would give one picture many addresses, each cached for a year."""
    with pytest.raises(InputError):
        parse(b"1", last, query)


@pytest.mark.parametrize("seed", [b"", b"%FF", b"%ED%A0%80"])
def test_what_is_no_seed(seed: bytes) -> None:
    """Bytes that are no text have no seed."""
    with pytest.raises(InputError):
        parse(seed, b"0.png", b"")
