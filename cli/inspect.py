"""dropgan inspect"""

import dataclasses
from typing import Any

import typer

from . import options
from .output import result, result_json


def inspect(model: options.Model, json: options.Json = False) -> None:
    """Show a model file's card and hold the file against the inference-only gate again."""
    from ..export import check_inference_only
    from ..serve import Generator

    generator = Generator(model, device="cpu")
    gate = check_inference_only(model.read_bytes())
    card = generator.card
    if json:
        result_json(
            {
                "model": str(model),
                "card": dataclasses.asdict(card),
                "gate": {"passed": gate.passed, "violations": gate.violations, "operators": gate.operators},
            }
        )
    else:
        for name, text in _lines(model, card, generator):
            result(f"{name:<14}{text}")
        operators = ", ".join(f"{count} {name}" for name, count in gate.operators.items())
        result(f"{'graph':<14}{operators}")
        if gate.passed:
            result(f"{'gate':<14}passed: no dropout, no random operator, two runs are equal")
        for violation in gate.violations:
            result(f"{'gate':<14}FAILED: {violation}")
    if not gate.passed:
        raise typer.Exit(1)


def _lines(model: Any, card: Any, generator: Any) -> list[tuple[str, str]]:
    shape = "x".join(map(str, generator.sample_shape))
    parity, training = card.export.parity, card.training
    versions = ", ".join(f"{name} {version}" for name, version in training.versions.items())
    lines = [
        ("model", f"{model} ({model.stat().st_size / 1e6:.2f} MB)"),
        ("makes", f"{shape} {card.export.output}, {card.export.precision}, opset {card.export.opset}"),
        ("latents", f"{card.latents.dim}, stream {card.latents.stream}"),
        ("architecture", f"{card.architecture.name}, {card.architecture.parameters:,} weights"),
        (
            "dropout",
            f"{card.dropout.generator:g} in the generator, {card.dropout.discriminator:g} in the"
            f" discriminator, {'disabled in this file' if card.dropout.disabled else 'ACTIVE'}",
        ),
        ("data", f"{card.data.name}, {card.data.samples:,} samples, {card.data.fingerprint[:19]}..."),
        (
            "training",
            f"recipe {training.recipe}, {training.steps:,} steps, seed {training.seed},"
            f" {'averaged' if training.ema else 'last'} weights",
        ),
        ("made with", versions),
        (
            "parity",
            f"largest difference from PyTorch {parity.max_difference:g} (allowed {parity.tolerance:g})"
            f" over {parity.samples:,} samples on {parity.provider}",
        ),
    ]
    lines += [
        ("score", f"{score.name} {score.value:.3f} ({score.samples:,} samples against {score.reference})")
        for score in card.scores
    ]
    return lines
