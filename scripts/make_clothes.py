"""Make the model that comes with dropgan, serve/included/clothes.onnx, from the embedded images.

    python scripts/make_clothes.py RUN

Trains recipe `conv` with labels for 18,000 steps on one CPU thread, some ten minutes, into the new
directory RUN, or takes the run that is there. Exports it in int8, which makes the file small, and scores
what was exported.
"""

import sys
from pathlib import Path
from typing import Any

from dropgan.evaluate import evaluate
from dropgan.evaluate.file_scorer import file_scorer
from dropgan.export import add_scores, export
from dropgan.serve.reporter import LOGGED
from dropgan.train import RunDirectory, load_images, train

DATA = "fashion-mnist-10k"
HOW: dict[str, Any] = {
    "conditional": True,
    "steps": 18_000,
    "device": "cpu",
    "precision": "fp32",
    "threads": 1,
}
MODEL = Path(__file__).parents[1] / "serve" / "included" / "clothes.onnx"
MOST_BYTES = 700_000


def main() -> None:
    run = Path(sys.argv[1])
    if not RunDirectory(run).last_checkpoint.exists():
        train(run, "conv", data=DATA, **HOW)
    export(run, MODEL, precision="int8", scorer=file_scorer(RunDirectory(run), LOGGED))
    evaluation = evaluate(MODEL, load_images(DATA))
    add_scores(MODEL, evaluation.scores)
    size, score = MODEL.stat().st_size, evaluation.scores[0]
    print(f"{MODEL}: {size:,} bytes, {score.name} {score.value:.3f} ({score.samples:,} samples)")
    if size > MOST_BYTES:
        raise SystemExit(f"that is more than {MOST_BYTES:,} bytes: narrow the generator's dense layer")


if __name__ == "__main__":
    main()
