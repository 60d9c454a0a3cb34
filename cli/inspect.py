"""dropgan inspect"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .output import result, result_json, result_row

if TYPE_CHECKING:
    from dropgan.export import Comparison, GateReport, Recheck
    from dropgan.serve.card import Card, ScoreCard

_WIDTH = 15
_MOST_COMPARED = 1_000_000  # both files' samples of a batch lie in memory, and nobody waits for more


def inspect(
    model: options.Model,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="OTHER", help="Second model file to compare with.", show_default=False
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            "-n",
            min=1,
            max=_MOST_COMPARED,
            metavar="N",
            help="With --against: number of samples to compare.",
        ),
    ] = 1000,
    seed: options.SampleSeed = 0,
    json: options.Json = False,
) -> None:
    """Show a model file's card, check the file again, and compare two files.

    inspect repeats the inference-only gate and the comparison with PyTorch's stored values. It needs
    neither PyTorch nor onnx. The exit code is 1 if the gate fails or the file contradicts its card.
    """
    from dropgan.export import check_inference_only, compare, recheck
    from dropgan.serve import Generator
    from dropgan.serve.loading import read_file

    data = read_file(model)
    generator = Generator(model, device="cpu")
    gate, again = check_inference_only(data), recheck(data, generator)
    comparison = None
    if against is not None:
        comparison = compare(data, read_file(against), samples=samples, seed=seed)
    if json:
        result_json(
            {
                "model": str(model),
                "card": dataclasses.asdict(generator.card),
                "gate": {"passed": gate.passed, "violations": gate.violations, "operators": gate.operators},
                "certificate": dataclasses.asdict(again),
                "against": comparison and {"model": str(against), **dataclasses.asdict(comparison)},
            }
        )
    else:
        result(f"{model}  {len(data) / 1e6:.2f} MB")
        sections = [
            ("What it makes", _makes(generator.card)),
            ("Where it comes from", _origin(generator.card)),
            ("The certificate", _certificate(generator.card)),
            ("Checked just now", _checked(gate, again, generator.card)),
        ]
        if comparison is not None:
            sections.append((f"Against {against}", _compared(comparison, generator.card)))
        for title, lines in sections:
            result("")
            result(title)
            for name, text in lines:
                result_row(f"  {name:<{_WIDTH}}", text)
    if not (gate.passed and again.passed):
        raise typer.Exit(1)


def unit_of(card: "Card") -> str:
    """Return the unit of differences, to follow a number."""
    from dropgan.serve.kinds import output_of

    unit = output_of(card).unit
    return f" {unit}" if unit else ""


_Lines = list[tuple[str, str]]


def _makes(card: "Card") -> _Lines:
    from dropgan.serve.kinds import kind_of, output_of

    kind = kind_of(card)
    shape = "x".join(map(str, card.data.shape))
    sizes = ", ".join(map(str, ("batch", *kind.output_shape(card))))
    lines = [
        ("samples", f"{card.data.kind} {shape}"),
        ("output", f"{output_of(card).words}, [{sizes}] ({kind.layout(card)})"),
        ("latents", f"{card.latents.dim} standard normal numbers, stream {card.latents.stream}"),
        ("arithmetic", f"{card.export.precision}, ONNX operator set {card.export.opset}"),
    ]
    if card.data.columns:
        lines.append(("columns", _shortened(card.data.columns)))
        lines.append(("bounds", _bounds(card)))
    if card.labels.classes:
        lines.append(("classes", f"{_classes(card)}; stream {card.labels.stream}"))
        if card.labels.counts:
            lines.append(("shares", _shares(card)))
    elif card.data.class_names:
        lines.append(("classes", f"not selectable; the data has {_shortened(card.data.class_names)}"))
    return lines


def _classes(card: "Card") -> str:
    from dropgan.serve.classes import Classes

    classes = Classes.of(card)
    named = classes.names
    if named and classes.numbers != tuple(range(len(classes))):
        pairs = zip(classes.numbers, named, strict=True)
        named = tuple(name if name == str(number) else f"{number} {name}" for number, name in pairs)
    return f"{len(classes)} to choose from: {_shortened(named) if named else classes.known}"


def _shares(card: "Card") -> str:
    from dropgan.serve.classes import Classes

    classes = Classes.of(card)
    shares = [count / sum(classes.counts) for count in classes.counts]
    named = zip(classes.titles, shares, strict=True)
    drawn = "drawn like this by default" if classes.default == "data" else "drawn like this by --labels data"
    return f"{_shortened(tuple(f'{title} {share:.3g}' for title, share in named))} of the data; {drawn}"


def _bounds(card: "Card") -> str:
    data, export = card.data, card.export
    whole = sum(data.whole)
    parts = ["within the range of the training data" if export.clipped else "none"]
    if whole:
        rounded = "rounded to whole numbers" if export.rounded else "of whole numbers, not rounded"
        parts.append(f"{whole} of {len(data.whole)} columns {rounded}")
    shared = zip(data.columns, data.mass, data.width, strict=False)
    masses = tuple(f"{name} {mass:g}" for name, mass, width in shared if width)
    if masses:
        parts.append(f"the share of one value is exact in {_shortened(masses)}")
    return "; ".join(parts)


def _shortened(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more


def _origin(card: "Card") -> _Lines:
    training = card.training
    return [
        ("data", f"{card.data.name}, {card.data.samples:,} samples, {card.data.fingerprint[:19]}..."),
        ("network", f"{card.architecture.name}, {card.architecture.parameters:,} weights"),
        (
            "dropout",
            f"{card.dropout.generator:g} in the generator, {card.dropout.discriminator:g} in the"
            f" discriminator, {'disabled in this file' if card.dropout.disabled else 'ACTIVE'}",
        ),
        (
            "training",
            f"recipe {training.recipe}, {training.steps:,} steps, seed {training.seed},"
            f" {'averaged' if training.ema else 'last'} weights",
        ),
        *([("through", training.features.about)] if training.features.name else []),
        ("made with", ", ".join(f"{name} {version}" for name, version in training.versions.items())),
    ]


def _certificate(card: "Card") -> _Lines:
    parity, price = card.export.parity, card.export.price
    unit = unit_of(card)
    lines = [
        ("compared with", parity.reference or "the PyTorch generator in eval mode"),
        (
            "on",
            f"{parity.runtime or 'onnxruntime'}, {parity.provider}: {parity.samples:,} samples, batches"
            f" {', '.join(map(str, parity.batches))}",
        ),
        ("at most", f"{parity.max_difference:g}{unit} apart (allowed {parity.tolerance:g})"),
    ]
    if parity.mean_tolerance:
        lines.append(
            ("on average", f"{parity.mean_difference:.2g}{unit} (allowed {parity.mean_tolerance:.2g})")
        )
    if card.export.float_layers:
        lines.append(("left float", ", ".join(card.export.float_layers)))
    if card.export.speed.processor:
        lines.append(("speed", speed_of(card)))
    if price.score_name:
        lines.append(("price", f"{price.score_name} {price.score:.3f}, in fp32 {price.score_fp32:.3f}"))
    return lines + [_of_score(score) for score in card.scores]


def _of_score(score: "ScoreCard") -> tuple[str, str]:
    compared = f"{score.samples:,} samples against {score.reference}"
    if score.name != "copies_at_most":
        return "score", f"{score.name} {score.value:.3f} ({compared})"
    compared += f", in {score.features}"
    return "copies", f"at most {score.value:.1%} of the samples repeat one (95 % confidence, {compared})"


def speed_of(card: "Card") -> str:
    """Return the speed of an int8 file where it was exported, and where it gains more or less."""
    speed = card.export.speed
    other = "without VNNI gain less" if "with VNNI" in speed.processor else "with VNNI gain more"
    return (
        f"{speed.times_fp32:g} times as fast as fp32 on one thread of a processor that has"
        f" {speed.processor}, measured at export; x86-64 processors {other}"
    )


def _checked(gate: "GateReport", again: "Recheck", card: "Card") -> _Lines:
    operators = ", ".join(f"{count} {name}" for name, count in gate.operators.items())
    lines = [("graph", operators)]
    if gate.passed:
        lines.append(("gate", "PASSED: no dropout, no random operator, two runs are equal"))
    lines += [("gate", f"FAILED: {violation}") for violation in gate.violations]
    if again.digest is not None:
        lines.append(
            (
                "digest",
                "the file is the one that was compared" if again.digest else "FAILED: the file has changed",
            )
        )
    if again.witness_values:
        verdict = "" if again.values_agree else "FAILED: "
        lines.append(
            (
                "values",
                f"{verdict}{again.witness_values:,} values from PyTorch: at most"
                f" {again.witness_difference:g} apart here, {again.witness_mean:.2g} on average",
            )
        )
    verdict = "" if again.plain_agrees else "FAILED: other pictures on this processor, export it again: "
    lines.append(("optimised", f"{verdict}at most {again.plain_difference:g} from the graph in the file"))
    agree = (
        "the same at batches of 1, 3 and more" if again.batches_agree else "FAILED: they depend on the batch"
    )
    lines.append(("samples", agree))
    return lines + [("not checked", line) for line in again.not_checked]


def _compared(comparison: "Comparison", card: "Card") -> _Lines:
    if comparison.same_file:
        return [("file", "the same, byte for byte")]
    first, second = comparison.precisions
    unit = unit_of(card)
    lines = [("precision", f"the same, {first}" if first == second else f"{first} here, {second} there")]
    if comparison.same_weights is not None:
        lines.append(("weights", "the same, bit for bit" if comparison.same_weights else "different"))
    if comparison.weight_difference is not None and not comparison.same_weights:
        lines.append(("weights", f"at most {comparison.weight_difference:.3g} apart, as numbers"))
    lines.append(
        (
            "samples",
            f"{comparison.equal_samples:,} of {comparison.samples:,} the same; at most"
            f" {comparison.max_difference:g} apart and {comparison.mean_difference:.3g} in the mean{unit}",
        )
    )
    return lines
