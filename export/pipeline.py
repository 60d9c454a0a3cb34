"""Export a run's generator to one verified ONNX file."""

import dataclasses
import importlib.metadata
import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import onnx

from dropgan.serve.atomic import write_bytes
from dropgan.serve.card import (
    METADATA_KEY,
    ArchitectureCard,
    Card,
    DataCard,
    DropoutCard,
    ExportCard,
    FeatureCard,
    LabelCard,
    LatentCard,
    PriceCard,
    ScoreCard,
    SpeedCard,
    TrainingCard,
)
from dropgan.serve.labels import LABEL_STREAM_NAME
from dropgan.serve.latents import STREAM_NAME
from dropgan.serve.loading import read_file, screen_bytes, with_metadata
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train import TrainedGenerator, load_generator
from dropgan.train.networks.size import parameter_count

from .deployment import Wanted
from .ending import Ending
from .errors import ExportError
from .gate import check_inference_only
from .graph import DEFAULT_OPSET, require_opset, to_onnx
from .half import measure_reach, require_half
from .kinds import deployment
from .parity import check_parity
from .precision import PRECISIONS, Quantiser, choose_precision
from .price import PriceError, Scorer, within_budget
from .processor import processor_kind
from .speed import rates

_OF_KIND = (
    "columns", "mean", "scale", "mass", "width", "low", "high", "whole", "node_types", "edge_types"
)  # fmt: skip
"""What a kind says of its data (`TrainingKind.about`) that a card has too."""


@dataclass(frozen=True)
class _Chosen:
    """All decisions about a file."""

    ending: Ending
    opset: int
    precision: str


def export(
    run: str | PathLike[str],
    destination: str | PathLike[str],
    *,
    output: str = "",
    layout: str = "",
    opset: int = DEFAULT_OPSET,
    precision: str = "fp32",
    target: str = "",
    scorer: Scorer | None = None,
    checkpoint: str = "auto",
    clip: bool = True,
    round_whole: bool = True,
    reporter: Reporter = LOGGED,
) -> Card:
    """Export the averaged generator of a run, verified before it is written.

    Args:
        run: The run directory.
        destination: The ``.onnx`` file to write.
        output: ``pixels`` (uint8) or ``float`` (float32, -1 to 1) for images, ``vectors`` (float32 in
            the columns' own units) for vectors; empty: pixels, or vectors.
        layout: ``nhwc``, ``nchw`` or ``rgb-nchw``; empty: nhwc for pixels, nchw for float.
        opset: Version of the ONNX operator set.
        precision: ``fp32``, ``fp16`` (for CUDA), ``int8`` (for CPUs), or ``auto``, measured here.
        target: For ``auto``: ``cpu`` or ``cuda``.
        scorer: Scores the file and, for a precision below fp32, also the fp32 file of the same weights.
        checkpoint: ``best``, ``last``, or ``auto``: best if the run has scores, otherwise last.
        clip: For vectors, keep every column within the range of the training data.
        round_whole: For vectors, round columns of whole numbers.
        reporter: Receives progress and messages.

    Returns:
        The card of the file.

    Raises:
        GateError: The file is not inference-only.
        ParityError: It differs from the PyTorch generator.
        PriceError: The precision worsens the score more than allowed.
        ExportError: An option is out of range, or the generator cannot have this precision.
        RunError: ``run`` is not a run.
        CheckpointError: The run has no checkpoint, or a damaged one.
        OutputError: The file cannot be written.
    """
    if precision not in PRECISIONS:
        raise ExportError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    if (precision == "auto") != bool(target):
        raise ExportError("precision auto and a target go together: --precision auto --target cpu")
    trained = load_generator(run, checkpoint)
    reporter.say(f"exporting step {trained.about['step']:,} of {os.fspath(run)} and verifying the file")
    require_opset(opset)
    ending = _ending(trained, Wanted(output, layout, precision, clip, round_whole))
    if precision == "auto":
        fp32 = _trace(trained, _Chosen(ending, opset, "fp32"))
        precision = choose_precision(target, fp32, trained.module, ending=ending, **_measuring(trained))
    data, card = _make(trained, _Chosen(ending, opset, precision), scorer if ending.scored else None)
    write_bytes(Path(destination), data)
    return card


def exported(run: str | PathLike[str], reporter: Reporter = LOGGED) -> bytes:
    """Return the content of the file that `export` writes with default options.

    Raises:
        DropganError: As for `export`.
    """
    trained = load_generator(run)
    reporter.say(f"exporting step {trained.about['step']:,} of {os.fspath(run)} and verifying the file")
    return _make(trained, _Chosen(_ending(trained, Wanted()), DEFAULT_OPSET, "fp32"), None)[0]


def add_scores(path: Path | str, scores: tuple[ScoreCard, ...]) -> Card:
    """Write scores into a model file's card, keeping its scores of other names.

    Raises:
        ModelError: The file is not a dropgan model.
        OutputError: It cannot be written.
    """
    data = read_file(Path(path))
    card = screen_bytes(data).card
    names = {score.name for score in scores}
    kept = tuple(score for score in card.scores if score.name not in names)
    card = dataclasses.replace(card, scores=kept + scores)
    write_bytes(path, with_metadata(data, METADATA_KEY, card.to_json()))
    return card


def _make(trained: TrainedGenerator, chosen: _Chosen, scorer: Scorer | None) -> tuple[bytes, Card]:
    """Return the file's bytes, including the card, and the card."""
    if chosen.precision == "fp16":
        require_half(measure_reach(trained.module, **_measuring(trained)))
    if chosen.precision != "int8":
        data, card = _verified(trained, _trace(trained, chosen), chosen)
        fp32 = None
        if scorer is not None and chosen.precision != "fp32":
            exact = _trace(trained, dataclasses.replace(chosen, precision="fp32"))
            fp32 = scorer(_fp32(trained, chosen, exact))
        return _scored(data, card, scorer, fp32)
    exact = _trace(trained, dataclasses.replace(chosen, precision="fp32"))
    quantiser = Quantiser(exact, ending=chosen.ending, **_measuring(trained))
    fp32 = scorer(_fp32(trained, chosen, exact)) if scorer is not None else None
    made = quantiser.best()
    while True:
        speed = _speed(trained, made.model, exact)
        data, card = _verified(trained, made.model, chosen, float_layers=made.float_layers, speed=speed)
        try:
            return _scored(data, card, scorer, fp32)
        except PriceError:
            made = quantiser.without_worst()


def _speed(trained: TrainedGenerator, int8: onnx.ModelProto, fp32: onnx.ModelProto) -> SpeedCard:
    dim, classes = trained.recipe.generator.latent_dim, trained.spec.classes
    slow, fast = rates([model.SerializeToString() for model in (fp32, int8)], dim, classes=classes)
    return SpeedCard(round(fast / slow, 2), processor_kind())


def _fp32(trained: TrainedGenerator, chosen: _Chosen, model: onnx.ModelProto) -> bytes:
    """Return the float32 file of the same weights, to compare scores."""
    return _verified(trained, model, dataclasses.replace(chosen, precision="fp32"))[0]


def _measuring(trained: TrainedGenerator) -> dict[str, int]:
    """Return the inputs of a generator for measurements, as keyword arguments."""
    return {
        "latent_dim": trained.recipe.generator.latent_dim,
        "classes": trained.spec.classes,
        "seed": trained.recipe.training.seed,
    }


def _trace(trained: TrainedGenerator, chosen: _Chosen) -> onnx.ModelProto:
    recipe = trained.recipe
    return to_onnx(
        trained.module,
        recipe.generator.latent_dim,
        chosen.ending,
        opset=chosen.opset,
        classes=trained.spec.classes,
        precision="fp16" if chosen.precision == "fp16" else "fp32",
        about=f"{'Class-conditional generator' if trained.spec.classes else 'Generator'} of a GAN"
        f" of architecture {recipe.generator.architecture}, trained with dropout"
        f" {recipe.generator.dropout:g} in the generator and {trained.discriminator_dropout:g} in the"
        " discriminator.",
    )


def _ending(trained: TrainedGenerator, wanted: Wanted) -> Ending:
    data = trained.about["data"]
    return deployment(data["kind"]).ending(data, wanted)


def _verified(
    trained: TrainedGenerator, model: onnx.ModelProto, chosen: _Chosen, **found: Any
) -> tuple[bytes, Card]:
    """Return the model's bytes with its card, checked by the gate, the generator and the loader.

    ``found`` has facts for the export card besides options and parity.
    """
    plain = model.SerializeToString(deterministic=True)
    check_inference_only(plain).require("the exported generator")
    parity = check_parity(
        plain,
        trained.module,
        ending=chosen.ending,
        precision=chosen.precision,
        **_measuring(trained),
    )
    card = _card(trained, chosen, parity=parity, **found)
    data = with_metadata(plain, METADATA_KEY, card.to_json())
    screen_bytes(data)  # what the runtime would refuse must not leave the house
    return data, card


def _scored(data: bytes, card: Card, scorer: Scorer | None, fp32: float | None) -> tuple[bytes, Card]:
    """Return the file with its score in the card.

    Raises:
        PriceError: The score is too far from that of the float32 file.
    """
    if scorer is None:
        return data, card
    value = scorer(data)
    price = PriceCard()
    if fp32 is not None:
        price = scorer.price(value, fp32)
        if not within_budget(value, fp32):
            raise PriceError(
                f"{card.export.precision} makes {scorer.name} {value:.2f}, fp32 has {fp32:.2f}:"
                " use --precision fp32"
            )
    card = dataclasses.replace(
        card, scores=(scorer.card(value),), export=dataclasses.replace(card.export, price=price)
    )
    return with_metadata(data, METADATA_KEY, card.to_json()), card


def _card(trained: TrainedGenerator, chosen: _Chosen, **found: Any) -> Card:
    recipe, about, classes = trained.recipe, trained.about, trained.spec.classes
    data, ending = about["data"], chosen.ending
    versions = {**about["versions"], "onnx": importlib.metadata.version("onnx")}
    return Card(
        data=DataCard(
            kind=data["kind"],
            shape=tuple(data["shape"]),
            name=data["name"],
            fingerprint=data["fingerprint"],
            samples=data["samples"],
            class_names=tuple(data["class_names"]),
            **{key: tuple(data.get(key, ())) for key in _OF_KIND},
        ),
        latents=LatentCard(dim=recipe.generator.latent_dim, stream=STREAM_NAME),
        architecture=ArchitectureCard(recipe.generator.architecture, parameter_count(trained.module)),
        dropout=DropoutCard(recipe.generator.dropout, trained.discriminator_dropout, disabled=True),
        training=TrainingCard(
            recipe=recipe.name,
            steps=about["step"],
            seed=recipe.training.seed,
            ema=recipe.training.ema_decay > 0,
            versions=versions,
            features=FeatureCard(**about.get("features", {})),
        ),
        export=ExportCard(
            opset=chosen.opset,
            precision=chosen.precision,
            output=ending.output,
            layout=ending.layout,
            **ending.about,
            **found,
        ),
        labels=_labels(data, classes) if classes else LabelCard(),
    )


def _labels(data: dict[str, Any], classes: int) -> LabelCard:
    return LabelCard(
        classes,
        LABEL_STREAM_NAME,
        numbers=tuple(data.get("class_numbers", ())),
        counts=tuple(data.get("class_counts", ())),
        column=data.get("class_column", ""),
    )
