r"""Measure the errors of the verdict: real images accused, faults missed.

    python benchmarks/evaluate_verdicts.py run NAME TRAINING UNSEEN --training 60000 --held-out 9000 1000 \
        [--draws 0:20] [--faults 0:10] -o rows.jsonl
    python benchmarks/evaluate_verdicts.py merge rows*.jsonl
    python benchmarks/evaluate_verdicts.py table

``run`` draws training images from TRAINING, once, and takes the features that an evaluation of them would
take. Then, draw by draw, 1,000 images that stand for an honest model's samples and others that are held out
come from UNSEEN, and faults are made in the samples. Each line of the output is one verdict. A draw is a
function of its number, so that parts (--draws, --faults) can run anywhere and at once. ``merge`` adds them to
docs/verdicts/rows.jsonl, and ``table`` makes the table of docs/evaluation.md from it.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.page import span, write_between
from dropgan.evaluate import Reference, features_for
from dropgan.evaluate.chance import share_bounds
from dropgan.evaluate.conditional import agreements
from dropgan.evaluate.finding import PROBLEM, UNSURE, Finding
from dropgan.evaluate.findings import find
from dropgan.evaluate.judge import gather, look_for_copies
from dropgan.train import ImageData, load_images

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
SAMPLES = 1000
ROOT = Path(__file__).parents[1]
RECORD, PAGE = ROOT / "docs" / "verdicts" / "rows.jsonl", ROOT / "docs" / "evaluation.md"
BEGIN, END = "<!-- verdicts: made by benchmarks/evaluate_verdicts.py table -->", "<!-- end of verdicts -->"


@dataclass(frozen=True)
class Made:
    """Images in the samples' place, and the classes that a conditional model was asked for."""

    images: Pixels
    asked: Labels


Fault = Callable[[Made, ImageData], Made]


def _some(made: Made, rows: NDArray[np.bool_]) -> Made:
    return Made(made.images[rows], made.asked[rows])


def _of_pixels(change: Callable[[Pixels], Pixels]) -> Fault:
    return lambda made, training: Made(change(made.images), made.asked)


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


def _copied(shift: int) -> Fault:
    def fault(made: Made, training: ImageData) -> Made:
        count = len(made.images) // 5
        rows = np.random.default_rng(2).integers(0, len(training.images), count)
        assert training.labels is not None
        return Made(
            np.concatenate((np.roll(training.images[rows], shift, axis=2), made.images[count:])),
            np.concatenate((training.labels[rows], made.asked[count:])),
        )

    return fault


def _exchanged(made: Made, training: ImageData) -> Made:
    asked = made.asked.copy()
    asked[made.asked == 0], asked[made.asked == 1] = 1, 0
    return Made(made.images, asked)


HONEST = "honest"
FAULTS: dict[str, Fault] = {
    HONEST: lambda made, training: made,
    "half of the classes": lambda made, training: _some(made, made.asked < (made.asked.max() + 1) // 2),
    "one class": lambda made, training: _some(made, made.asked == 1),
    "exact copies, 20%": _copied(0),
    "copies moved by a pixel, 20%": _copied(1),
    "two classes exchanged": _exchanged,
    "blur of a pixel": _of_pixels(_blurred),
    "2% salt": _of_pixels(_salted),
    "checkerboard of 6 levels": _of_pixels(_checkered),
    "contrast of 60%": _of_pixels(lambda images: (50 + images * 0.6).astype(np.uint8)),
}


def verdicts(
    data: ImageData, unseen: ImageData, held_out: list[int], cases: dict[str, range], features: str
) -> Iterator[dict[str, Any]]:
    """A line for each draw, case and number of held-out images."""
    network = features_for(data, features)
    reference = Reference.of(data, network, split="training")
    others = Reference.of(unseen, network, split="held-out")
    assert unseen.labels is not None
    names = dict(enumerate(network.class_names))
    for case, draws in cases.items():
        for draw in draws:
            order = np.random.default_rng(draw).permutation(len(unseen.images))
            fresh = order[:SAMPLES]
            made = FAULTS[case](Made(unseen.images[fresh], unseen.labels[fresh]), data)
            seen = network(made.images)
            copies = look_for_copies(made.images, seen, reference)
            for count in held_out:
                few = np.sort(order[SAMPLES : SAMPLES + count])
                if len(few) < count:
                    continue
                part = ImageData(unseen.images[few], unseen.name, unseen.labels[few], unseen.class_names)
                beside = Reference(part, network, others.features[few], "held-out")
                evidence = gather(made.images, seen, reference, beside, seed=draw, copies=copies)
                if names:
                    lines = agreements(network, names, seen, made.asked, beside.features, part.labels)
                    evidence = replace(evidence, agreements=lines)
                findings = find(evidence)
                yield {"held_out": count, "case": case, "draw": draw, **_kinds(findings)}


def _kinds(findings: tuple[Finding, ...]) -> dict[str, list[str]]:
    def kinds(level: str) -> list[str]:
        return sorted({found.kind for found in findings if found.level == level})

    return {"problems": kinds(PROBLEM), "cannot_tell": kinds(UNSURE)}


def run(options: argparse.Namespace) -> None:
    whole, unseen = load_images(options.training_images), load_images(options.unseen)
    assert whole.labels is not None
    rows = np.sort(np.random.default_rng(0).permutation(len(whole.images))[: options.training])
    mine = ImageData(whole.images[rows], options.name, whole.labels[rows], whole.class_names)
    if options.training >= len(whole.images):
        mine = replace(whole, name=options.name)
    cases = {case: options.draws if case == HONEST else options.faults for case in options.cases}
    with options.output.open("a") as file:
        for line in verdicts(mine, unseen, options.held_out, cases, options.features):
            about = {"data": options.name, "training": len(mine.images), **line}
            file.write(json.dumps(about) + "\n")
            file.flush()


def merge(parts: list[Path]) -> None:
    """All lines of parts and of the record, each once, in order."""
    lines = {}
    for path in [RECORD, *parts]:
        for text in path.read_text().splitlines() if path.exists() else []:
            line = json.loads(text)
            lines[tuple(str(line[key]) for key in ("data", "training", "held_out", "case", "draw"))] = line
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text("".join(json.dumps(lines[key]) + "\n" for key in sorted(lines)))
    print(f"{RECORD}: {len(lines)} verdicts")


def table(lines: list[dict[str, Any]]) -> str:
    """The table of docs/evaluation.md: of each case, draws with a problem found of all draws."""
    cells: dict[tuple[str, int, int], dict[str, list[dict[str, Any]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for line in lines:
        cells[line["data"], line["training"], line["held_out"]][line["case"]].append(line)
    faults = [case for case in FAULTS if case != HONEST]
    text = [f"| data | training / held out | honest: false alarms | {' | '.join(faults)} |"]
    text.append("|" + "---|" * (3 + len(faults)))
    for size in sorted(cells, key=lambda size: (size[0], -size[1], -size[2])):
        found, (data, training, held_out) = cells[size], size
        row = [data, f"{training:,} / {held_out:,}", *(_of(found[case]) for case in (HONEST, *faults))]
        text.append(f"| {' | '.join(row)} |")
    honest = [line for line in lines if line["case"] == HONEST]
    made = [line for line in lines if line["case"] != HONEST]
    text.append("")
    text.append(
        f"In all, {_of(honest)} honest draws are accused, and {_of(made)} draws with a fault. By themselves,"
        f" 20 draws without a false alarm say that the rate is under {share_bounds(0, 20)[1]:.0%} with a"
        " confidence of 95 %."
    )
    return "\n".join(text)


def _of(lines: list[dict[str, Any]]) -> str:
    if not lines:
        return "not run"
    unsure = sum(bool(line["cannot_tell"]) for line in lines if not line["problems"])
    found = f"{sum(bool(line['problems']) for line in lines)} of {len(lines)}"
    return f"{found} ({unsure} unsure)" if unsure else found


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORD.read_text().splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("name")
    running.add_argument("training_images")
    running.add_argument("unseen")
    running.add_argument("--training", type=int, required=True)
    running.add_argument("--held-out", type=int, nargs="+", required=True)
    running.add_argument("--draws", type=span, default=range(20), help="of honest samples: FIRST:LAST")
    running.add_argument("--faults", type=span, default=range(10), help="of each fault: FIRST:LAST")
    running.add_argument("--cases", nargs="+", choices=FAULTS, default=list(FAULTS))
    running.add_argument("--features", default="auto")
    running.add_argument("-o", "--output", type=Path, required=True)
    commands.add_parser("merge").add_argument("parts", type=Path, nargs="+")
    commands.add_parser("table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.command == "run":
        run(options)
    elif options.command == "merge":
        merge(options.parts)
    else:
        write_between(PAGE, BEGIN, END, table(recorded()))


if __name__ == "__main__":
    main()
