"""The long proofs: a hundred kills, and a cluster that loses a worker."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dropgan.serve.batch import generate, verify

from .test_batch_restart import FAST, start, tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 100


def test_a_hundred_kills(model_file: Path, tmp_path: Path) -> None:
    """A crash at an unlucky moment would lose, double or damage samples for good.

    Each process is killed at a random moment between its start and some shards later; most kills
    thus fall into the start, the check of what is there, and the writing.
    """
    count, shards = 256 * 3000, 3000
    generate(model_file, tmp_path / "undisturbed", count, shard_size=256, **FAST)
    out, random_ = tmp_path / "out", random.Random(6)
    kills = progressed = 0
    while kills < KILLS:
        before = len(list(out.glob("images*")))
        process = start(model_file, out, count, workers=random_.choice([1, 1, 2]))
        if random_.random() < 0.8:  # give it until it has made something new, then a little more
            while process.poll() is None and len(list(out.glob("images*"))) == before:
                time.sleep(0.005)
        time.sleep(random_.uniform(0, 0.1))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        progressed += len(list(out.glob("images*"))) > before
    done = len(list(out.glob("images*")))
    print(f"{kills} kills, {progressed} after new shards, {done} of {shards} shards there")
    assert kills == KILLS
    assert progressed > KILLS // 2
    report = generate(model_file, out, count, shard_size=256, **FAST)
    print(f"found whole: {report.found}, made: {report.made}")
    assert tree(out) == tree(tmp_path / "undisturbed")


DRIVER = """
import sys
from dropgan.serve.batch import generate
report = generate(sys.argv[2], sys.argv[3], int(sys.argv[4]), shard_size=512, device="cpu", threads=1,
                  ray=sys.argv[1], workers=2)
print(report)
"""


def test_ray_cluster_that_loses_a_worker(model_file: Path, tmp_path: Path) -> None:
    """On a cluster the shards would differ from those of one machine, or a lost worker end the job."""
    pytest.importorskip("ray", reason="needs dropgan[ray]")
    from ray.cluster_utils import Cluster

    count = 512 * 400
    generate(model_file, tmp_path / "undisturbed", count, shard_size=512, **FAST)
    out = tmp_path / "out"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    killed = []
    try:
        cluster.add_node(num_cpus=1)
        driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, cluster.address, str(model_file), str(out), str(count)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and driver.poll() is None:
            if len(list(out.glob("images*"))) >= 5:
                killed = _workers_of(out)
                if killed:
                    os.kill(killed[0], signal.SIGKILL)
                    break
            time.sleep(0.02)
        said, errors = driver.communicate(timeout=300)
    finally:
        cluster.shutdown()
    assert driver.returncode == 0, errors[-3000:]
    assert killed, "no worker was found to kill"
    assert "complete=True" in said
    assert verify(out).passed
    assert tree(out) == tree(tmp_path / "undisturbed")


def _workers_of(out: Path) -> list[int]:
    """Processes that have a file of the output open for writing, the driver not among them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            title = (process / "cmdline").read_bytes()
            links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if b"ray::" in title and any(link.startswith(f"{out}/.images") for link in links):
            found.append(int(process.name))
    return found
