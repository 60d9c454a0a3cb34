"""The model that comes with dropgan: there at once, small, what it says it is, and never in a path's way."""

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch

from dropgan.evaluate import load_features
from dropgan.export import check_inference_only, recheck
from dropgan.export.package.light import light_wheel
from dropgan.serve import Generator
from dropgan.serve.errors import MissingModelError, ModelError
from dropgan.serve.included import included_model, included_names
from dropgan.serve.loading import read_file

CLOTHES = Path("clothes")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_clothes_are_there_and_are_what_was_asked_for(elsewhere: Path) -> None:
    """The first thing that a user tries must need no training, and show the class that was named."""
    generator = Generator("clothes", device="cpu")
    assert "Sneaker" in generator.class_names
    labels = np.repeat(generator.class_numbers, 50)
    samples = generator.sample(len(labels), labels=labels)
    assert samples.shape == (500, 28, 28, 1)
    with torch.inference_mode():
        seen = load_features()(samples).logits.argmax(1)
    assert (seen == labels).mean() > 0.8  # of real images it tells 0.95


def test_the_file_is_small_and_passes_its_own_checks() -> None:
    """It is in every whole wheel; and `dropgan inspect clothes` ends with 1 if it fails the gate."""
    assert included_names() == ["clothes"]
    data = read_file(CLOTHES)
    assert len(data) <= 700_000
    generator = Generator(data, device="cpu")
    assert check_inference_only(data).passed
    assert recheck(data, generator).passed
    assert generator.card.scores[0].value < 1


def test_a_path_wins_over_the_name(elsewhere: Path, model_file: Path) -> None:
    """A user's own file of that name is meant, even one that cannot be opened."""
    CLOTHES.write_bytes(model_file.read_bytes())
    assert Generator("clothes", device="cpu").digest == Generator(model_file, device="cpu").digest
    CLOTHES.write_bytes(b"no model")
    with pytest.raises(ModelError):
        Generator("clothes", device="cpu")
    CLOTHES.unlink()
    CLOTHES.mkdir()
    with pytest.raises(ModelError, match="is a directory"):
        Generator("clothes", device="cpu")


def test_only_the_bare_name_is_a_name(elsewhere: Path) -> None:
    """A path that is mistyped must not give another model than the one that was meant."""
    for other in (elsewhere / "clothes", Path("models/clothes"), Path("clothes.onnx"), Path("Clothes")):
        assert included_model(other) is None
        with pytest.raises(MissingModelError, match="by name there is clothes"):
            Generator(other, device="cpu")


def test_the_light_wheel_is_without_it() -> None:
    """It holds the runtime alone, for programs that bring a model of their own."""
    _, wheel = light_wheel()
    assert not [name for name in zipfile.ZipFile(BytesIO(wheel)).namelist() if name.endswith(".onnx")]
