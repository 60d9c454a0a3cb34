"""Check every architecture in every precision at both ends of the opset range: gate, parity, loader.

    python benchmarks/export_matrix.py

Freshly initialised generators of the sizes of the recipes that come with dropgan (an architecture
joins by having a recipe), and the convolutional network of the tests, which has every kind of layer
that exports treat specially. Prints one row a file; exit 1 if one fails. The rates are one thread's,
batches of 128, in turns with fp32 of the same network and opset.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from torch import nn

from dropgan.export import check_inference_only
from dropgan.export.graph import OPSETS, to_onnx
from dropgan.export.half import measure_reach, require_half
from dropgan.export.kinds.images import ImageEnding
from dropgan.export.parity import check_parity
from dropgan.export.precision import Quantiser
from dropgan.export.speed import rates
from dropgan.serve.errors import DropganError
from dropgan.serve.loading import read_onnx, require_plain
from dropgan.train import load_recipe, recipe_names
from dropgan.train.networks import SampleSpec, build_networks
from tests.export.networks import LATENT_DIM, convolutions

SHAPES = ((1, 28, 28), (3, 32, 32))
SAMPLES = 2048


def networks() -> dict[str, tuple[nn.Module, int]]:
    """Generators by name, with their latent dimension: one for each architecture and shape."""
    found: dict[str, tuple[nn.Module, int]] = {}
    for name in recipe_names():
        recipe = load_recipe(name)
        for shape in SHAPES:
            title = f"{recipe.generator.architecture} {'x'.join(map(str, shape))}"
            if title not in found:
                torch.manual_seed(0)
                generator, _ = build_networks(recipe, SampleSpec(shape))
                found[title] = (generator.eval(), recipe.generator.latent_dim)
    found["test convolutions"] = (convolutions(), LATENT_DIM)
    return found


def models(generator: nn.Module, dim: int, opset: int, output: str) -> dict[str, bytes]:
    """The generator in each precision."""
    fp32 = to_onnx(generator, dim, ending=ImageEnding(output), opset=opset)
    require_half(measure_reach(generator, dim, seed=0))
    fp16 = to_onnx(generator, dim, ending=ImageEnding(output), opset=opset, precision="fp16")
    int8 = Quantiser(fp32, latent_dim=dim, ending=ImageEnding(output), seed=0).best().model
    named = {"fp32": fp32, "fp16": fp16, "int8": int8}
    return {name: model.SerializeToString(deterministic=True) for name, model in named.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    torch.set_num_threads(1)
    heads = ("network", "opset", "output", "precision", "gate", "largest", "mean", "loader", "MB", "x fp32")
    print("{:<20}{:>6} {:<7}{:<10}{:<6}{:>9}{:>10} {:<7}{:>6}{:>8}".format(*heads))
    failed = False
    for name, (generator, dim) in networks().items():
        for opset in (OPSETS[0], OPSETS[-1]):
            for output in ("pixels", "float"):
                made = models(generator, dim, opset, output)
                speeds = dict(zip(made, rates(list(made.values()), dim, rounds=5), strict=True))
                for precision, data in made.items():
                    row = check(data, generator, dim, output, precision)
                    failed |= "FAILED" in row
                    ratio = speeds[precision] / speeds["fp32"]
                    start = f"{name:<20}{opset:>6} {output:<7}{precision:<10}"
                    print(f"{start}{row}{len(data) / 1e6:>6.2f}{ratio:>8.2f}", flush=True)
    sys.exit(failed)


def check(data: bytes, generator: nn.Module, dim: int, output: str, precision: str) -> str:
    """Gate, largest and mean difference, and loader as columns."""
    try:
        check_inference_only(data).require("it")
        parity = check_parity(
            data, generator, dim, ending=ImageEnding(output), precision=precision, seed=3, samples=SAMPLES
        )
        require_plain(read_onnx(data))
    except DropganError as error:
        return f"FAILED {error} "
    return f"{'pass':<6}{parity.max_difference:>9.2g}{parity.mean_difference:>10.2g} {'pass':<7}"


if __name__ == "__main__":
    main()
