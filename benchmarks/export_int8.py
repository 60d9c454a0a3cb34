"""Compare an int8 file with fp32 and with onnxruntime's own int8: rate, size, pixels and score.

    python benchmarks/export_int8.py --run RUN [--no-score]

Three files of one run: fp32, dropgan's int8, and what onnxruntime's quantize_static makes of the fp32
file with reduce_range (7-bit weights, a scale each channel, ranges from the same 2,048 samples). One
thread, batches of 128, bare onnxruntime on ready-made latents, all files in turns, medians of 21
rounds, in seconds of the thread on the processor. "apart" is the optimised graph from the plain one.
The score is the Fréchet distance in domain features to the run's own data, of the files as they ship,
on equal latents.

The aims of dropgan's file: 2.3 times the rate of fp32 where the processor has VNNI and 1.1 times where
it has not, 0.3 of the bytes, 1 level apart, a score worse by 3 % or 0.1 at most, whichever is larger;
exit 1 where one is missed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from dropgan.evaluate import FrechetScorer
from dropgan.export import export
from dropgan.export.inputs import Inputs
from dropgan.export.price import within_budget
from dropgan.export.processor import processor_kind
from dropgan.export.sessions import cpu_session, optimised_difference, outputs
from dropgan.export.speed import rates
from dropgan.serve import Generator
from dropgan.train import RunDirectory

SAMPLES = 10_000
CALIBRATION, BATCH = 2048, 256


def quantize_static(fp32: Path, destination: Path, inputs: Inputs) -> bytes:
    """onnxruntime's own static quantisation of the fp32 file."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
    from onnxruntime.quantization import quantize_static as quantize

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.feeds = (inputs(BATCH, seed=0, start=start) for start in range(0, CALIBRATION, BATCH))

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.feeds, None)

    quantize(
        fp32,
        destination,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return destination.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="a run directory that dropgan train made")
    parser.add_argument("--no-score", action="store_true", help="rates, bytes and pixels alone")
    options = parser.parse_args()
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("fp32", "int8"):
            path = Path(folder) / f"{precision}.onnx"
            export(options.run, path, precision=precision)
            files[precision] = path.read_bytes()
        card = Generator(files["fp32"], device="cpu").card
        inputs = Inputs(card.latents.dim, card.labels.classes)
        files["onnxruntime"] = quantize_static(
            Path(folder) / "fp32.onnx", Path(folder) / "static.onnx", inputs
        )
    speeds = rates(list(files.values()), card.latents.dim, classes=card.labels.classes, rounds=21)
    feed = inputs(SAMPLES, seed=1)
    images = {name: outputs(cpu_session(data), feed) for name, data in files.items()}
    score = None
    if not options.no_score:
        score = FrechetScorer(RunDirectory(options.run).read_data())
    print(f"processor with {processor_kind()}")
    heads = ("file", "samples/s", "x fp32", "bytes", "of fp32", "mean", "largest", "apart", "score")
    print("{:<12}{:>12}{:>8}{:>11}{:>9}{:>7}{:>9}{:>7}{:>8}".format(*heads))
    scores, apart = {}, {}
    for (name, data), speed in zip(files.items(), speeds, strict=True):
        pixels = np.abs(images[name].astype(int) - images["fp32"])
        apart[name] = optimised_difference(data, inputs(2048, seed=2))
        scores[name] = score(images[name]) if score is not None else float("nan")
        print(
            f"{name:<12}{speed:>12,.0f}{speed / speeds[0]:>8.2f}{len(data):>11,}"
            f"{len(data) / len(files['fp32']):>9.3f}{pixels.mean():>7.2f}{pixels.max():>9}"
            f"{apart[name]:>7.0f}{scores[name]:>8.3f}"
        )
    wanted = 2.3 if "with VNNI" in processor_kind() else 1.1
    passed = speeds[1] >= wanted * speeds[0] and len(files["int8"]) <= 0.3 * len(files["fp32"])
    passed &= apart["int8"] <= 1
    passed &= score is None or within_budget(scores["int8"], scores["fp32"])
    print("aims met" if passed else "AIMS MISSED")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
