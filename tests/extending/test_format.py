"""A shard format from one file: hexadecimal lines, one a sample."""

from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator
from dropgan.serve.batch.files import HashingFile, Written
from dropgan.serve.batch.format import Format, NewShard, Way
from dropgan.serve.batch.formats import FORMATS
from dropgan.serve.kind import ARRAY

from ..cli.conftest import Dropgan


class HexShard:
    def __init__(self, new: NewShard) -> None:
        self._file = HashingFile(new.path, new.file)

    def add(self, indices: np.ndarray, samples: np.ndarray, labels: np.ndarray | None) -> None:
        for sample in samples:
            self._file.write(sample.tobytes().hex().encode() + b"\n")

    def finish(self, name: str) -> list[Written]:
        return [self._file.written(name)]

    def close(self) -> None:
        self._file.close()


def test_a_format(
    dropgan: Dropgan, tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs, manifests, restarts and checks take it from there."""
    monkeypatch.setattr(FORMATS, "_known", dict(FORMATS._known))
    FORMATS.register(Format("hex", ".hex", {ARRAY: Way(HexShard)}))
    out = tmp_path / "out"
    command = ("sample", model_file, "-n", 10, "-o", out, "--format", "hex", "--workers", 1, "--threads", 1)
    for _ in range(2):  # the second time everything is found in place
        answer = dropgan(*command)
        assert answer.code == 0, answer.err
    (shard,) = out.glob("*.hex")
    lines = shard.read_text().split()
    expected = Generator(model_file, device="cpu").sample(10)
    assert lines == [sample.tobytes().hex() for sample in expected]
    assert dropgan("sample", "--verify", out).code == 0
