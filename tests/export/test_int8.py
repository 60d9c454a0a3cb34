"""int8 gives the same on every processor: nothing saturates, and nothing is rounded on the way."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from dropgan.export import compare, export, recheck
from dropgan.export.inputs import Inputs
from dropgan.export.kinds.images import ImageEnding
from dropgan.export.precision import Quantiser
from dropgan.export.processor import processor_kind
from dropgan.export.rounding import WEIGHT_LEVELS, round_weights
from dropgan.export.scales import fit_range, short_numbers
from dropgan.export.sessions import cpu_session, optimised_difference, outputs
from dropgan.serve import Generator
from dropgan.serve.latents import LatentStream

from .networks import LATENT_DIM
from .test_export_files import inspect
from .test_precision import NETWORKS, model_in, require_shippable, session_of

FLAGS = "flags\t\t: fpu sse4_2 {}\n"


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


@pytest.mark.parametrize("network", ["conv", "resnet"])
def test_convolutions_on_bytes_pass_gate_parity_and_loader(network: str) -> None:
    """A file that only its exporter can open, or that draws other pictures, is worth nothing."""
    require_shippable(network, "int8", 20, "pixels")


@pytest.mark.parametrize("network", ["conv", "resnet"])
def test_int8_runs_convolutions_on_bytes(network: str) -> None:
    """All but the one that makes the image; else int8 would promise what only the dense layer gets."""
    model = model_in("int8", network)
    makers = {name: node for node in model.graph.node for name in node.output}
    on_bytes = [
        makers[node.input[1]].op_type == "DequantizeLinear" if node.input[1] in makers else False
        for node in model.graph.node
        if node.op_type == "Conv"
    ]
    assert on_bytes == [True] * (len(on_bytes) - 1) + [False]
    assert len(on_bytes) > 1


def test_int8_samples_do_not_depend_on_their_batch() -> None:
    """Sample i is a function of seed and index, in every precision."""
    latents = LatentStream(LATENT_DIM)(60, seed=4)
    for network in NETWORKS:
        model = model_in("int8", network)
        session = session_of(model)
        whole = session.run(None, {"latents": latents})[0]
        for batch in (1, 3, 7):
            parts = [
                session.run(None, {"latents": latents[at : at + batch]})[0] for at in range(0, 60, batch)
            ]
            assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("network", ["mlp", "convolutions", "conv", "dcgan", "resnet"])
def test_the_optimised_graph_gives_what_the_file_says(network: str) -> None:
    """onnxruntime's byte kernels differ from processor to processor; a certificate must hold on all."""
    data = model_in("int8", network).SerializeToString()
    feed = Inputs(LATENT_DIM)(2000, seed=9)
    assert optimised_difference(data, feed) <= 1
    apart = outputs(cpu_session(data), feed) != outputs(cpu_session(data, optimised=False), feed)
    assert apart.mean() < 1e-4


@pytest.mark.parametrize("network", ["mlp", "conv", "resnet"])
def test_no_weight_can_saturate_a_sum_of_two_products(network: str) -> None:
    """255 * (64 + 64) is the most that 16 bits hold: AVX2 adds pairs of products there."""
    bytes_ = [value for value in constants(model_in("int8", network)).values() if value.dtype == np.int8]
    weights = [value for value in bytes_ if value.ndim > 1]
    assert max(np.abs(value.astype(int)).max() for value in weights) == WEIGHT_LEVELS
    assert 255 * 2 * WEIGHT_LEVELS <= 2**15 - 1


def test_full_activations_on_full_weights_add_up() -> None:
    """The worst case itself: every byte 255, every weight 64, then every weight -64."""
    model = model_in("fp32", "mlp")
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name.endswith(".weight"):
            sign = np.where(np.arange(values.shape[0]) % 2, 1, -1)[:, None]
            values = np.broadcast_to(sign * np.float32(0.004), values.shape)
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), tensor.name))
    quantiser = Quantiser(model, latent_dim=LATENT_DIM, ending=ImageEnding(), seed=0)
    made = quantiser._make(quantiser._layers)
    latents = {"latents": np.full((4, LATENT_DIM), 50, np.float32)}
    assert optimised_difference(made.model.SerializeToString(), latents) == 0


@pytest.mark.parametrize("network", ["mlp", "resnet"])
def test_scales_have_few_binary_digits(network: str) -> None:
    """A product of two scales and a sum of bytes then fit into a float32: that is why all agree."""
    scales = {name: value for name, value in constants(model_in("int8", network)).items() if ".scale" in name}
    assert scales
    for name, value in scales.items():
        fraction, _ = np.frexp(value.astype(np.float64))
        assert np.array_equal(fraction * 2**9, np.rint(fraction * 2**9)), name


def test_short_numbers_are_all_there_and_no_others() -> None:
    """A grid with a gap would make a scale up to twice too coarse."""
    assert short_numbers(1, 2, 3).tolist() == [1, 1.25, 1.5, 1.75, 2]
    assert short_numbers(0.3, 5, 1).tolist() == [0.5, 1, 2, 4]
    found = fit_range(np.linspace(-1, 3, 1001, dtype=np.float32), 1)
    assert found.scale == 2**-6
    assert found.zero == 64


def test_rounding_makes_up_for_what_seven_bits_lose() -> None:
    """Inputs that go together let one weight take over another's error; else int8 costs a third more."""
    random = np.random.default_rng(0)
    inputs = np.maximum(random.normal(size=(4000, 8)) @ random.normal(size=(8, 96)), 0)
    weights = random.normal(size=(40, 96)).astype(np.float32)
    rounded = round_weights(weights, 0, inputs.T @ inputs / len(inputs))
    values = rounded.integers * rounded.scale[:, None].astype(np.float64)
    nearest = np.rint(weights / rounded.scale[:, None]) * rounded.scale[:, None]
    assert np.abs(rounded.integers.astype(int)).max() <= WEIGHT_LEVELS
    assert np.abs(values - weights).max() <= rounded.scale.max() * 1.001
    error, plain = (np.square(inputs @ (made - weights).T).mean() for made in (values, nearest))
    assert error < plain / 2


def test_a_layer_of_zeros_and_a_dead_input_are_rounded_too() -> None:
    """A pruned layer must not divide by 0."""
    weights = np.zeros((3, 4), np.float32)
    weights[0] = [1, -1, 0.5, 0]
    rounded = round_weights(weights, 0, np.zeros((4, 4)))
    assert np.isfinite(rounded.scale).all()
    assert np.allclose(rounded.integers * rounded.scale[:, None], weights)


def test_convolutions_are_calibrated_on_what_they_see() -> None:
    """Moments of other patches than the kernel's would make rounding worse than rounding to nearest."""
    model = model_in("fp32", "conv")
    whole = Quantiser(model, latent_dim=LATENT_DIM, ending=ImageEnding(), seed=0)
    conv = [layer for layer in whole._layers if layer.op == "Conv"]
    plain = Quantiser(model, latent_dim=LATENT_DIM, ending=ImageEnding(), seed=0)
    table = constants(model)
    for layer in conv:
        weights = table[layer.weight]
        none = np.eye(weights[0].size)
        unit = whole._ranges[layer.output].scale if layer.output in whole._ranges else 1.0
        plain._weights[layer.name] = round_weights(weights, layer.axis, none, unit)
    assert whole._make(conv).mean_difference < plain._make(conv).mean_difference


def test_a_file_that_does_not_run_as_written_gives_a_layer_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes made of a float32 product may round another way: then another choice of layers is taken."""
    answers = iter([4.0, 2.0, 1.0])
    monkeypatch.setattr("dropgan.export.precision.optimised_difference", lambda *_: next(answers))
    made = Quantiser(model_in("fp32", "mlp"), latent_dim=LATENT_DIM, ending=ImageEnding(), seed=0).best()
    assert len(made.float_layers) == 1
    assert next(answers, None) is None


def test_the_card_says_how_fast_it_is_and_on_what(int8_file: Path, model_file: Path) -> None:
    """int8 that is slower than fp32 on some processor must not be sold as fast."""
    speed = Generator(int8_file, device="cpu").card.export.speed
    assert 0.1 < speed.times_fp32 < 50
    assert speed.processor == processor_kind()
    assert not Generator(model_file, device="cpu").card.export.speed.processor
    text = inspect(int8_file).stdout
    assert f"{speed.times_fp32:g} times as fast as fp32" in text
    assert speed.processor in text


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("avx2 avx512bw avx512_vnni", "AVX-512 with VNNI"),
        ("avx2 avx_vnni", "AVX2 with VNNI"),
        ("avx2 avx512bw", "AVX-512 without VNNI"),
        ("avx avx2 fma", "AVX2 without VNNI"),
    ],
)
def test_the_processor_is_known_by_its_instructions(flags: str, words: str) -> None:
    """Names of processors say nothing in a virtual machine."""
    assert processor_kind("processor : 0\n" + FLAGS.format(flags)) == words
    assert processor_kind("Features\t: fp asimd asimddp\n") == "Arm with dot products"
    assert processor_kind("") != ""


def test_export_and_inspect_compare_the_optimised_graph(int8_file: Path, monkeypatch: Any) -> None:
    """The certificate holds the difference, and inspect measures it again on the machine it runs on."""
    data = int8_file.read_bytes()
    generator = Generator(data, device="cpu")
    parity = generator.card.export.parity
    assert parity.plain_samples == 1024
    assert parity.plain_difference <= 1
    assert recheck(data, generator).plain_agrees
    done = inspect(int8_file, "--json")
    assert json.loads(done.stdout)["certificate"]["plain_difference"] <= 1
    monkeypatch.setattr("dropgan.export.certificate.optimised_difference", lambda *_: 22.0)
    again = recheck(data, generator)
    assert not again.plain_agrees
    assert not again.passed


def test_a_changed_weight_of_an_int8_file_is_found(int8_file: Path) -> None:
    """Single pixels may move any way in int8, so it is the mean that gives a forger away."""
    from dropgan.serve.card import METADATA_KEY
    from dropgan.serve.loading import digest_without, with_metadata

    data = int8_file.read_bytes()
    text = Generator(data, device="cpu").card.to_json()
    model = onnx.load_model_from_string(data)
    tensor = next(entry for entry in model.graph.initializer if entry.name == "output.weight")
    tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
    del model.metadata_props[:]
    plain = bytes(model.SerializeToString())
    old = json.loads(text)["export"]["parity"]["digest"]
    forged = with_metadata(plain, METADATA_KEY, text.replace(old, digest_without(plain, METADATA_KEY)))
    again = recheck(forged, Generator(forged, device="cpu"))
    assert again.digest
    assert not again.values_agree
    assert not again.passed


def test_float_outputs_hold_to_the_optimised_graph_too(tiny_run: Path, tmp_path: Path) -> None:
    """Tools that take -1 to 1 see what pixels round away."""
    card = export(tiny_run, tmp_path / "float.onnx", precision="int8", output="float")
    assert card.export.parity.plain_difference <= 1e-5


def test_int8_keeps_its_distance_from_fp32(int8_file: Path, model_file: Path) -> None:
    """What seven bits may cost at most, on every processor alike."""
    found = compare(int8_file.read_bytes(), model_file.read_bytes(), samples=500)
    assert found.mean_difference < 1.45
