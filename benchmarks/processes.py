"""Compare two processes of half the batch with one process of the whole: the distance of the weights.

    python benchmarks/processes.py

Trains recipe mlp without dropout (masks differ between processes by design) on the embedded
images, once in one process and once in two by torchrun, fp32, one thread each, and prints how far the
generators' weights lie apart. Beside it a control: one process against itself with every first weight
moved by one unit in the last place, since training a GAN makes any rounding grow.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from dropgan.train import RunDirectory, change_recipe, load_images, load_recipe
from dropgan.train.data.batches import Batches
from dropgan.train.networks import SampleSpec
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

CPU = torch.device("cpu")
LAST_PLACE = 2**-23


def control(steps: int, moved: float) -> torch.Tensor:
    """The generator's weights after so many steps in this process, from first weights times 1 + moved."""
    settings = {"training.steps": steps, "generator.dropout": 0.0, "discriminator.dropout": 0.0}
    recipe = change_recipe(load_recipe("mlp"), settings)
    batches = Batches(load_images("fashion-mnist-10k").images, recipe.training.batch_size, 0, CPU)
    state = TrainingState.fresh(recipe, SampleSpec((1, 28, 28)), CPU)
    with torch.no_grad():
        for weight in (*state.generator.parameters(), *state.discriminator.parameters()):
            weight.mul_(1 + moved)
    for _ in range(steps):
        state.set_learning_rates(recipe)
        train_step(state, recipe, batches, device=CPU, precision="fp32")
    return torch.cat([weight.detach().flatten() for weight in state.generator.parameters()])


def show(steps: int, what: str, first: torch.Tensor, second: torch.Tensor) -> None:
    apart, whole = (first - second).abs(), first.square().mean().sqrt()
    print(
        f"{steps:>5} steps, {what}: largest difference of a weight {apart.max():.1e}, median"
        f" {apart.median():.1e}, root mean square {apart.square().mean().sqrt():.1e} of {whole:.1e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(options.processes)]
    with tempfile.TemporaryDirectory() as name:
        for steps in options.steps:
            weights = []
            for how in ([], torchrun):
                out = Path(name) / f"{steps}-{len(how)}"
                command = [
                    sys.executable,
                    *how,
                    "-m",
                    "dropgan.cli",
                    "train",
                    "-o",
                    str(out),
                    "--quiet",
                    "--recipe",
                    "mlp",
                ]
                command += ["--steps", str(steps), "--generator-dropout", "0", "--discriminator-dropout", "0"]
                command += ["--device", "cpu", "--precision", "fp32", "--threads", "1", "--no-score"]
                subprocess.run(command, check=True, capture_output=True)
                weights.append(load_checkpoint(RunDirectory(out).last_checkpoint).part("generator"))
            one, several = weights
            first, second = (torch.cat([part[key].flatten() for key in one]) for part in (one, several))
            show(steps, f"{options.processes} processes", first, second)
            show(steps, "control", control(steps, 0.0), control(steps, LAST_PLACE))


if __name__ == "__main__":
    main()
