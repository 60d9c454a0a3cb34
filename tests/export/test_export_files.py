"""The file itself: its certificate, what inspect says of it, and other programs that read it."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from dropgan.export import compare, export, recheck
from dropgan.export.price import PriceError, Scorer, within_budget
from dropgan.serve import Generator, InputError
from dropgan.serve.card import METADATA_KEY
from dropgan.serve.loading import digest_without, with_metadata


def inspect(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dropgan.cli", "inspect", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def tampered(data: bytes, *, card: bool) -> bytes:
    """The file with one weight changed, its card's digest made to agree or taken along as it was."""
    text = Generator(data, device="cpu").card.to_json()
    model = onnx.load_model_from_string(data)
    tensor = next(entry for entry in model.graph.initializer if entry.name == "output.weight")
    weights = numpy_helper.to_array(tensor).copy()
    weights[:, :4] += np.float32(2)
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    del model.metadata_props[:]
    plain = bytes(model.SerializeToString())
    if card:
        old = json.loads(text)["export"]["parity"]["digest"]
        text = text.replace(old, digest_without(plain, METADATA_KEY))
    return with_metadata(plain, METADATA_KEY, text)


def test_a_certificate_can_be_made_again(model_file: Path, int8_file: Path) -> None:
    """What stands in the card is not to be believed but to be checked, without PyTorch."""
    for path in (model_file, int8_file):
        data = path.read_bytes()
        generator = Generator(data, device="cpu")
        parity = generator.card.export.parity
        assert parity.digest == digest_without(data, METADATA_KEY)
        assert "PyTorch" in parity.reference
        assert parity.runtime == f"onnxruntime {onnxruntime.__version__}"
        again = recheck(data, generator)
        assert again.passed
        assert again.digest
        assert again.witness_values >= 1000
        assert again.batches_agree
        assert again.not_checked


def test_a_forged_certificate_fails_by_pytorchs_own_values(model_file: Path) -> None:
    """Someone changes a weight and mends the digest: the pixels still are not PyTorch's."""
    data = tampered(model_file.read_bytes(), card=True)
    again = recheck(data, Generator(data, device="cpu"))
    assert again.digest
    assert again.witness_difference > 1
    assert not again.passed


def test_inspect_is_read_with_pleasure_and_needs_no_pytorch(model_file: Path, tmp_path: Path) -> None:
    """The light install has no torch and no onnx: inspect must work there."""
    blocked = tmp_path / "blocked"
    for name in ("torch", "onnx", "google"):
        (blocked / name).mkdir(parents=True)
        (blocked / name / "__init__.py").write_text("raise ImportError('not installed')")
    command = [sys.executable, "-m", "dropgan.cli", "inspect", str(model_file)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={"PYTHONPATH": str(blocked)}
    )
    assert done.returncode == 0, done.stderr
    for line in ("What it makes", "Where it comes from", "The certificate", "Checked just now",
                 "PASSED: no dropout", "the file is the one that was compared", "not checked"):  # fmt: skip
        assert line in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 200


def test_inspect_exits_1_where_a_file_contradicts_its_card(model_file: Path, tmp_path: Path) -> None:
    """So that a script can rely on it."""
    path = tmp_path / "forged.onnx"
    path.write_bytes(tampered(model_file.read_bytes(), card=True))
    done = inspect(path)
    assert done.returncode == 1
    assert "FAILED: " in done.stdout
    path.write_bytes(tampered(model_file.read_bytes(), card=False))
    done = inspect(path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "changed since its export" in done.stderr


def test_inspect_against_another_file(model_file: Path, int8_file: Path) -> None:
    """Same weights? Same precision? How far apart are the pixels?"""
    done = inspect(int8_file, "--against", model_file, "--json", "-n", 50)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["against"]
    assert found["precisions"] == ["int8", "fp32"]
    assert found["same_weights"] is None
    assert 0 < found["weight_difference"] < 0.01
    assert found["samples"] == 50
    assert 0 < found["mean_difference"] < 1.5
    same = inspect(model_file, "--against", model_file)
    assert "the same, byte for byte" in same.stdout


def test_compare_tells_equal_weights_from_others(model_file: Path, tiny_run: Path, tmp_path: Path) -> None:
    """Another opset of one run has the same weights; a changed weight is another model."""
    export(tiny_run, tmp_path / "other.onnx", opset=18)
    data, other = model_file.read_bytes(), (tmp_path / "other.onnx").read_bytes()
    same = compare(data, other, samples=20)
    assert same.same_weights
    assert not same.same_file
    assert same.equal_samples == 20
    changed = compare(data, tampered(data, card=True), samples=20)
    assert changed.same_weights is False
    assert changed.weight_difference == pytest.approx(2)
    assert changed.equal_samples < 20


def test_files_that_make_different_things_are_not_compared(
    model_file: Path, tiny_run: Path, tmp_path: Path
) -> None:
    """One line instead of a wrong number."""
    export(tiny_run, tmp_path / "float.onnx", output="float")
    with pytest.raises(InputError, match="make different things"):
        compare(model_file.read_bytes(), (tmp_path / "float.onnx").read_bytes())


def test_the_price_is_in_the_card_and_too_high_a_price_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    """A precision that ruins the score must not leave the house with a good card."""
    scores = iter([3.0, 3.05])
    scorer = Scorer("frechet_distance_toy", "20 of toys", 16, 1, lambda images: next(scores))
    card = export(tiny_run, tmp_path / "model.onnx", precision="fp16", scorer=scorer)
    assert (card.export.price.score_fp32, card.export.price.score) == (3.0, 3.05)
    assert card.scores[0].value == 3.05
    assert Generator(tmp_path / "model.onnx", device="cpu").card == card
    assert within_budget(10.29, 10.0)
    assert not within_budget(10.31, 10.0)
    assert within_budget(1.09, 1.0)
    scores = iter([3.0, 9.0])
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(PriceError, match="use --precision fp32"):
        export(tiny_run, tmp_path / "model.onnx", precision="fp16", scorer=scorer)
    assert not list(tmp_path.iterdir())


def test_onnxs_reference_evaluator_draws_the_same(model_file: Path, int8_file: Path) -> None:
    """An independent reading of the operators' definitions, in plain numpy."""
    for path in (model_file, int8_file):
        generator = Generator(path, device="cpu")
        latents = generator.latents(8, seed=2)
        (images,) = ReferenceEvaluator(onnx.load(path)).run(None, {"latents": latents})
        assert images.dtype == np.uint8
        difference = np.abs(images.astype(int) - generator(latents))
        assert difference.max() <= 1, path


def test_torch_fidelitys_wrapper_takes_the_file(rgb_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file as another project's evaluation reads it: uint8, three channels first."""
    import torch

    folder = os.environ.get("DROPGAN_TORCH_FIDELITY")
    if not folder:
        pytest.skip("needs DROPGAN_TORCH_FIDELITY, the torch_fidelity folder of its unpacked wheel")
    # the wrapper alone: the rest of the package wants a torchvision that fits torch
    package = types.ModuleType("torch_fidelity")
    package.__path__ = [folder]
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    wrapper = importlib.import_module("torch_fidelity.generative_model_onnx")
    model = wrapper.GenerativeModelONNX(str(rgb_file), z_size=100, z_type="normal", num_classes=0)
    images = model(torch.randn(5, 100))
    assert images.dtype == torch.uint8
    assert images.shape == (5, 3, 28, 28)
    assert torch.equal(images[:, 0], images[:, 2])


@pytest.mark.slow
def test_the_javascript_runtime_draws_the_same(model_file: Path, tmp_path: Path) -> None:
    """onnxruntime's WebAssembly build, as a web page would use it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "onnxruntime-web@1.30.0"]
    if subprocess.run(install, cwd=tmp_path, capture_output=True, timeout=300, check=False).returncode:
        pytest.skip("onnxruntime-web cannot be installed here")
    generator = Generator(model_file, device="cpu")
    latents = generator.latents(4, seed=2)
    latents.astype("<f4").tofile(tmp_path / "latents.bin")
    script = """
        import * as ort from "onnxruntime-web";
        import { readFileSync, writeFileSync } from "node:fs";
        ort.env.wasm.numThreads = 1;
        const [, , model] = process.argv;
        const session = await ort.InferenceSession.create(readFileSync(model),
            { executionProviders: ["wasm"] });
        const bytes = readFileSync("latents.bin");
        const latents = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        const { images } = await session.run({ latents: new ort.Tensor("float32", latents, [4, 100]) });
        writeFileSync("images.bin", images.data);
        console.log(images.type, images.dims.join(","));
    """
    (tmp_path / "run.mjs").write_text(script)
    done = subprocess.run(
        ["node", "run.mjs", str(model_file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "uint8 4,28,28,1"
    images = np.fromfile(tmp_path / "images.bin", dtype=np.uint8).reshape(4, 28, 28, 1)
    assert np.abs(images.astype(int) - generator(latents)).max() <= 1
