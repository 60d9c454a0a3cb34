"""Make latents.json: golden vectors of the latent stream, from its definition in plain Python.

    python tests/golden/make_latents.py            writes latents.json beside this script
    python tests/golden/make_latents.py --check    says whether latents.json is what it would write

Shares nothing with dropgan's own implementations: whole-number arithmetic for Philox4x64-10 (Salmon
et al., SC 2011), the float64 functions of ``math`` for Box-Muller. Every language's implementation
must agree with the file: the words exactly, the latents within 5e-6.
"""

import argparse
import json
import math
import sys
from pathlib import Path

STREAM = "philox4x64-boxmuller-v1"
TOLERANCE = 5e-6

DIMS = (1, 7, 8, 9, 64, 100)
SEEDS = (0, 1, 2**63, 2**64 - 1)
STARTS = (0, 6_999_999, 2**32 - 1, 2**53 + 1, 2**60 - 2)  # each case crosses from its start to the next
COUNT = 2
WIDE_DIM = 200  # 25 blocks a latent: block numbers beyond 2**64 at the end of the index line

_MASK = 2**64 - 1
_ROUNDS = 10
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)


def philox4x64(counter: int, key: tuple[int, int]) -> tuple[int, int, int, int]:
    """The four 64-bit words of one block, for a 256-bit counter."""
    a, b, c, d = ((counter >> (64 * place)) & _MASK for place in range(4))
    first, second = key
    for _ in range(_ROUNDS):
        left, right = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (
            (right >> 64) ^ b ^ first,
            right & _MASK,
            (left >> 64) ^ d ^ second,
            left & _MASK,
        )
        first, second = (first + _WEYL[0]) & _MASK, (second + _WEYL[1]) & _MASK
    return a, b, c, d


def words(seed: int, index: int, dim: int) -> list[int]:
    """All 64-bit words that sample ``index`` owns."""
    blocks = -(-dim // 8)
    found: list[int] = []
    for block in range(index * blocks, (index + 1) * blocks):
        found += philox4x64(block + 1, (seed, 0))
    return found


def latent(seed: int, index: int, dim: int) -> list[float]:
    """The latent of sample ``index``, in float64."""
    values: list[float] = []
    for word in words(seed, index, dim):
        radius = math.sqrt(-2 * math.log(_uniform(word & 0xFFFFFFFF)))
        angle = 2 * math.pi * _uniform(word >> 32)
        values += (radius * math.cos(angle), radius * math.sin(angle))
    return values[:dim]


def _uniform(half: int) -> float:
    return ((half >> 9) + 0.5) / 2**23


def document() -> str:
    """The JSON text; 64-bit numbers are strings, because JSON readers round beyond 2**53."""
    chosen = [(dim, seed, start) for dim in DIMS for seed in SEEDS for start in STARTS]
    chosen += [(WIDE_DIM, 3, 2**60 - 2)]
    cases = [
        {
            "dim": dim,
            "seed": str(seed),
            "start": str(start),
            "count": COUNT,
            "words": [f"{word:016x}" for word in words(seed, start, dim)[:4]],
            "latents": [float(f"{v:.9g}") for i in range(COUNT) for v in latent(seed, start + i, dim)],
        }
        for dim, seed, start in chosen
    ]
    head = {"stream": STREAM, "tolerance": TOLERANCE}
    lines = ",\n".join(f"  {json.dumps(case)}" for case in cases)
    return f'{json.dumps(head)[:-1]}, "cases": [\n{lines}\n]}}\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    path = Path(__file__).with_name("latents.json")
    text = document()
    if not parser.parse_args().check:
        path.write_text(text, "utf-8")
    elif path.read_text("utf-8") != text:
        sys.exit(f"{path.name} is not what this script makes")


if __name__ == "__main__":
    main()
