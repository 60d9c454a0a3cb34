"""Every kind of data with every architecture: trains three steps, exports, passes the gate, samples.

Architectures are those that are registered; a new kind of data is an entry in ``KINDS``.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dropgan.export import export
from dropgan.export.gate import check_inference_only
from dropgan.serve import Generator
from dropgan.serve.pictures import encode_png
from dropgan.train import DataOptions, change_recipe, load_recipe, train
from dropgan.train.networks import ARCHITECTURES, SampleSpec
from dropgan.train.networks.spec import GraphTypes

from .features_file import features_file

COUNT, SIDE = 24, 16
SMALL = {"generator.hidden": [8, 8], "discriminator.hidden": [8, 8]}
GRAPHS = SampleSpec((4, 5, 5), graphs=GraphTypes(1, 1, sizes_vary=False))
ONLY_IMAGES = {design.name for design in ARCHITECTURES if not design.fits(SampleSpec((5,)))}
SHORT = {"training.steps": 3, "training.batch_size": 8, "generator.latent_dim": 16}
LABELS = np.arange(COUNT) % 3


def _pixels(channels: int, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, side, side, channels), dtype=np.uint8)


def _array(channels: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        np.savez(folder / "data.npz", images=_pixels(channels), labels=LABELS)
        return folder / "data.npz"

    return make


def _folder(folder: Path) -> Path:
    for number, pixels in enumerate(_pixels(3, 20)):
        path = folder / "pictures" / "abc"[LABELS[number]] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(pixels))
    return folder / "pictures"


def _parquet(folder: Path) -> Path:
    rows = {"image": [encode_png(pixels) for pixels in _pixels(1)], "label": LABELS}
    pq.write_table(pa.table(rows), folder / "data.parquet")
    return folder / "data.parquet"


def _saved(folder: Path) -> Path:
    datasets = pytest.importorskip("datasets", reason="the extra dropgan[hub] is not installed")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=[*"abc"])})
    rows = {"image": [{"bytes": encode_png(p), "path": None} for p in _pixels(3)], "label": LABELS}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(folder / "saved"))
    return folder / "saved"


def _vectors(folder: Path) -> Path:
    np.savez(folder / "data.npz", vectors=np.random.default_rng(0).normal(50, 3, (COUNT, 5)), labels=LABELS)
    return folder / "data.npz"


def _csv(folder: Path) -> Path:
    rows = np.random.default_rng(0).normal(size=(COUNT, 3))
    lines = ["a,b,c,kind", *(f"{a},{b},{c},{'xyz'[k]}" for (a, b, c), k in zip(rows, LABELS, strict=True))]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return folder / "data.csv"


def _graphs(folder: Path) -> Path:
    edges = np.triu(np.random.default_rng(0).integers(0, 2, (COUNT, 5, 5), dtype=np.uint8), 1)
    graphs = edges + edges.transpose(0, 2, 1) + np.eye(5, dtype=np.uint8)
    np.savez(folder / "data.npz", graphs=graphs, labels=LABELS)
    return folder / "data.npz"


def of_both(architecture: str) -> dict[str, str]:
    """The settings that choose an architecture for each network that it has."""
    networks = ("generator", "discriminator")
    return {
        f"{net}.architecture": architecture for net in networks if getattr(ARCHITECTURES[architecture], net)
    }


KINDS: dict[str, tuple[Callable[[Path], Path], DataOptions, tuple[int, ...]]] = {
    "grey": (_array(1), DataOptions(), (SIDE, SIDE, 1)),
    "colour": (_array(3), DataOptions(), (SIDE, SIDE, 3)),
    "folder": (_folder, DataOptions(size=SIDE), (SIDE, SIDE, 3)),
    "parquet": (_parquet, DataOptions(), (SIDE, SIDE, 1)),
    "hugging-face": (_saved, DataOptions(), (SIDE, SIDE, 3)),
    "vectors": (_vectors, DataOptions(), (5,)),
    "csv": (_csv, DataOptions(label_column="kind"), (3,)),
    "graphs": (_graphs, DataOptions(), (5, 5)),
}
"""How a data set is made, how it is read, and the shape of a sample."""

TRAINED_ALIKE = {"folder", "parquet", "hugging-face"}
"""Kinds that are images in memory like grey and colour once they are read: all combinations of them
are only among the slow tests."""

ALIKE_IN_COLOUR = {"capsule", "graph", "projected", "resnet", "r3gan"}
"""Architectures to which channels and labels mean what they mean to ``conv``: of the fast tests, colour with
labels is enough."""


def _slow(kind: str, architecture: str, conditional: bool) -> bool:
    if kind in TRAINED_ALIKE:
        return conditional or architecture in ONLY_IMAGES
    if architecture == "equivariant" and conditional:
        return True
    return architecture in ALIKE_IN_COLOUR and not (kind == "colour" and conditional)


CASES = [
    pytest.param(
        kind,
        architecture,
        conditional,
        marks=[pytest.mark.slow] if _slow(kind, architecture, conditional) else [],
    )
    for kind, (_, _, shape) in KINDS.items()
    for architecture in (design.name for design in ARCHITECTURES)
    for conditional in (False, True)
    if ARCHITECTURES[architecture].fits(GRAPHS if len(shape) == 2 else SampleSpec(shape))
]


@pytest.mark.parametrize(("kind", "architecture", "conditional"), CASES)
def test_from_data_to_samples(tmp_path: Path, kind: str, architecture: str, conditional: bool) -> None:
    """Whatever a user combines must come through to samples, not only what the examples show."""
    make, options, shape = KINDS[kind]
    settings = {**SHORT, **SMALL, **of_both(architecture), "conditional": conditional}
    if architecture == "projected":  # too few to fit features to
        settings["discriminator.features"] = str(features_file(tmp_path / "f.safetensors", shape[-1]))
    recipe = change_recipe(load_recipe("mlp"), settings)
    run, model = tmp_path / "run", tmp_path / "model.onnx"
    source = str(make(tmp_path))
    train(run, recipe, data=source, data_options=options, device="cpu", precision="fp32", threads=1)
    card = export(run, model)
    assert check_inference_only(model.read_bytes()).passed
    assert card.data.shape == shape
    generator = Generator(model, device="cpu")
    samples = generator.sample(5, seed=1)
    assert (card.labels.classes == 3) == conditional
    assert samples.shape == (5, *shape)
    assert samples.dtype == (np.float32 if len(shape) == 1 else np.uint8)
    if len(shape) == 2:  # of five nodes there are few graphs, so some are equal
        assert len(np.unique(generator.sample(200, seed=1), axis=0)) > 1
    else:
        assert len(np.unique(samples, axis=0)) == 5
    assert list((run / "samples").glob("*.png"))
