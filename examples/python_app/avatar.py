"""A picture for every user name: the same name gives the same picture, in every language.

python avatar.py model.onnx alice@example.org -o alice.png
"""

import argparse
import hashlib
import sys
from pathlib import Path

from dropgan.serve import DropganError, Generator, encode_png


def seed_of(name: str) -> int:
    """64 bits of the name's digest: a stream of samples of its own."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("name")
    parser.add_argument("-o", "--out", type=Path, default=Path("avatar.png"))
    arguments = parser.parse_args()
    try:
        generator = Generator(arguments.model, device="cpu", threads=1)
        (image,) = generator.sample(1, seed=seed_of(arguments.name))
        enlarged = image.repeat(8, axis=0).repeat(8, axis=1)
        arguments.out.write_bytes(encode_png(enlarged))
    except DropganError as error:
        sys.exit(f"avatar: {error}")


if __name__ == "__main__":
    main()
