"""Class-conditional models of vectors: labels and units together, through to the runtime."""

from pathlib import Path

import numpy as np

from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import change_recipe, load_recipe, train


def test_classes_of_vectors(tmp_path: Path) -> None:
    """Two inputs and columns in their own units: a class's samples lie where its rows do."""
    random = np.random.default_rng(0)
    labels = np.where(np.arange(400) % 4 == 0, 7, 3)
    rows = random.normal(size=(400, 3)) + np.where(labels[:, None] == 7, [50, 0, -9], [30, 0, 9])
    np.savez(tmp_path / "rows.npz", vectors=rows.astype(np.float32), labels=labels)
    settings = {
        "conditional": True,
        "generator.latent_dim": 8,
        "generator.hidden": [64, 64],
        "discriminator.hidden": [64, 64],
        "discriminator.texture_weight": 0,
        "training.steps": 400,
        "training.batch_size": 50,
        "training.ema_decay": 0.95,
    }
    recipe = change_recipe(load_recipe("mlp"), settings)
    train(
        tmp_path / "run", recipe, data=str(tmp_path / "rows.npz"), device="cpu", precision="fp32", threads=1
    )
    export(tmp_path / "run", tmp_path / "model.onnx")
    generator = Generator(tmp_path / "model.onnx", device="cpu")
    asked = np.where(np.arange(100) % 2, 7, 3)
    made = generator.sample(100, labels=asked)
    assert made.shape == (100, 3)
    assert ((made[:, 0] > 40) == (asked == 7)).mean() > 0.9
    assert generator.class_numbers == (3, 7)
    drawn = generator.labels(2000, seed=1)
    assert abs((drawn == 7).mean() - 0.25) < 0.05
    assert np.array_equal(drawn, generator.labels(2000, seed=1, labels="data"))
    assert abs((generator.labels(2000, seed=1, labels="uniform") == 7).mean() - 0.5) < 0.06
    assert np.array_equal(generator.sample(50, seed=1), generator.sample(50, seed=1, labels=drawn[:50]))
