"""How often the test for copies is wrong: honest models accused, copies missed.

    python benchmarks/evaluate_errors.py [--data D] [--sizes 200 2000 60000] [--draws 20] [--rows]

Real images that are not among the training images stand for an honest model's samples; for a copier's,
a share of them is replaced by training images, as they are or changed. Images of Fashion-MNIST have
features of the network that comes with dropgan, others are looked at in pixels alone. ``--rows`` does the
same with rows of correlated normal numbers. Prints a line of Markdown for each size and kind of copy.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dropgan.evaluate import load_features
from dropgan.evaluate.aligned import AlignedPixels
from dropgan.evaluate.copies import ERROR_RATE, SAMPLES, copy_test
from dropgan.evaluate.errors import FeatureError
from dropgan.train import load_images

Pixels = NDArray[np.uint8]


def changes(random: np.random.Generator) -> dict[str, Callable[[Pixels], Pixels]]:
    """What a copier does to the images that it repeats."""
    return {
        "exact copies": lambda images: images,
        "copies moved by a pixel": lambda images: np.roll(images, 1, axis=2),
        "mirrored copies": lambda images: images[:, :, ::-1],
        "copies, dimmed, noise of 8 levels": lambda images: np.clip(
            images * 0.8 + 10 + random.normal(0, 8, images.shape), 0, 255
        ).astype(np.uint8),
    }


def of_images(name: str, sizes: list[int], draws: int) -> Iterator[tuple[str, str, float, float]]:
    """Size, case, share of draws in which copies are found, and what they were estimated at (median)."""
    images = load_images(name).images
    try:
        network = load_features()
        vectors = network(images).vectors
    except FeatureError:
        vectors = None
    for size in (size for size in sizes if size + SAMPLES <= len(images)):
        found: dict[str, list[tuple[float, float]]] = {}
        for draw in range(draws):
            random = np.random.default_rng(draw)
            order = random.permutation(len(images))
            training = images[np.sort(order[:size])]
            fresh, rows = images[order[size : size + SAMPLES]], np.sort(order[:size])
            aligned = AlignedPixels(training)
            points = aligned.points(training)
            cases: dict[str, tuple[Pixels, NDArray[np.int64]]] = {}
            cases["honest"] = (fresh, order[size : size + SAMPLES])
            if draw < max(1, draws // 4):
                for share in (0.05, 0.2):
                    count = round(share * SAMPLES)
                    taken = random.integers(0, size, count)
                    for change, make in changes(random).items():
                        made = np.concatenate([make(training[taken]), fresh[count:]])
                        cases[f"{share:.0%} {change}"] = (made, rows[taken])
            for case, (samples, _) in cases.items():
                tests = [
                    copy_test(
                        aligned.variants(samples),
                        points,
                        space="pixels",
                        tests=1 if vectors is None else 2,
                        variants=lambda some, images=training, space=aligned: space.variants(images[some]),
                        seed=draw,
                    )
                ]
                if vectors is not None:
                    tests.append(
                        copy_test(
                            network(samples).vectors, vectors[rows], space="features", tests=2, seed=draw
                        )
                    )
                surest = min(tests, key=lambda test: test.p_value)
                found.setdefault(case, []).append((surest.p_value, surest.copied))
        for case, results in found.items():
            p_values, copied = np.array(results).T
            yield (
                f"{size:,}",
                f"{case} ({len(results)})",
                float((p_values < ERROR_RATE).mean()),
                float(np.median(copied)),
            )


def of_rows(sizes: list[int], draws: int) -> Iterator[tuple[str, str, float, float]]:
    """The same of rows with 2, 6 and 30 columns."""
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
    parser.add_argument("--data", default="fashion-mnist-10k")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--rows", action="store_true")
    options = parser.parse_args()
    print("| training | samples (draws) | called a copier | estimate |")
    print("|---|---|---|---|")
    lines = (
        of_rows(options.sizes, options.draws)
        if options.rows
        else of_images(options.data, options.sizes, options.draws)
    )
    for size, case, share, copied in lines:
        print(f"| {size} | {case} | {share:.0%} | {copied:.0%} |", flush=True)


if __name__ == "__main__":
    main()
