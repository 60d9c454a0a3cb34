"""Measure the costs and benefits of conditioning on classes, at equal steps.

    python benchmarks/conditional.py --data fashion-mnist-10k --steps 2500 --picture conditional.png

Trains the recipe with and without classes, exports both, and prints the Fréchet distance of each
exported file over 10,000 samples (the conditional one's labels are those of its stream), and how
many of the conditional samples the domain classifier assigns to the requested class, with the same
number for real images. It uses one thread and one seed, so only large differences are meaningful.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from dropgan.evaluate import FrechetScorer
from dropgan.evaluate.features import load_features
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.serve.atomic import write_bytes
from dropgan.serve.pictures import encode_png, grid
from dropgan.train import change_recipe, load_images, load_recipe, train

_SAMPLES = 10_000
_COLUMNS = 12


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mnist-10k")
    parser.add_argument("--recipe", default="mlp")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--picture", type=Path, help="a row of samples a class, to this PNG file")
    parser.add_argument("--keep", type=Path, help="a directory for the runs; none keeps nothing")
    options = parser.parse_args()
    data = load_images(options.data)
    network, scorer = load_features(), FrechetScorer(data)
    base = change_recipe(load_recipe(options.recipe), {"training.steps": options.steps})
    assert data.labels is not None
    known = network(data.images).logits.argmax(1)
    print(f"real images       class recognised {np.mean(known == data.labels):.2%} (its training images)")
    with tempfile.TemporaryDirectory() as name:
        for title, conditional in (("unconditional", False), ("conditional", True)):
            folder = (options.keep or Path(name)) / title
            recipe = change_recipe(base, {"conditional": conditional})
            started = time.process_time()
            train(folder, recipe, data=options.data, device="cpu", precision=options.precision, threads=1)
            seconds = time.process_time() - started
            export(folder, folder / "model.onnx")
            generator = Generator(folder / "model.onnx", device="cpu", threads=1)
            images = generator.sample(_SAMPLES, seed=1)
            rate = options.steps / seconds
            line = f"{title:17} Fréchet distance {scorer(images):.2f}, {rate:.0f} steps a CPU second"
            if conditional:
                asked, found = generator.labels(_SAMPLES, seed=1), network(images).logits.argmax(1)
                line += f", class recognised {np.mean(found == asked):.2%}"
                shares = [
                    f"{np.mean(found[asked == label] == label):.2f}" for label in range(generator.classes)
                ]
                line += f" ({', '.join(shares)} by class)"
            print(line, flush=True)
        if options.picture:
            labels = np.repeat(np.arange(generator.classes), _COLUMNS)
            rows = generator.sample(len(labels), seed=0, labels=labels)
            write_bytes(options.picture, encode_png(grid(rows, _COLUMNS, scale=2)))


if __name__ == "__main__":
    main()
