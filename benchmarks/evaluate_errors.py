"""Measure the errors of the copy test on rows: honest models accused, copies missed.

    python benchmarks/evaluate_errors.py [--sizes 50 200 2000] [--draws 100]

Rows of correlated normal numbers stand for training rows and for an honest model's samples; for a copier's, a
fifth of them is replaced by training rows, hardly changed. Prints a line of Markdown for each size and number
of columns. The whole verdict, on images, is measured by evaluate_verdicts.py.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from dropgan.evaluate.copies import ERROR_RATE, SAMPLES, copy_test


def of_rows(sizes: list[int], draws: int) -> Iterator[tuple[str, str, float, float]]:
    """Size, case, share of draws in which copies are found, and what they were estimated at (median)."""
    for columns in (2, 6, 30):
        mixing = np.random.default_rng(columns).normal(size=(columns, columns))
        for size in sizes:
            for share in (0.0, 0.2):
                results = []
                for draw in range(draws):
                    random = np.random.default_rng(draw)
                    training, samples = (
                        (random.normal(size=(count, columns)) @ mixing).astype(np.float32)
                        for count in (size, SAMPLES)
                    )
                    count = round(share * SAMPLES)
                    samples[:count] = training[random.integers(0, size, count)] + np.float32(1e-4)
                    test = copy_test(samples, training, space="rows", seed=draw)
                    results.append((test.p_value, test.copied))
                p_values, copied = np.array(results).T
                yield (
                    f"{size:,} rows of {columns}",
                    f"{f'{share:.0%} copies' if share else 'honest'} ({draws})",
                    float((p_values < ERROR_RATE).mean()),
                    float(np.median(copied)),
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 200, 2000])
    parser.add_argument("--draws", type=int, default=100)
    options = parser.parse_args()
    print("| training | samples (draws) | called a copier | estimate |")
    print("|---|---|---|---|")
    for size, case, share, copied in of_rows(options.sizes, options.draws):
        print(f"| {size} | {case} | {share:.0%} | {copied:.0%} |", flush=True)


if __name__ == "__main__":
    main()
