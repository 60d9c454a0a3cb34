"""The light runtime on 64-bit Arm: Debian's Python and the wheels for it, emulated by qemu."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_ROOT = Path(__file__).parents[2]
_PACKAGES = (
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "libgcc-s1",
    "libstdc++6", "zlib1g", "libexpat1", "libssl3", "libffi8", "liblzma5", "libbz2-1.0", "libuuid1",
    "libcrypt1",
)  # fmt: skip
_RUNTIME = "1.20.0"  # 1.31 crashes on its import under this emulator
_SCRIPT = """
import json, platform, sys
import numpy as np
from dropgan.serve import Generator

found = {"machine": platform.machine(), "equal for any cut": []}
for path in sys.argv[1:]:
    generator = Generator(path, device="cpu", threads=1)
    whole = generator.sample(40, seed=5)
    cuts = ((0, 1, 1), (1, 16, 5), (17, 23, 23))
    cut = [generator.sample(n, seed=5, start=at, batch_size=batch) for at, n, batch in cuts]
    found["equal for any cut"].append(bool(np.array_equal(whole, np.concatenate(cut))))
    np.save(path + ".npy", whole)
    np.save(path + ".latents.npy", generator.latents(2000, seed=5))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of a Python on Arm that has numpy and onnxruntime, or a skip that says what is missing."""
    for tool in ("qemu-aarch64", "apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}: qemu-user on Debian")
    folder = tmp_path_factory.mktemp("arm")
    for name in ("lists/partial", "archives/partial", "root", "site"):
        (folder / name).mkdir(parents=True)
    state = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder,
    }
    options = [f"-o{key}={value}" for key, value in state.items()]
    _fetch(["apt-get", *options, "update"], folder, "Debian's package lists")
    _fetch(["apt-get", *options, "download", *_PACKAGES], folder, "Debian's arm64 packages of Python 3.11")
    wheels = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    wheels += ["--python-version", "3.11", "--implementation", "cp", "--dest", str(folder)]
    wheels += [f"--platform=manylinux_2_{libc}_aarch64" for libc in (17, 27, 28)]
    wanted = [f"numpy=={np.__version__}", f"onnxruntime=={_RUNTIME}"]
    _fetch([*wheels, *wanted], folder, "the aarch64 wheels of numpy and onnxruntime")
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder / "site")
    environment = {"PYTHONHOME": folder / "root/usr", "PYTHONPATH": f"{_ROOT}:{folder / 'site'}"}
    given = [part for key, value in environment.items() for part in ("-E", f"{key}={value}")]
    python = str(folder / "root/usr/bin/python3.11")
    return ["qemu-aarch64", "-cpu", "max", "-L", str(folder / "root"), *given, python, "-P"]


def _fetch(command: list[str], folder: Path, what: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"{what} cannot be had here: {(done.stderr.strip().splitlines() or ['?'])[-1][:200]}")


def test_arm_draws_what_x86_draws(arm: list[str], model_file: Path, int8_file: Path, tmp_path: Path) -> None:
    """A phone, a Mac or a Graviton must show the user's pictures, not some like them."""
    (tmp_path / "draw.py").write_text(_SCRIPT)
    copies = {model_file: tmp_path / "fp32.onnx", int8_file: tmp_path / "int8.onnx"}
    for path, copy in copies.items():
        shutil.copy(path, copy)
    command = [*arm, str(tmp_path / "draw.py"), *map(str, copies.values())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == {"machine": "aarch64", "equal for any cut": [True, True]}
    for path, copy in copies.items():
        generator = Generator(path, device="cpu")
        apart = np.abs(np.load(f"{copy}.npy").astype(int) - generator.sample(40, seed=5))
        assert apart.max() <= 1, path
        assert (apart > 0).mean() < 1e-3, path
        latents = np.abs(np.load(f"{copy}.latents.npy") - generator.latents(2000, seed=5))
        assert latents.max() <= 2.4e-7
