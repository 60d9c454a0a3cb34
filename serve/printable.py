"""Make untrusted text safe to print."""

import unicodedata

# Controls (escapes, line ends), surrogates (bytes that are not UTF-8), line and paragraph separators, and
# format characters: those that turn the reading direction round, and those that nobody sees.
_UNSAFE = {"Cc", "Cs", "Cf", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need


def printable(text: str) -> str:
    r"""Return ``text`` with every character that would act rather than be seen written as an escape.

    The name of a class, a column or a file may contain anything: escape sequences that rewrite the terminal,
    line ends that forge a line of their own, controls that reverse the text after them, bytes that are not
    text. Letters of every script, accents and emoji are kept.

    Returns:
        One line, which every encoding of Unicode can hold: ``\x1b`` for an escape, ``\u202e`` for a
        right-to-left override, ``\xe9`` for a byte of a file name that is not UTF-8.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) if _acts(letter) else letter for letter in text)


def as_text(text: str) -> str:
    r"""Return ``text`` with everything that UTF-8 cannot encode as an escape, such as ``\xe9`` for a byte."""
    if text.isascii():
        return text
    return "".join(_escaped(letter) if unicodedata.category(letter) == "Cs" else letter for letter in text)


def _acts(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSAFE and letter not in _JOINERS


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # Python's stand-in for a byte that is not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
