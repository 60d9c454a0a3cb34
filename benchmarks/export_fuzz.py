"""Open and sample thousands of mutated model files, and look for crashes, hangs and tracebacks.

    python benchmarks/export_fuzz.py --run RUN [--files 10000]

Exports the run in fp32 and int8, mutates the files (bytes flipped, moved, cut, added; fields of the
graph changed), half of them with the digest taken out of the card so that changes get past it, and
opens each in a child process that is watched from outside. Exit 1 if the interpreter crashed, a
file took over 5 s, memory went over 1 GB, or anything but ModelError was raised.
"""

import argparse
import collections
import multiprocessing
import resource
import sys
import tempfile
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

SECONDS, KIBIBYTES = 5.0, 1 << 20


def child(pipe: Connection, sources: list[bytes]) -> None:
    """Open the files whose numbers come through the pipe; send back how each was answered."""
    from dropgan.serve import Generator, ModelError
    from tests.serve.mutations import mutate

    while True:
        number = pipe.recv()
        data = mutate(sources[number % len(sources)], number)
        pipe.send("begin")
        started = time.perf_counter()
        try:
            Generator(data, device="cpu", threads=1).sample(2)
            answer = "sampled"
        except ModelError as error:
            known = "onnxruntime" if "ONNXRuntimeError" in str(error) else "before onnxruntime"
            answer = f"refused {known}" if "\n" not in str(error) else f"BAD more than one line: {error}"
        except Exception:  # noqa: BLE001 - finding these is the purpose
            answer = f"BAD {traceback.format_exc(limit=-3)}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pipe.send((answer, time.perf_counter() - started, peak))


def start(sources: list[bytes]) -> tuple[multiprocessing.Process, Connection]:
    """A fresh child and this end of its pipe."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=child, args=(there, sources), daemon=True)
    process.start()
    there.close()
    return process, here  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="a run directory that dropgan train made")
    parser.add_argument("--files", type=int, default=10_000)
    options = parser.parse_args()

    from dropgan.export import export
    from tests.serve.mutations import without_digest

    sources = []
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("fp32", "int8"):
            path = Path(folder) / f"{precision}.onnx"
            export(options.run, path, precision=precision)
            sources += [path.read_bytes(), without_digest(path.read_bytes())]

    answers: collections.Counter[str] = collections.Counter()
    bad: list[str] = []
    slowest, peak = 0.0, 0
    process, pipe = start(sources)
    for number in range(options.files):
        pipe.send(number)
        try:
            pipe.recv()  # the file is made; now the clock runs
            if not pipe.poll(SECONDS):
                raise TimeoutError
            answer, seconds, used = pipe.recv()
        except (EOFError, TimeoutError, ConnectionResetError) as error:
            process.kill()
            process.join()
            bad.append(f"file {number}: {'hang' if isinstance(error, TimeoutError) else process.exitcode}")
            process, pipe = start(sources)
            continue
        slowest, peak = max(slowest, seconds), max(peak, used)
        if answer.startswith("BAD"):
            bad.append(f"file {number}: {answer}")
        else:
            answers[answer] += 1
        if number % 1000 == 999:
            print(f"{number + 1:,} files, {len(bad)} bad", file=sys.stderr, flush=True)
    process.kill()
    for answer, count in answers.most_common():
        print(f"{answer:<28}{count:>7,}")
    print(f"{'crash, hang or traceback':<28}{len(bad):>7,}")
    print(f"slowest file {slowest:.2f} s, peak memory of the process {peak / 1024:.0f} MiB")
    for line in bad[:20]:
        print(line)
    sys.exit(bool(bad) or peak > KIBIBYTES)


if __name__ == "__main__":
    main()
