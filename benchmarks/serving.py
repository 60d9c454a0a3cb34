"""Measure requests per second and latency of `dropgan serve` and LitServe, one picture per request.

    pip install litserve==0.2.19      # and wrk, which Debian has as a package
    python benchmarks/serving.py MODEL [--seconds 5] [--turns 3] [--connections 32] [--workers 1]

Both serve the same file and answer with the same PNG bytes (checked first). They run in turns, each
loaded by wrk on the same machine. `constant` is the same dropgan server answering with a prepared body
of that size. The last part opens ten times as many connections and counts the refusals.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

_LITSERVE = """
import sys
import litserve
from fastapi import Response
from dropgan.serve import Generator
from dropgan.serve.batch.png_encoder import PngEncoder

class Pictures(litserve.LitAPI):
    def setup(self, device):
        self.generator = Generator(sys.argv[1], device="cpu", threads=1)
        self.encoder = PngEncoder(self.generator.sample_shape)
    def decode_request(self, request):
        return request["seed"], request["index"]
    def predict(self, wanted):
        seed, index = wanted
        return self.encoder.encode(self.generator.sample(1, seed=seed, start=index))[0]
    def encode_response(self, png):
        return Response(png, media_type="image/png")

if __name__ == "__main__":
    server = litserve.LitServer(Pictures(), accelerator="cpu", workers_per_device=int(sys.argv[3]))
    server.run(host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False,
               log_level="error")
"""
_CONSTANT = """
import sys, uvicorn
from dropgan.serve.http.protocol import Protocol
body = bytes(int(sys.argv[2]))
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"image/png"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="error", lifespan="off",
            http=Protocol, ws="none", server_header=False)
"""
_POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local index = 0
request = function()
  index = index + 1
  return wrk.format(nil, "/predict", nil, string.format('{"seed": 7, "index": %d}', index))
end
"""
_GET = """
local index = 0
request = function()
  index = index + 1
  return wrk.format(nil, string.format("/%s/7/%%d.png", index))
end
"""


def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(command: list[str], url: str) -> Iterator[None]:
    """A server, from its first answer on, in a process group of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(url, timeout=5)
                break
            except OSError as error:
                if getattr(error, "code", None) in (404, 405):  # it answers
                    break
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{command[:3]} does not answer") from error
                time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wrk(url: str, script: str, connections: int, seconds: float) -> dict[str, float]:
    """Requests per second, percentiles in milliseconds, and answers that were not 200."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", file.name, url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
    found = {
        name: float(value) * units[unit]
        for name, value, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    }
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    timeouts = re.search(r"timeout (\d+)", text)
    total = re.search(r"(\d+) requests in", text)
    assert rate, text
    assert total, text
    return found | {
        "rate": float(rate[1]),
        "total": float(total[1]),
        "refused": float(failed[1]) if failed else 0.0,
        "timeouts": float(timeouts[1]) if timeouts else 0.0,
    }


def parts(model: Path, count: int = 32) -> tuple[float, float]:
    """Least processor time of a picture, in microseconds: of the samples in batches of 32, and of PNG."""
    from dropgan.serve import Generator
    from dropgan.serve.batch.png_encoder import PngEncoder

    generator = Generator(model, device="cpu", threads=1)
    encoder, found = PngEncoder(generator.sample_shape), []
    for _ in range(50):
        began = time.thread_time()
        samples = generator.sample_each([7] * count, range(count))
        made = time.thread_time()
        encoder.encode(samples)
        found.append((made - began, time.thread_time() - made))
    samples_s, png_s = (min(column) / count * 1e6 for column in zip(*found, strict=True))
    return samples_s, png_s


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("this needs wrk")
    digest = sha256(options.model.read_bytes()).hexdigest()
    ours, theirs, plain = port(), port(), port()
    folder = Path(tempfile.mkdtemp(prefix="dropgan-serving-"))
    (folder / "theirs.py").write_text(_LITSERVE)
    (folder / "constant.py").write_text(_CONSTANT)
    with running(
        [sys.executable, "-m", "dropgan.cli", "serve", str(options.model), "--port", str(ours), "--quiet",
         "--workers", str(options.workers)],
        f"http://127.0.0.1:{ours}/healthz",
    ):  # fmt: skip
        answer = urllib.request.urlopen(f"http://127.0.0.1:{ours}/{digest}/7/3.png").read()
    commands = {
        "dropgan": (
            [sys.executable, "-m", "dropgan.cli", "serve", str(options.model), "--port", str(ours),
             "--quiet", "--workers", str(options.workers)],
            f"http://127.0.0.1:{ours}", "/healthz", _GET % digest,
        ),
        "litserve": (
            [sys.executable, str(folder / "theirs.py"), str(options.model), str(theirs),
             str(options.workers)],
            f"http://127.0.0.1:{theirs}", "/health", _POST,
        ),
        "constant": (
            [sys.executable, str(folder / "constant.py"), str(plain), str(len(answer))],
            f"http://127.0.0.1:{plain}", "/", _GET % digest,
        ),
    }  # fmt: skip
    found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for _ in range(options.turns):
        for name, (command, url, health, script) in commands.items():
            with running(command, url + health):
                if name == "litserve":
                    request = urllib.request.Request(
                        f"{url}/predict", b'{"seed": 7, "index": 3}', {"content-type": "application/json"}
                    )
                    same = urllib.request.urlopen(request).read()
                    assert same == answer, "the two servers give other pictures"
                wrk(url, script, options.connections, 1)
                found[name].append(wrk(url, script, options.connections, options.seconds))
    print(f"{options.connections} connections, {options.turns} turns of {options.seconds:g} s, medians")
    median = {
        name: {key: statistics.median(run[key] for run in runs) for key in ("rate", "50", "99")}
        for name, runs in found.items()
    }
    for name, values in median.items():
        print(
            f"{name:<10} {values['rate']:8.0f} requests/s,"
            f" p50 {values['50']:7.2f} ms, p99 {values['99']:7.2f} ms"
        )
    rate = median["dropgan"]["rate"]
    print(f"dropgan / litserve {rate / median['litserve']['rate']:.2f}")
    print(f"dropgan / constant {rate / median['constant']['rate']:.2f}")
    samples_us, png_us = parts(options.model)
    print(
        f"one thread's processor time of a picture: {samples_us:.0f} us for the sample, {png_us:.0f} for PNG;"
        f" of a constant answer there is one in {1e6 / median['constant']['rate']:.0f} us"
    )
    command, url, health, script = commands["dropgan"]
    with running(command, url + health):
        for connections in (options.connections, 10 * options.connections, options.connections):
            one = wrk(url, script, connections, options.seconds)
            print(
                f"{connections:4} connections: {one['rate']:8.0f} answers/s, p99 {one['99']:7.2f} ms,"
                f" {one['refused'] / one['total']:.0%} refused at once, {one['timeouts']:.0f} timed out"
            )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
