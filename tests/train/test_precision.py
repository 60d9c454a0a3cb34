"""fp16 with scaled losses, and what tf32 sets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from dropgan.export import export
from dropgan.serve import Generator
from dropgan.serve.errors import InputError
from dropgan.train import RunDirectory, change_recipe, load_recipe, resume, train
from dropgan.train.networks import SampleSpec
from dropgan.train.recipes.settings import Recipe
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.run.plan import PRECISIONS, Plan, Wanted, make_plan
from dropgan.train.steps.scaling import LossScaling

from ..features_file import features_file

TINY = {
    "training.batch_size": 8,
    "training.schedule": "constant",
    "generator.hidden": [16, 16],
    "discriminator.hidden": [16, 16],
    "output.log_interval": 5,
}


def _recipe(steps: int) -> Recipe:
    return change_recipe(load_recipe("mlp"), {**TINY, "training.steps": steps})


def _train(directory: Path, data: Path, steps: int) -> RunDirectory:
    return train(directory, _recipe(steps), data=str(data), device="cpu", precision="fp16", threads=1)


def test_fp16_trains_and_resumes_exactly(tmp_path: Path, image_file: Path) -> None:
    """R1 included; a scale that began anew after resuming would give other weights."""
    whole, parts = _train(tmp_path / "whole", image_file, 30), _train(tmp_path / "parts", image_file, 12)
    resume(parts.path, steps=30)
    expected, given = (load_checkpoint(run.last_checkpoint).tensors for run in (whole, parts))
    assert "discriminator_scaling/scale" in expected
    assert [name for name in expected if not torch.equal(expected[name], given[name])] == []
    assert all(torch.isfinite(value).all() for value in expected.values() if value.is_floating_point())
    assert expected["generator/output.weight"].dtype == torch.float32
    rows = parts.read_metrics()
    assert all(row["skipped_updates"] >= 0 for row in rows if "skipped_updates" in row)
    assert any("skipped_updates" in row for row in rows)
    assert all(row["generator_gradient"] < 1e3 for row in rows if "generator_gradient" in row)  # unscaled


def test_an_update_whose_gradients_overflow_is_left_out_and_counted() -> None:
    """Weights must not become infinite; the next update has half the scale."""
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([weight], fused=True)
    scaling = LossScaling(torch.device("cpu"))
    scaling.update(optimizer, (weight * float("inf")).sum())
    assert torch.equal(weight, torch.ones(3))
    assert scaling.skipped == 1
    before = scaling.tensors()["scale"].item()
    scaling.update(optimizer, weight.sum())
    assert not torch.equal(weight, torch.ones(3))
    assert torch.equal(weight.grad, torch.ones(3))
    copy = LossScaling(torch.device("cpu"))
    copy.restore(scaling.tensors())
    assert copy.tensors() == scaling.tensors()
    assert before == 2.0**15


def test_tf32_is_of_gpus() -> None:
    """On a CPU it would mean nothing, and a run that records it would be misread."""
    with pytest.raises(InputError, match="NVIDIA"):
        make_plan(_recipe(1), SampleSpec((1, 28, 28)), Wanted("cpu", "tf32", 1))
    with pytest.raises(InputError, match="fp16"):
        make_plan(_recipe(1), SampleSpec((1, 28, 28)), Wanted("cpu", "fp8", 1))


@pytest.fixture
def rounding() -> Iterator[Callable[[], tuple[bool, bool]]]:
    """Whether products and convolutions are rounded to tf32; as it was, at the end."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    yield lambda: (matmul.allow_tf32, cudnn.allow_tf32)
    matmul.allow_tf32, cudnn.allow_tf32 = before


def test_precision_sets_how_a_gpu_rounds_fp32(rounding: Callable[[], tuple[bool, bool]]) -> None:
    """fp32 must be fp32 in convolutions too, where PyTorch rounds to tf32 by default."""
    for precision in PRECISIONS:
        Plan(torch.device("cuda"), precision, torch.get_num_threads()).apply()
        assert rounding() == (precision == "tf32",) * 2


def test_a_process_that_trained_on_a_gpu_exports(
    tmp_path: Path, tiny_run: Path, rounding: Callable[[], tuple[bool, bool]]
) -> None:
    """As `dropgan run` does; torch.export reads these switches, and refuses some ways to set them."""
    Plan(torch.device("cuda"), "fp32", torch.get_num_threads()).apply()
    assert export(tiny_run, tmp_path / "model.onnx").export.parity.max_difference <= 1
    assert rounding() == (False, False)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
def test_every_precision_trains_on_cuda(tmp_path: Path, image_file: Path, precision: str) -> None:
    """And resumes, and exports in the same process, as `dropgan run` does."""
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch can use")
    run = train(tmp_path / "run", _recipe(10), data=str(image_file), device="cuda", precision=precision)
    resume(run.path, steps=20)
    tensors = load_checkpoint(run.last_checkpoint).tensors
    assert all(torch.isfinite(value).all() for value in tensors.values() if value.is_floating_point())
    assert export(run, tmp_path / "model.onnx").export.parity.max_difference <= 1


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["capsule", "graph", "projected"])
def test_routing_graphs_and_frozen_features_train_in_bf16_on_cuda(
    tmp_path: Path, image_file: Path, name: str
) -> None:
    """What these keep in float32 must not meet bf16 by accident; features and mixtures move to the device."""
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch can use")
    changes: dict[str, object] = {"training.steps": 20, "training.batch_size": 16}
    if name == "projected":
        changes["discriminator.decoder_steps"] = 5
        changes["discriminator.features"] = str(features_file(tmp_path / "features.safetensors"))
    recipe = change_recipe(load_recipe(name), changes)
    run = train(tmp_path / "run", recipe, data=str(image_file), device="cuda", precision="bf16")
    before = load_checkpoint(run.last_checkpoint)
    resume(run.path, steps=25)
    after = load_checkpoint(run.last_checkpoint)
    assert after.about["step"] == 25
    assert all(value.isfinite().all() for value in after.tensors.values() if value.is_floating_point())
    for key, value in after.tensors.items():
        if key.startswith(("discriminator/features.", "discriminator/mixing.")):
            assert torch.equal(value, before.tensors[key]), key
    export(run.path, tmp_path / "model.onnx")
    assert Generator(tmp_path / "model.onnx", device="cpu").sample(2).shape == (2, 28, 28, 1)
