"""Golden vectors of seeds from text, by hashlib: python tests/golden/make_seeds.py

A seed of decimal digits below 2**64 is that number. Of any other text it is the first 8 bytes,
big-endian, of the SHA-256 of its UTF-8. Numbers are texts here, since JSON's are doubles in most readers.
"""

import hashlib
import json
import sys
from pathlib import Path

TEXTS = (
    "0", "7", "007", "18446744073709551615", "18446744073709551616", "-1", "1.5", "0x10", " 7", "7 ",
    "ada", "Ada", "Grüße", "猫", "🦊", "a/b?c=d&e", "user@example.org", "٣", "e\u0301", "\u00e9",
    "x" * 55, "x" * 56, "x" * 64, "x" * 1000, "naïve café " * 12,
)  # fmt: skip


def seed(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 2**64:
        return int(text)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big")


if __name__ == "__main__":
    vectors = [{"text": text, "seed": str(seed(text))} for text in TEXTS]
    path, made = Path(__file__).with_name("seeds.json"), json.dumps(vectors, indent=1) + "\n"
    if "--check" in sys.argv:
        sys.exit(path.read_text("utf-8") != made)
    path.write_text(made, "utf-8")
