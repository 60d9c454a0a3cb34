"""How often the verdict on images is wrong: real images accused, faults missed.

    python benchmarks/evaluate_verdicts.py DATA UNSEEN [--sizes 2000/200 200/50] [--draws 20] [--faults 5]

Draws training images from DATA, once a size, and fits features to them as an evaluation would. Then, draw by
draw, held-out images and others that stand for an honest model's samples come from UNSEEN; faults are made
in those others. Prints a line of Markdown for each size and case: how often any problem is found, and which.
"""

import argparse
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dropgan.evaluate import Reference, features_for, judge_samples
from dropgan.evaluate.findings import NOTE, PROBLEM, find
from dropgan.train import ImageData, load_images

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Fault = Callable[[Pixels, Labels, Pixels], Pixels]


def _blurred(images: Pixels) -> Pixels:
    mode = "L" if images.shape[3] == 1 else "RGB"
    squeezed = images[..., 0] if mode == "L" else images
    soft = [np.asarray(Image.fromarray(one, mode).filter(ImageFilter.GaussianBlur(1))) for one in squeezed]
    return np.stack(soft).reshape(images.shape)


def _salted(images: Pixels) -> Pixels:
    random = np.random.default_rng(1)
    return np.where(random.random((*images.shape[:3], 1)) < 0.02, np.uint8(255), images)


def _checkered(images: Pixels) -> Pixels:
    signs = (-1) ** np.add.outer(*(np.arange(side) for side in images.shape[1:3]))[..., None]
    return np.clip(images + 6 * signs, 0, 255).astype(np.uint8)


def _copied(images: Pixels, training: Pixels, shift: int) -> Pixels:
    count = len(images) // 5
    rows = np.random.default_rng(2).integers(0, len(training), count)
    return np.concatenate((np.roll(training[rows], shift, axis=2), images[count:]))


FAULTS: dict[str, Fault] = {
    "honest": lambda images, labels, training: images,
    "half of the classes": lambda images, labels, training: images[labels < (labels.max() + 1) // 2],
    "one class": lambda images, labels, training: images[labels == 1],
    "exact copies, 20%": lambda images, labels, training: _copied(images, training, 0),
    "copies moved by a pixel, 20%": lambda images, labels, training: _copied(images, training, 1),
    "blur of a pixel": lambda images, labels, training: _blurred(images),
    "2% salt": lambda images, labels, training: _salted(images),
    "checkerboard of 6 levels": lambda images, labels, training: _checkered(images),
    "contrast of 60%": lambda images, labels, training: (50 + images * 0.6).astype(np.uint8),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("unseen")
    parser.add_argument("--sizes", nargs="+", default=["2000/200", "200/50"], help="training/held-out images")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--faults", type=int, default=5, help="draws in which faults are made")
    options = parser.parse_args()
    torch.set_num_threads(1)
    whole, other = load_images(options.data), load_images(options.unseen)
    assert whole.labels is not None
    assert other.labels is not None
    print("| data, training/held out | samples (draws) | a problem | cannot be told | problems |")
    print("|---|---|---|---|---|")
    for size in options.sizes:
        training, held_out = map(int, size.split("/"))
        rows = np.sort(np.random.default_rng(0).permutation(len(whole.images))[:training])
        mine = ImageData(whole.images[rows], whole.name, whole.labels[rows], whole.class_names)
        network = features_for(mine)
        reference = Reference.of(mine, network, split="training")
        for case, fault in FAULTS.items():
            draws = options.draws if case == "honest" else options.faults
            found: Counter[str] = Counter()
            accused = unsure = 0
            for draw in range(draws):
                order = np.random.default_rng(draw).permutation(len(other.images))
                few, fresh = order[:held_out], order[held_out : held_out + options.samples]
                unseen = ImageData(other.images[few], other.name, other.labels[few], other.class_names)
                samples = fault(other.images[fresh], other.labels[fresh], mine.images)
                beside = Reference(unseen, network, network(unseen.images), "held-out")
                judged = judge_samples(samples, network(samples), reference, beside, seed=draw)
                findings = find(judged.evidence())
                kinds = {finding.kind for finding in findings if finding.level == PROBLEM}
                found.update(kinds)
                accused += bool(kinds)
                unsure += any(f.level == NOTE and "cannot be told" in f.text for f in findings)
            listed = ", ".join(f"{kind} {count}" for kind, count in found.most_common()) or "none"
            print(
                f"| {whole.name}, {size} | {case} ({draws}) | {accused} | {unsure} | {listed} |", flush=True
            )


if __name__ == "__main__":
    main()
