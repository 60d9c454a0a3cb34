"""Make labels.json: golden vectors of the label streams, from their definitions in plain Python.

    python tests/golden/make_labels.py            writes labels.json beside this script
    python tests/golden/make_labels.py --check    says whether labels.json is what it would write

Shares nothing with dropgan's own implementations but Philox as make_latents.py has it. Every
language's implementation must agree with the file exactly.
"""

import argparse
import json
import sys
from pathlib import Path

from make_latents import philox4x64  # type: ignore[import-not-found]

STREAM = "philox4x64-multiplyhigh-v1"

CLASSES = (1, 2, 3, 10, 1000, 2**20)
COUNTS = ([5], [62, 38], [0, 3, 0, 0, 4, 0], [2**32 - 2, 1], [1000 * place + 1 for place in range(30)])
SEEDS = (0, 1, 2**63, 2**64 - 1)
STARTS = (0, 6_999_999, 2**32 - 1, 2**53 + 1, 2**60 - 9)
COUNT = 9  # three blocks, begun at each of their four words


def label(seed: int, index: int, classes: int, counts: list[int]) -> int:
    """The place of the class of sample ``index``: all equally often, or as often as ``counts`` say."""
    block, word = divmod(index, 4)
    drawn = philox4x64(block + 1, (seed, 1))[word] * (sum(counts) or classes) // 2**64
    if not counts:
        return drawn
    return next(place for place in range(classes) if drawn < sum(counts[: place + 1]))


def document() -> str:
    """The JSON text; 64-bit numbers are strings, because JSON readers round beyond 2**53."""
    lines = [
        json.dumps(
            {
                "classes": classes,
                "counts": counts,
                "seed": str(seed),
                "start": str(start),
                "words": [f"{word:016x}" for word in philox4x64(start // 4 + 1, (seed, 1))],
                "labels": [label(seed, start + place, classes, counts) for place in range(COUNT)],
            }
        )
        for classes, counts in [(classes, []) for classes in CLASSES]
        + [(len(counts), counts) for counts in COUNTS]
        for seed in SEEDS
        for start in STARTS
    ]
    return f'{{"stream": "{STREAM}", "cases": [\n  ' + ",\n  ".join(lines) + "\n]}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    path = Path(__file__).with_name("labels.json")
    text = document()
    if not parser.parse_args().check:
        path.write_text(text, "utf-8")
    elif path.read_text("utf-8") != text:
        sys.exit(f"{path.name} is not what this script makes")


if __name__ == "__main__":
    main()
