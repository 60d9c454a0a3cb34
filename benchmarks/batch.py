"""Measure batch jobs against plain loops that do a part of the work.

    python benchmarks/batch.py model.onnx [--what latents npy pictures torch]

Each comparison alternates its sides and prints medians, and the median of the ratios of single
rounds. Both are given by the clock and by CPU time (user and system, of all processes), which other
programs on the machine disturb less. A job's rate is measured from its first progress report to its
end, so the start of its processes does not count. For the same reason, the CPU time of a job of a
fifth of the size is subtracted from its CPU time.

    latents   the latent stream on one core, against numpy's normal generator on Philox
    npy       a job of npy shards, against an onnxruntime loop over ready-made latents that throws its
              output away: with one session on all cores, and with a session of one thread a core
    pictures  jobs of tar and parquet shards, against the PNG encoder alone on all cores, its input
              ready and its output thrown away
    torch     jobs of png, tar and parquet against a PyTorch loop with PIL.Image.save per sample
              (where files lie matters: TMPDIR chooses)
"""

import argparse
import contextlib
import itertools
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dropgan.serve import Generator, LatentStream, Reporter
from dropgan.serve.batch import generate
from dropgan.serve.batch.png_encoder import PngEncoder
from dropgan.serve.cores import usable_cores
from dropgan.serve.providers import load_onnxruntime

Sides = dict[str, Callable[[], tuple[float, float]]]
"""Name of a side, and what runs it: (samples a second by the clock, CPU microseconds a sample)."""


def cpu_seconds() -> float:
    """CPU seconds of this process and of those of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(work: Callable[[], None], samples: int) -> tuple[float, float]:
    """Rate and CPU time of a piece of work."""
    cpu, clock = cpu_seconds(), time.perf_counter()
    work()
    clock, cpu = time.perf_counter() - clock, cpu_seconds() - cpu
    return samples / clock, cpu / samples * 1e6


kept = contextlib.ExitStack()
"""Folders of many files, removed at the very end: for minutes after thousands of files were deleted ext4
takes up to twenty times as long to make one, which would be charged to whoever comes next."""


def job(model: str, format_: str, samples: int, **settings: int) -> tuple[float, float]:
    """A job into a fresh directory below the temporary directory."""
    small = samples // 5
    _, before = _job(model, format_, small, **settings)
    rate, cpu = _job(model, format_, samples, **settings)
    return rate, (cpu - before) / (samples - small) * 1e6


def _job(model: str, format_: str, samples: int, **settings: int) -> tuple[float, float]:
    """Samples a second, and CPU seconds."""
    reports: list[tuple[float, int]] = []
    with contextlib.ExitStack() as stack:
        folder = (kept if format_ == "png" else stack).enter_context(tempfile.TemporaryDirectory())
        cpu = cpu_seconds()
        generate(
            model,
            Path(folder) / "out",
            samples,
            format=format_,
            shard_size=16_384 if format_ != "png" else 2048,
            device="cpu",
            reporter=Reporter(progress=lambda at: reports.append((time.perf_counter(), at.done))),
            **settings,
        )
        reports.append((time.perf_counter(), samples))
        cpu = cpu_seconds() - cpu
    first = next(place for place, report in enumerate(reports) if report[1] > 0)
    (begun, done), (ended, total) = reports[first], reports[-1]
    return (total - done) / (ended - begun), cpu


def compare(sides: Sides, rounds: int) -> None:
    """Run the sides in turns; the first is what the others are measured by."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            seen[name].append(run())
    yardstick = next(iter(sides))
    for name, runs in seen.items():
        rate, cpu = (statistics.median(values) for values in zip(*runs, strict=True))
        line = f"{name:<44}{rate:>10,.0f} samples/s {cpu:>8.2f} us CPU"
        if name != yardstick:
            pairs = list(zip(runs, seen[yardstick], strict=True))
            by_clock = statistics.median(run[0] / other[0] for run, other in pairs)
            by_cpu = statistics.median(other[1] / run[1] for run, other in pairs)
            line += f"   ratio {by_clock:5.2f} by the clock, {by_cpu:5.2f} by CPU"
        print(line, flush=True)


def latents(model: str, samples: int, rounds: int) -> None:
    dim = Generator(model, device="cpu").card.latents.dim
    stream = LatentStream(dim)
    numpys = np.random.Generator(np.random.Philox(key=[0, 0]))
    count = min(samples, 100_000)
    sides: Sides = {
        "numpy standard_normal float32 on Philox": lambda: timed(
            lambda: (
                [numpys.standard_normal((1024, dim), dtype=np.float32) for _ in range(count // 1024)] and None
            ),
            count // 1024 * 1024,
        ),
        "the latent stream in batches of 1024": lambda: timed(
            lambda: [stream(1024, seed=0, start=1024 * i) for i in range(count // 1024)] and None,
            count // 1024 * 1024,
        ),
    }
    compare(sides, 3 * rounds)


def bare_loop(model: str, samples: int, threads: int, batch: int) -> tuple[float, float]:
    """onnxruntime alone, over latents that lie ready; the output is thrown away."""
    from concurrent.futures import ThreadPoolExecutor

    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    ready = LatentStream(session.get_inputs()[0].shape[1])(16 * batch, seed=0)
    callers = usable_cores() // threads

    def loop(share: int) -> None:
        for place in range(share // batch):
            first = place % 16 * batch
            session.run(None, {name: ready[first : first + batch]})

    def work() -> None:
        with ThreadPoolExecutor(callers) as pool:
            list(pool.map(loop, [samples // callers] * callers))

    loop(4 * batch)
    return timed(work, samples // callers // batch * batch * callers)


def npy(model: str, samples: int, rounds: int) -> None:
    split = {"workers": usable_cores(), "threads": 1, "batch_size": 256}
    compare(
        {
            f"bare loop, one session of {usable_cores()} threads": lambda: bare_loop(
                model, samples, usable_cores(), 1024
            ),
            "bare loop, a session of 1 thread a core": lambda: bare_loop(model, samples, 1, 1024),
            f"npy job, {usable_cores()} workers of 1 thread": lambda: job(model, "npy", samples, **split),
        },
        rounds,
    )


def _encode(shape: tuple[int, ...], path: str, samples: int) -> None:
    images = np.load(path)
    encoder = PngEncoder(shape)
    for _ in range(samples // len(images)):
        for first in range(0, len(images), 1024):
            encoder.encode(images[first : first + 1024])


def encoder_alone(model: str, samples: int) -> tuple[float, float]:
    """PNG encoding in a process a core."""
    generator = Generator(model, device="cpu")
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, generator.sample(8192))
        file.flush()
        share = max(1, samples // usable_cores() // 8192) * 8192
        arguments = (generator.sample_shape, file.name, share)
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=_encode, args=arguments) for _ in range(usable_cores())]

        def work() -> None:
            for process in processes:
                process.start()
            for process in processes:
                process.join()

        return timed(work, share * usable_cores())


def pictures(model: str, samples: int, rounds: int) -> None:
    split = {"workers": usable_cores(), "threads": 1, "batch_size": 256}
    compare(
        {
            f"PNG encoder alone, {usable_cores()} processes": lambda: encoder_alone(model, samples),
            "model and latents alone, for comparison": lambda: timed(
                lambda: list(Generator(model, device="cpu").stream(samples, batch_size=512)) and None, samples
            ),
            f"tar job, {usable_cores()} workers": lambda: job(model, "tar", samples, **split),
            f"parquet job, {usable_cores()} workers": lambda: job(model, "parquet", samples, **split),
        },
        rounds,
    )


def torch_loop(shape: tuple[int, ...], dim: int, samples: int, threads: int) -> tuple[float, float]:
    """The usual loop: a batch of 100 from a PyTorch generator of equal size, PIL.Image.save each."""
    import torch
    from PIL import Image

    torch.set_num_threads(threads)
    height, width, channels = shape
    layers = [dim, 256, 256, height * width * channels]
    parts: list[torch.nn.Module] = []
    for inputs, outputs in itertools.pairwise(layers):
        parts += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    body = torch.nn.Sequential(*parts[:-1], torch.nn.Tanh()).eval()

    folder = kept.enter_context(tempfile.TemporaryDirectory())
    with torch.no_grad():

        def work() -> None:
            for first in range(0, samples, 100):
                images = body(torch.randn(100, dim)).view(-1, *shape)
                pixels = ((images + 1) * 127.5).round().to(torch.uint8).numpy()
                for place, image in enumerate(pixels):
                    picture = Image.fromarray(image[:, :, 0] if channels == 1 else image)
                    picture.save(f"{folder}/{first + place:09d}.png")

        return timed(work, samples)


def torch_(model: str, samples: int, rounds: int) -> None:
    split = {"workers": usable_cores(), "threads": 1, "batch_size": 256}
    generator = Generator(model, device="cpu")
    shape, dim = generator.sample_shape, generator.card.latents.dim
    some = samples // 20 // 100 * 100
    compare(
        {
            "PyTorch loop with PIL.Image.save, 1 thread": lambda: torch_loop(shape, dim, some, 1),
            f"the same loop, {usable_cores()} threads": lambda: torch_loop(shape, dim, some, usable_cores()),
            "png job": lambda: job(model, "png", samples // 4, **split),
            "tar job": lambda: job(model, "tar", samples, **split),
            "parquet job": lambda: job(model, "parquet", samples, **split),
        },
        rounds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = {"latents": latents, "npy": npy, "pictures": pictures, "torch": torch_}
    parser.add_argument("model")
    parser.add_argument("--what", nargs="+", choices=what, default=list(what))
    parser.add_argument("--samples", type=int, default=262_144)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{usable_cores()} cores, onnxruntime {load_onnxruntime().__version__}, {options.rounds} rounds")
    with kept:
        for name in options.what:
            print(f"\n{name}")
            what[name](options.model, options.samples, options.rounds)


if __name__ == "__main__":
    main()
