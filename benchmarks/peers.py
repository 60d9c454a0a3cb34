"""Compare dropgan's recipes with two networks of PyTorch-GAN, at equal CPU seconds and equal images seen.

    python benchmarks/peers.py --data fashion-mnist --seconds 200

`gan` and `dcgan` are the networks and settings of implementations/gan/gan.py and
implementations/dcgan/dcgan.py of github.com/eriklindernoren/PyTorch-GAN (commits 022e6aa and
11de060), written anew from their description: see `peer_gan` and `peer_dcgan`. They are given every
kindness: no data loader, no printing, no pictures, images in memory as floats; images of 28x28 are
padded to dcgan's 32x32 and its samples cropped, where resizing would blur both; and the better one
of their last generator in eval mode and in train mode counts. (Their second argument of batch norm,
0.8, is its epsilon, as published.) dropgan's recipes train with the precision that ``auto``
measures, and their exported file is scored.

One CPU thread each, in turns, 10,000 samples each, Fréchet distance in domain features. Then the
recipes train on as many images as dcgan saw in its seconds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from quality import steps_for, timed_run  # type: ignore[import-not-found]
from torch import Tensor, nn
from torch.nn.functional import pad

from dropgan.evaluate import FrechetScorer
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import change_recipe, load_images, load_recipe
from dropgan.train.data.pixels import to_pixels
from dropgan.train.networks import SampleSpec
from dropgan.train.run.plan import Wanted, make_plan

SAMPLES = 10_000
BATCH, LATENT_DIM = 64, 100


@dataclass(frozen=True)
class Peer:
    """Networks, and the border that the images get."""

    generator: nn.Module
    discriminator: nn.Module
    border: int = 0


def peer_gan() -> Peer:
    """Dense 100-128-256-512-1024-784 with batch norm behind the inner three, and 784-512-256-1."""
    generator: list[nn.Module] = [nn.Linear(LATENT_DIM, 128), nn.LeakyReLU(0.2)]
    for inputs, outputs in ((128, 256), (256, 512), (512, 1024)):
        generator += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, 0.8), nn.LeakyReLU(0.2)]
    generator += [nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))]
    discriminator = [
        nn.Flatten(), nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 1), nn.Sigmoid(),
    ]  # fmt: skip
    return Peer(nn.Sequential(*generator), nn.Sequential(*discriminator))


def peer_dcgan() -> Peer:
    """Dense to 128 x 8 x 8, two times nearest neighbour and 3x3 convolution (128, 64), 3x3 to the
    image; the discriminator has 3x3 convolutions of stride 2 (16, 32, 64, 128), each with channel
    dropout 0.25, the inner two with batch norm behind it.
    """
    generator = nn.Sequential(
        nn.Linear(LATENT_DIM, 128 * 64), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128),
        nn.Upsample(scale_factor=2), nn.Conv2d(128, 128, 3, padding=1), nn.BatchNorm2d(128, 0.8),
        nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, padding=1), nn.BatchNorm2d(64, 0.8),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 3, padding=1), nn.Tanh(),
    )  # fmt: skip
    layers: list[nn.Module] = []
    for inputs, outputs, norm in ((1, 16, False), (16, 32, True), (32, 64, True), (64, 128, False)):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
        layers += [nn.BatchNorm2d(outputs, 0.8)] if norm else []
    discriminator = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4, 1), nn.Sigmoid())
    for part in [*generator, *discriminator]:
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, 0.0, 0.02)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, 0.02)
    return Peer(generator, discriminator, border=2)


PEERS: dict[str, Callable[[], Peer]] = {"gan": peer_gan, "dcgan": peer_dcgan}


def train_peer(peer: Peer, images: Tensor, seconds: float) -> int:
    """Train as the scripts do until the CPU seconds are used up; the number of images seen."""
    generator, discriminator = peer.generator, peer.discriminator
    generator_optimizer = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    criterion = nn.BCELoss()
    one, zero = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    started, seen = time.process_time(), 0
    while True:
        for indices in torch.randperm(len(images)).split(BATCH):
            if len(indices) < BATCH:
                continue
            if time.process_time() - started > seconds:
                return seen
            reals = images[indices]
            generator_optimizer.zero_grad()
            fakes = generator(torch.randn(BATCH, LATENT_DIM))
            criterion(discriminator(fakes), one).backward()
            generator_optimizer.step()
            discriminator_optimizer.zero_grad()
            loss = criterion(discriminator(reals), one) + criterion(discriminator(fakes.detach()), zero)
            (loss / 2).backward()
            discriminator_optimizer.step()
            seen += BATCH


@torch.no_grad()
def peer_samples(peer: Peer, *, training: bool) -> NDArray[np.uint8]:
    """10,000 samples, uint8 [n, height, width, channels], in batches as in training."""
    generator, border = peer.generator.train(training), peer.border
    torch.manual_seed(1)
    batches = [to_pixels(generator(torch.randn(BATCH, LATENT_DIM))) for _ in range(-(-SAMPLES // BATCH))]
    images = torch.cat(batches)[:SAMPLES].numpy()
    return images[:, border : images.shape[1] - border, border : images.shape[2] - border]


def run_peer(name: str, images: NDArray[np.uint8], scorer: FrechetScorer, seconds: float) -> int:
    """Train and score one; the number of images that it saw."""
    torch.manual_seed(0)
    peer = PEERS[name]()
    floats = torch.from_numpy(images.copy()).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    seen = train_peer(peer, pad(floats, [peer.border] * 4, value=-1.0), seconds)
    modes = {mode: scorer(peer_samples(peer, training=mode == "train")) for mode in ("eval", "train")}
    print(
        f"{name:<6} {seconds:4.0f} CPU seconds  {seen:>9,} images  distance {min(modes.values()):6.2f}"
        f"  (eval mode {modes['eval']:.2f}, train mode {modes['train']:.2f})",
        flush=True,
    )
    return seen


def run_recipe(
    name: str, data: str, scorer: FrechetScorer, shape: tuple[int, int, int], budget: tuple[float, int]
) -> None:
    """Train and score one of ours, for CPU seconds or, if these are 0, on a number of images."""
    seconds, seen = budget
    recipe = load_recipe(name)
    precision = make_plan(recipe, SampleSpec(shape), Wanted("cpu", threads=1)).precision
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        steps = (
            steps_for(seconds, recipe, data, precision, path)
            if seconds
            else seen // recipe.training.batch_size
        )
        recipe = change_recipe(recipe, {"training.steps": steps})
        used = timed_run(path / "run", recipe, data, precision)
        export(path / "run", path / "model.onnx")
        score = scorer(Generator(path / "model.onnx", device="cpu").sample(SAMPLES, seed=1))
    print(
        f"{name:<6} {used:4.0f} CPU seconds  {steps * recipe.training.batch_size:>9,} images"
        f"  distance {score:6.2f}  ({steps} steps, {precision})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--seconds", type=float, default=200)
    parser.add_argument("--recipes", nargs="*", default=["mlp", "conv"])
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--images", type=int, default=0, help="dcgan's count, where it is not run again")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_images(options.data)
    scorer = FrechetScorer(data)
    seen = options.images
    for name in options.peers:
        count = run_peer(name, data.images, scorer, options.seconds)
        seen = count if name == "dcgan" else seen
    height, width, channels = data.images.shape[1:]
    for name in options.recipes if options.seconds else []:
        run_recipe(name, options.data, scorer, (channels, height, width), (options.seconds, 0))
    if seen:
        print(f"on {seen:,} images:")
        for name in options.recipes:
            run_recipe(name, options.data, scorer, (channels, height, width), (0, seen))


if __name__ == "__main__":
    main()
