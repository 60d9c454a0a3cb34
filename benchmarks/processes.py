"""Two processes of half the batch against one process of the whole: how far do the weights lie apart?

    python benchmarks/processes.py --steps 500

Trains the default recipe without dropout (masks differ between processes by design) on the embedded
images, once in one process and once in two by torchrun, fp32, one thread each, and prints how far
the generators' weights lie apart.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from dropgan.train import RunDirectory
from dropgan.train.checkpoint import load_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 10, 50, 500])
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(options.processes)]
    with tempfile.TemporaryDirectory() as name:
        for steps in options.steps:
            weights = []
            for how in ([], torchrun):
                out = Path(name) / f"{steps}-{len(how)}"
                command = [sys.executable, *how, "-m", "dropgan.cli", "train", "-o", str(out), "--quiet"]
                command += ["--steps", str(steps), "--generator-dropout", "0", "--discriminator-dropout", "0"]
                command += ["--device", "cpu", "--precision", "fp32", "--threads", "1", "--no-score"]
                subprocess.run(command, check=True, capture_output=True)
                weights.append(load_checkpoint(RunDirectory(out).last_checkpoint).part("generator"))
            one, several = weights
            first, second = (torch.cat([part[key].flatten() for key in one]) for part in (one, several))
            apart = (first - second).abs()
            print(
                f"{steps:>5} steps: largest difference of a weight {apart.max():.1e}, median"
                f" {apart.median():.1e}, root mean square {apart.square().mean().sqrt():.1e} of"
                f" {first.square().mean().sqrt():.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
