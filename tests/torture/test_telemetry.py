"""Nothing is sent and nothing is left: what onnxruntime does by itself is switched off."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .arena import program
from .conftest import JOB, Figures, Good

WAIT = 14
"""Seconds that a process lives on: onnxruntime 1.31 waits some ten before it resolves its host."""

# Runs in a network of its own, in which every packet that leaves is counted and none arrives.
_COUNTED = """
import subprocess, sys
def sent():
    lines = open("/proc/net/snmp").read().splitlines()
    ip = dict(zip(*(line.split()[1:] for line in lines if line.startswith("Ip:"))))
    return int(ip["OutRequests"]) + int(ip["OutNoRoutes"])
before = sent()
code = subprocess.run(sys.argv[1:]).returncode
print("PACKETS", sent() - before)
sys.exit(code)
"""
_IN_A_PROGRAM = """
import sys, time
from dropgan.serve import Generator
for _ in range(3):
    Generator(sys.argv[1], device="cpu").sample(10)
time.sleep(float(sys.argv[2]))
"""


def _unshare() -> list[str]:
    command = ["unshare", "--user", "--map-root-user", "--net"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*command, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no network namespaces here")
    return command


@pytest.mark.parametrize("way", ["program", "sample", "job", "inspect", "doctor"])
def test_nothing_leaves_and_nothing_stays(good: Good, tmp_path: Path, figures: Figures, way: str) -> None:
    """onnxruntime 1.31 resolved a host of its maker's and left a device's number in the user's cache."""
    isolated = _unshare()
    home = tmp_path / "home"
    home.mkdir()
    commands: dict[str, list[str]] = {
        "program": [sys.executable, "-P", "-c", _IN_A_PROGRAM, str(good.model), str(WAIT)],
        "sample": program("sample", good.model, "-o", tmp_path / "x.npy", "-n", 100),
        "job": program("sample", good.model, "-o", tmp_path / "job", *JOB),
        "inspect": program("inspect", good.model),
        "doctor": program("doctor"),
    }
    named = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "ORT_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in named}
    began = time.monotonic()
    answer = subprocess.run(
        [*isolated, sys.executable, "-P", "-c", _COUNTED, *commands[way]],
        env={**environment, "HOME": str(home)}, cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "PACKETS 0"
    left = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    # matplotlib, which doctor loads to see that it works, keeps a list of the machine's fonts
    assert not [name for name in left if not name.startswith(".cache/matplotlib/fontlist-")]
    figures.count("telemetry", "seconds watched in a network of their own", round(time.monotonic() - began))
