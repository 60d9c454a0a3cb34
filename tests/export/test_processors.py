"""What other processors draw: AVX2 without VNNI, emulated by qemu on whatever runs the tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from dropgan.export.kinds.images import ImageEnding
from dropgan.export.precision import Quantiser
from dropgan.serve import Generator
from dropgan.serve.card import METADATA_KEY
from dropgan.serve.loading import with_metadata

_QEMU = shutil.which("qemu-x86_64")
pytestmark = pytest.mark.skipif(_QEMU is None, reason="needs qemu-x86_64, Debian's qemu-user")

_SCRIPT = """
import json, sys
import numpy as np
from dropgan.export import recheck
from dropgan.serve import Generator

found = {}
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    generator = Generator(data, device="cpu", threads=1)
    np.save(path + ".npy", generator.sample(24, seed=5))
    again = recheck(data, generator)
    found[path] = {"plain": again.plain_difference, "passed": again.passed}
print(json.dumps(found))
"""


def on_avx2(folder: Path, *files: Path) -> dict[Path, tuple[np.ndarray, float, bool]]:
    """Samples of model files on a Haswell, the difference from the plain graph, and inspect's verdict."""
    (folder / "draw.py").write_text(_SCRIPT)
    copies = {path: folder / f"{number}.onnx" for number, path in enumerate(files)}
    for path, copy in copies.items():
        shutil.copy(path, copy)
    command = [str(_QEMU), "-cpu", "Haswell", sys.executable, "-P", str(folder / "draw.py")]
    done = subprocess.run(
        [*command, *map(str, copies.values())],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {
        path: (np.load(f"{copy}.npy"), found[str(copy)]["plain"], found[str(copy)]["passed"])
        for path, copy in copies.items()
    }


def test_avx2_draws_what_this_processor_draws(
    model_file: Path, int8_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file certified on one processor must draw the same pictures on the next.

    The third file has weights of eight bits, as files had before: AVX2 saturates, and inspect must
    say so there.
    """
    monkeypatch.setattr("dropgan.export.rounding.WEIGHT_LEVELS", 127)
    fp32 = model_file.read_bytes()
    quantiser = Quantiser(onnx.load_model_from_string(fp32), latent_dim=100, ending=ImageEnding(), seed=0)
    eight_bits = quantiser._make(quantiser._layers).model
    del eight_bits.metadata_props[:]
    card = Generator(int8_file, device="cpu").card.to_json()
    digest = json.loads(card)["export"]["parity"]["digest"]
    data = with_metadata(eight_bits.SerializeToString(), METADATA_KEY, card.replace(digest, ""))
    (tmp_path / "saturating.onnx").write_bytes(data)

    found = on_avx2(tmp_path, model_file, int8_file, tmp_path / "saturating.onnx")
    for path in (model_file, int8_file):
        samples, plain, passed = found[path]
        here = Generator(path, device="cpu").sample(24, seed=5)
        assert np.abs(samples.astype(int) - here).max() <= 1, path
        assert plain <= 1
        assert passed
    _, plain, passed = found[tmp_path / "saturating.onnx"]
    assert plain > 1
    assert not passed
