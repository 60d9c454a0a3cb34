"""Compare training steps per second of the seed recipe with a plain eager loop of the same networks.

    python benchmarks/training_speed.py

Both run on one CPU thread, in turns. It prints medians and the median of the ratios turn by turn. The
plain loop is that of a tutorial: nn.Dropout, a DataLoader, two discriminator passes, fresh noise for
the generator, an unfrozen discriminator, Adam with its defaults.

The last lines are the matrix products of one step of dropgan's alone, recorded and done again with
the same operands: the rate that a step would have if all else were free.

    python benchmarks/training_speed.py --quality 1500

instead trains both loops for so many steps with three seeds each and prints the Fréchet distance of
10,000 samples in eval mode: what is fast must not be worse. The plain loop has a turn with dropgan's
first weights (He et al.) and one with those that PyTorch's layers come with.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from dropgan.evaluate.frechet import FrechetScorer
from dropgan.serve.latents import LatentStream
from dropgan.train import change_recipe, load_images, load_recipe
from dropgan.train.data.batches import Batches
from dropgan.train.data.pixels import to_pixels
from dropgan.train.networks import SampleSpec
from dropgan.train.run.plan import Wanted, make_plan
from dropgan.train.steps.state import Passes, TrainingState
from dropgan.train.steps.step import train_step

CPU = torch.device("cpu")
SEEDS = (0, 1, 2)
Step = Callable[[], object]


def plain_step(first: TrainingState | None = None) -> tuple[Step, nn.Module]:
    """One step of the obvious loop, and its generator; with the first weights of another state."""
    p, size = 0.5, 100
    generator = nn.Sequential(
        nn.Linear(100, 256), nn.ReLU(), nn.Dropout(p),
        nn.Linear(256, 256), nn.ReLU(), nn.Dropout(p),
        nn.Linear(256, 784), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Dropout(p),
        nn.Linear(256, 256), nn.ReLU(), nn.Dropout(p),
        nn.Linear(256, 1),
    )  # fmt: skip
    if first is not None:
        for mine, theirs in ((generator, first.generator), (discriminator, first.discriminator)):
            mine.load_state_dict(dict(zip(mine.state_dict(), theirs.state_dict().values(), strict=True)))
    generator_optimizer = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    images = torch.from_numpy(load_images("fashion-mnist-10k").images.copy())
    floats = images.reshape(-1, 784).float() / 127.5 - 1
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(floats), batch_size=size, shuffle=True, drop_last=True
    )

    def endless() -> Iterator[torch.Tensor]:
        while True:
            for (batch,) in loader:
                yield batch

    batches, one, zero = endless(), torch.ones(size, 1), torch.zeros(size, 1)

    def step() -> float:
        reals = next(batches)
        discriminator_optimizer.zero_grad()
        fakes = generator(torch.randn(size, 100))
        loss = criterion(discriminator(reals), one) + criterion(discriminator(fakes.detach()), zero)
        loss.backward()
        discriminator_optimizer.step()
        generator_optimizer.zero_grad()
        g_loss = criterion(discriminator(generator(torch.randn(size, 100))), one)
        g_loss.backward()
        generator_optimizer.step()
        return loss.item() + g_loss.item()

    return step, generator


def dropgan_step(precision: str, *, seed: int = 0, compiled: bool = False) -> tuple[Step, nn.Module]:
    """One step of dropgan's loop, the average included, and the generator that it ships."""
    recipe = change_recipe(load_recipe("seed"), {"training.seed": seed})
    state = TrainingState.fresh(recipe, SampleSpec((1, 28, 28)), CPU)
    batches = Batches(load_images("fashion-mnist-10k").images, recipe.training.batch_size, seed, CPU)
    if compiled:
        state.generator, state.discriminator = state.passes = Passes(
            torch.compile(state.generator), torch.compile(state.discriminator)
        )

    def step() -> None:
        state.set_learning_rates(recipe)
        train_step(state, recipe, batches, device=CPU, precision=precision)

    return step, state.ema.module


class Products(TorchDispatchMode):
    """Records the matrix products that run while it is entered; calling it runs them again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Callable[[], object]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default):
            self.calls.append(functools.partial(func, *args, **(kwargs or {})))
        return func(*args, **(kwargs or {}))

    def __call__(self) -> None:
        for call in self.calls:
            call()


def products_of(step: Step) -> Step:
    """The matrix products of one step."""
    step()
    with Products() as products:
        step()
    return torch.no_grad()(products)


def first_state(seed: int) -> TrainingState:
    """Networks of the seed recipe, untrained."""
    recipe = change_recipe(load_recipe("seed"), {"training.seed": seed})
    return TrainingState.fresh(recipe, SampleSpec((1, 28, 28)), CPU)


def quality(steps: int) -> None:
    """Print what each loop's generator scores after so many steps, seed by seed."""
    scorer = FrechetScorer(load_images("fashion-mnist-10k"))
    latents = torch.from_numpy(LatentStream(100)(10_000, seed=1))
    loops: dict[str, Callable[[int], tuple[Step, nn.Module]]] = {
        "plain, PyTorch's first weights": lambda _: plain_step(),
        "plain, dropgan's first weights": lambda seed: plain_step(first_state(seed)),
        "dropgan fp32": lambda seed: dropgan_step("fp32", seed=seed),
        "dropgan bf16": lambda seed: dropgan_step("bf16", seed=seed),
    }
    for name, make in loops.items():
        distances = []
        for seed in SEEDS:
            torch.manual_seed(seed)
            step, generator = make(seed)
            for _ in range(steps):
                step()
            with torch.no_grad():
                samples = generator.eval()(latents).view(-1, 1, 28, 28)
            distances.append(scorer(to_pixels(samples).numpy()))
        seeds = ", ".join(f"{distance:.2f}" for distance in distances)
        print(f"{name:<32}{scorer.name} {statistics.median(distances):.2f} ({seeds})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--compile", action="store_true", help="try torch.compile too (needs a C++ compiler)")
    parser.add_argument("--quality", type=int, metavar="STEPS", help="compare what the loops learn instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.quality:
        quality(options.quality)
        return
    torch.manual_seed(0)
    chosen = make_plan(load_recipe("seed"), SampleSpec((1, 28, 28)), Wanted("cpu", threads=1)).precision
    torch.set_num_threads(1)
    contenders = {"plain eager loop": plain_step()[0]}
    contenders |= {f"dropgan {precision}": dropgan_step(precision)[0] for precision in ("fp32", "bf16")}
    if options.compile:
        contenders["compiled bf16"] = dropgan_step("bf16", compiled=True)[0]
    contenders |= {
        f"products {precision}": products_of(dropgan_step(precision)[0]) for precision in ("fp32", "bf16")
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(options.rounds + 1):
        for name, step in contenders.items():
            started = time.process_time()
            for _ in range(options.steps):
                step()
            if turn:  # the first one warms caches
                rates[name].append(options.steps / (time.process_time() - started))
    plain = rates["plain eager loop"]
    print(f"seed recipe, one thread, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    for name, measured in rates.items():
        ratio = statistics.median(one / other for one, other in zip(measured, plain, strict=True))
        auto = "  <- chosen by auto" if name == f"dropgan {chosen}" else ""
        print(f"{name:<18}{statistics.median(measured):7.1f} steps per CPU second   ratio {ratio:.2f}{auto}")
    for precision in ("fp32", "bf16"):
        pairs = zip(rates[f"dropgan {precision}"], rates[f"products {precision}"], strict=True)
        share = statistics.median(one / other for one, other in pairs)
        print(f"{precision}: a step runs at {share:.2f} of the rate of its matrix products alone")


if __name__ == "__main__":
    main()
