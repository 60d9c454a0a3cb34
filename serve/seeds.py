"""Turn text into seeds: any word is a seed."""

import hashlib

from .errors import InputError

MAX_SEED = 2**64 - 1


def seed_number(seed: int | str) -> int:
    """Return the number that a seed stands for.

    Args:
        seed: A number, or text. ASCII digits below 2**64 are that number. Of any other text, the
            seed is the first 8 bytes, big-endian, of the SHA-256 of its UTF-8;
            ``tests/golden/seeds.json`` has examples that every implementation must match.

    Returns:
        0 to 2**64 - 1 for text; a number is returned unchanged.

    Raises:
        InputError: The text is empty, or has no UTF-8 form.
    """
    if not isinstance(seed, str):
        return seed
    if not seed:
        raise InputError("a seed is a number or a word, not an empty text")
    if seed.isascii() and seed.isdigit() and len(seed.lstrip("0")) <= 20:
        number = int(seed)
        if number <= MAX_SEED:
            return number
    try:
        digest = hashlib.sha256(seed.encode("utf-8")).digest()
    except UnicodeEncodeError as error:
        raise InputError("a seed must be text that UTF-8 can encode, without lone surrogates") from error
    return int.from_bytes(digest[:8], "big")
