"""What int8 gives and costs: samples a second, bytes, pixels and score, beside fp32.

    python benchmarks/export_int8.py --run RUN [--no-score]

One thread, batches of 128, bare onnxruntime on ready-made latents, all files in turns, medians of 21
rounds. The score is the Fréchet distance in domain features to the run's own data, of the files as
they ship, on equal latents. The aims: 2.3 times the rate on a core with VNNI, 0.3 of the bytes, a
score worse by 3 % or 0.1 at most, whichever is larger; exit 1 where one is missed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from dropgan.evaluate import FrechetScorer
from dropgan.export import export
from dropgan.export.price import within_budget
from dropgan.export.speed import rates
from dropgan.serve import Generator
from dropgan.train import RunDirectory

SAMPLES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="a run directory that dropgan train made")
    parser.add_argument("--no-score", action="store_true", help="rates and bytes alone")
    options = parser.parse_args()
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("fp32", "int8"):
            path = Path(folder) / "model.onnx"
            export(options.run, path, precision=precision)
            files[precision] = path.read_bytes()
    generators = {name: Generator(data, device="cpu") for name, data in files.items()}
    slow, fast = rates(list(files.values()), generators["fp32"].card.latents.dim, rounds=21)
    smaller = len(files["int8"]) / len(files["fp32"])
    print(f"rate      fp32 {slow:,.0f} samples/s, int8 {fast:,.0f}: {fast / slow:.2f} times")
    print(f"bytes     fp32 {len(files['fp32']):,}, int8 {len(files['int8']):,}: {smaller:.3f}")
    passed = fast >= 2.3 * slow and smaller <= 0.3
    if not options.no_score:
        images = {name: generator.sample(SAMPLES, seed=1) for name, generator in generators.items()}
        difference = np.abs(images["fp32"].astype(int) - images["int8"])
        print(f"pixels    mean difference {difference.mean():.2f} levels, largest {difference.max()}")
        scorer = FrechetScorer(RunDirectory(options.run).read_data())
        scores = {name: scorer(made) for name, made in images.items()}
        print(f"score     frechet_distance_domain fp32 {scores['fp32']:.3f}, int8 {scores['int8']:.3f}")
        passed &= within_budget(scores["int8"], scores["fp32"])
    print("aims met" if passed else "AIMS MISSED")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
